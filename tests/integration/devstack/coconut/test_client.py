"""Coconut's own client for Python works against the stand-in as it is: it shares no reading of the API with us."""

import gc
from collections.abc import Iterator
from pathlib import Path

import coconut as official  # type: ignore[import-untyped]
import pytest
import requests
from coconut.error import CoconutError  # type: ignore[import-untyped]

from devstack.coconut_server import CoconutAccess
from devstack.s3 import S3Access
from tests.integration.devstack.coconut.server import FINAL, Json, Webhook, a_clip, a_job, a_webhook, put
from tests.support.eventually import eventually

# The client leaves its connections to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")


@pytest.fixture(autouse=True)
def connections_collected_here() -> Iterator[None]:
    """Collect them before the next test, in which the warning would be an error."""
    yield
    gc.collect()


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with a_webhook() as webhook:
        yield webhook


@pytest.fixture
def job(s3: S3Access, tmp_path: Path, webhook: Webhook) -> Json:
    clip = a_clip(tmp_path / "clip.mp4", size="320x180", seconds=1)
    return a_job(s3, put(s3, clip), f"{webhook.url}?video=v1&attempt=1&sig=0abc")


@pytest.fixture
def client(coconut: CoconutAccess) -> official.Client:
    return official.Client(coconut.api_key, endpoint=coconut.url)


def ended(client: official.Client, job_id: str) -> Json:
    def look() -> Json | None:
        job: Json = official.Job.retrieve(job_id, client=client)
        return job if job["status"] in FINAL else None

    job = eventually(look)
    assert job is not None
    return job


def test_a_job_is_created_followed_and_described(client: official.Client, job: Json) -> None:
    created = official.Job.create(job, client=client)
    assert (created["status"], created["progress"]) == ("job.starting", "0%")
    finished = ended(client, created["id"])
    assert (finished["id"], finished["status"], finished["progress"]) == (created["id"], "job.completed", "100%")
    assert finished["outputs"][0]["urls"][0]["url"].endswith("/processed/v1/1/hls/master.m3u8")
    known = official.Metadata.retrieve(created["id"], client=client)
    assert known["job_id"] == created["id"]
    assert known["metadata"]["input"]["streams"][0]["width"] == 320
    assert list(known["metadata"]["outputs"][0]) == ["hls"]
    for key, expected in [("input", known["metadata"]["input"]), ("hls", known["metadata"]["outputs"][0]["hls"])]:
        assert official.Metadata.retrieve(created["id"], key=key, client=client)["metadata"] == expected


def test_storage_and_notification_may_be_given_once_for_all_jobs(
    coconut: CoconutAccess, job: Json, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(official, "api_key", coconut.api_key)
    monkeypatch.setattr(official, "endpoint", coconut.url)
    monkeypatch.setattr(official, "storage", job.pop("storage"))
    monkeypatch.setattr(official, "notification", job.pop("notification"))
    created = official.Job.create(job)
    eventually(lambda: "job.completed" in webhook.events())
    assert official.Job.retrieve(created["id"])["status"] == "job.completed"


def test_a_job_that_fails_is_a_job_and_no_exception(client: official.Client, job: Json) -> None:
    job["input"]["url"] = job["input"]["url"].replace("original", "nothing")
    failed = ended(client, official.Job.create(job, client=client)["id"])
    assert (failed["status"], failed["input"]["status"]) == ("job.failed", "input.failed")


def test_a_refusal_is_read_with_its_code(client: official.Client, coconut: CoconutAccess, job: Json) -> None:
    refused = [
        ({**job, "input": {}}, "input_not_valid"),
        ({**job, "storage": {"service": "floppy"}}, "storage_service_not_valid"),
        ({**job, "outputs": {"mp4:big": {"path": "/o.mp4"}}}, "output_param_not_valid"),
    ]
    for bad, code in refused:
        with pytest.raises(CoconutError, match=rf"\(code={code}\)$"):
            official.Job.create(bad, client=client)
    stranger = official.Client("wrong", endpoint=coconut.url)
    with pytest.raises(CoconutError, match=r"^HTTP Basic: Access denied\. \(code=authentication_failed\)$"):
        official.Job.retrieve("x", client=stranger)


@pytest.mark.parametrize(
    ("fault", "status"), [({}, 404), ({"http_429": True}, 429), ({"http_5xx_before": True}, 500)], ids=str
)
def test_an_answer_without_a_body_is_read_as_its_status(
    client: official.Client, coconut: CoconutAccess, job: Json, fault: Json, status: int
) -> None:
    requests.put(f"{coconut.control_url}/_faults", json=fault, timeout=10).raise_for_status()
    with pytest.raises(CoconutError, match=f"^Server returned HTTP status {status}\\.$"):
        official.Job.create(job, client=client) if fault else official.Job.retrieve("nothing", client=client)
