"""Coconut's own client for Python works with the stand-in, so the two do not share our reading of the API."""

import gc
from collections.abc import Iterator
from pathlib import Path

import coconut as official  # type: ignore[import-untyped]
import pytest
import requests
from coconut.error import CoconutError  # type: ignore[import-untyped]

from devstack.coconut_server import CoconutAccess
from devstack.s3 import S3Access
from tests.integration.devstack.coconut.server import FINAL, CallbackReceiver, Json, a_job, put
from tests.support.clips import a_clip
from tests.support.eventually import eventually

# The client leaves its connections to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")


@pytest.fixture(autouse=True)
def connections_collected_here() -> Iterator[None]:
    """Collect them before the next test, where the warning would be an error."""
    yield
    gc.collect()


@pytest.fixture
def job(s3: S3Access, tmp_path: Path, webhook: CallbackReceiver) -> Json:
    clip = a_clip(tmp_path / "clip.mp4", size="320x180", seconds=1)
    return a_job(s3, put(s3, clip), f"{webhook.url}?video=v1&attempt=1&sig=0abc")


@pytest.fixture
def client(coconut: CoconutAccess) -> official.Client:
    return official.Client(coconut.api_key, endpoint=coconut.url)


def ended(client: official.Client, job_id: str) -> Json:
    def final_job() -> Json | None:
        job: Json = official.Job.retrieve(job_id, client=client)
        return job if job["status"] in FINAL else None

    job = eventually(final_job)
    assert job is not None
    return job


def test_a_job_is_created_followed_and_described(client: official.Client, job: Json, webhook: CallbackReceiver) -> None:
    created = official.Job.create(job, client=client)
    assert (created["status"], created["progress"]) == ("job.starting", "0%")
    finished = ended(client, created["id"])
    assert (finished["id"], finished["status"], finished["progress"]) == (created["id"], "job.completed", "100%")
    assert finished["outputs"][0]["urls"][0]["url"].endswith("/processed/v1/1/hls/master.m3u8")
    described = official.Metadata.retrieve(created["id"], client=client)
    assert described["job_id"] == created["id"]
    assert described["metadata"]["input"]["streams"][0]["width"] == 320
    eventually(lambda: "job.completed" in webhook.events())


def test_a_job_that_fails_is_not_an_exception(client: official.Client, job: Json) -> None:
    job["input"]["url"] = job["input"]["url"].replace("original", "nothing")
    failed = ended(client, official.Job.create(job, client=client)["id"])
    assert (failed["status"], failed["input"]["status"]) == ("job.failed", "input.failed")


def test_a_refusal_is_read_with_its_code(client: official.Client, coconut: CoconutAccess, job: Json) -> None:
    with pytest.raises(CoconutError, match=r"\(code=storage_service_not_valid\)$"):
        official.Job.create({**job, "storage": {"service": "floppy"}}, client=client)
    stranger = official.Client("wrong", endpoint=coconut.url)
    with pytest.raises(CoconutError, match=r"^HTTP Basic: Access denied\. \(code=authentication_failed\)$"):
        official.Job.retrieve("x", client=stranger)


@pytest.mark.parametrize(
    ("fault", "status"), [({}, 404), ({"http_429": True}, 429), ({"http_5xx_before": True}, 500)], ids=str
)
def test_a_response_without_a_body_is_read_as_its_status(
    client: official.Client, coconut: CoconutAccess, job: Json, fault: Json, status: int
) -> None:
    requests.put(f"{coconut.control_url}/_faults", json=fault, timeout=10).raise_for_status()
    with pytest.raises(CoconutError, match=f"^Server returned HTTP status {status}\\.$"):
        official.Job.create(job, client=client) if fault else official.Job.retrieve("nothing", client=client)
