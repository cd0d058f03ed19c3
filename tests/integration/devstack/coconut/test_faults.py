"""Each fault has its effect, and the ledger names every accepted job."""

import secrets
from pathlib import Path

import pytest
import requests

from devstack.coconut.canned import CLIP_SECONDS
from devstack.coconut.faults import NAMES
from devstack.s3 import S3Access
from tests.integration.devstack.coconut.server import CallbackReceiver, Json, StandInClient, a_job, listing, put
from tests.support.clips import a_clip
from tests.support.eventually import eventually


@pytest.fixture
def video() -> str:
    """A video id that no other test uses: the ledger keeps the jobs of all tests."""
    return f"v{secrets.token_hex(8)}"


@pytest.fixture
def job(s3: S3Access, tmp_path: Path, webhook: CallbackReceiver, video: str) -> Json:
    clip = a_clip(tmp_path / "clip.mp4", size="320x180", seconds=1)
    return a_job(s3, put(s3, clip), f"{webhook.url}?video={video}&attempt=1&sig=0abc")


def test_each_change_of_faults_returns_all_values(client: StandInClient) -> None:
    url = f"{client.control_url}/_faults"
    none = requests.delete(url, timeout=10).json()
    assert none == dict.fromkeys(NAMES, 0)
    answered = requests.put(url, json={"drop": 0.5, "canned": True}, timeout=10).json()
    assert answered == {**none, "drop": 0.5, "canned": True}
    assert requests.get(url, timeout=10).json() == answered
    assert requests.put(url, json={"drop": 0, "slow": 3}, timeout=10).json() == {**none, "canned": True, "slow": 3}
    assert requests.delete(url, timeout=10).json() == none


@pytest.mark.parametrize(
    ("body", "named"), [(b'{"stuck": 1, "explode": 1}', "explode"), (b'{"drop": NaN}', "drop"), (b"{", "JSON")]
)
def test_bad_faults_are_refused_by_name_and_change_nothing(client: StandInClient, body: bytes, named: str) -> None:
    url = f"{client.control_url}/_faults"
    client.set_faults(canned=True)
    before = requests.get(url, timeout=10).json()
    refused = requests.put(url, data=body, timeout=10)
    assert refused.status_code == 400
    assert named in refused.json()["message"]
    assert requests.get(url, timeout=10).json() == before


@pytest.mark.parametrize(("fault", "status"), [("http_429", 429), ("http_5xx_before", 500)])
def test_a_refusal_before_acceptance_leaves_no_job(
    client: StandInClient, job: Json, video: str, fault: str, status: int
) -> None:
    client.set_faults(**{fault: True})
    response = client.post(job)
    assert response.status_code == status
    assert ("Retry-After" in response.headers) == (status == 429)
    assert client.ledger(video) == []


def test_an_error_after_acceptance_leaves_a_job_that_runs(client: StandInClient, job: Json, video: str) -> None:
    client.set_faults(http_5xx_after=True)
    assert client.post(job).status_code == 500
    (entry,) = client.ledger(video)
    assert (entry["video"], entry["attempt"]) == (video, 1)
    assert client.ended(entry["job_id"])["status"] == "job.completed"


def test_a_response_that_never_comes_leaves_a_job_that_runs(client: StandInClient, job: Json, video: str) -> None:
    client.set_faults(hang_after=True)
    with pytest.raises(requests.ReadTimeout):
        client.post(job, timeout_seconds=1)
    (entry,) = eventually(lambda: client.ledger(video))
    assert client.ended(entry["job_id"])["status"] == "job.completed"


def test_a_stuck_job_never_ends_and_blocks_no_other(client: StandInClient, job: Json) -> None:
    client.set_faults(stuck=True)
    stuck = [client.submit(job) for _ in range(3)]
    client.set_faults(stuck=False)
    assert client.ended(client.submit(job))["status"] == "job.completed"
    eventually(lambda: {client.get(f"jobs/{job_id}")["status"] for job_id in stuck} == {"job.processing"})


def test_a_slow_job_waits_after_its_input_was_transferred(
    client: StandInClient, job: Json, webhook: CallbackReceiver, s3: S3Access
) -> None:
    client.set_faults(slow=4)
    job_id = client.submit(job)
    eventually(lambda: webhook.events() == ["input.transferred"])
    assert client.get(f"jobs/{job_id}")["status"] == "job.processing"
    assert listing(s3) == {}
    assert client.ended(job_id)["status"] == "job.completed"


def test_a_held_job_waits_until_the_fault_is_over_and_blocks_no_other(
    client: StandInClient, job: Json, webhook: CallbackReceiver, s3: S3Access
) -> None:
    client.set_faults(hold=True)
    held = [client.submit(job) for _ in range(3)]
    eventually(lambda: webhook.events() == ["input.transferred"] * 3)
    assert {client.get(f"jobs/{job_id}")["status"] for job_id in held} == {"job.processing"}
    assert listing(s3) == {}
    client.set_faults(hold=False)
    assert {client.ended(job_id)["status"] for job_id in held} == {"job.completed"}


def test_a_failing_job_fails_its_stream_and_writes_its_images(client: StandInClient, job: Json, s3: S3Access) -> None:
    client.set_faults(fail=True)
    job["outputs"]["jpg"] = {"key": "poster", "path": "v1/1/poster.jpg"}
    ended = client.ended(client.submit(job))
    assert ended["status"] == "job.failed"
    assert ended["progress"] == "100%"
    assert [output["status"] for output in ended["outputs"]] == ["httpstream.failed", "image.created"]
    assert ended["outputs"][0]["error"] == "The media file couldn't be encoded because of a FFmpeg error."
    assert list(listing(s3)) == ["processed/v1/1/poster.jpg"]


def test_canned_jobs_write_a_real_stream_without_reading_the_input(
    client: StandInClient, job: Json, s3: S3Access, tmp_path: Path
) -> None:
    client.set_faults(canned=True)
    text = tmp_path / "text"
    text.write_text("not a video")
    job["input"]["url"] = put(s3, text)
    for attempt in (1, 2):
        job["outputs"]["httpstream"]["hls"]["path"] = f"v1/{attempt}/hls"
        job_id = client.submit(job)
        assert client.ended(job_id)["status"] == "job.completed"
        written = listing(s3, f"processed/v1/{attempt}/")
        assert f"processed/v1/{attempt}/hls/master.m3u8" in written
        described = client.get(f"metadata/jobs/{job_id}")["metadata"]["input"]
        assert float(described["format"]["duration"]) == pytest.approx(CLIP_SECONDS, abs=0.1)
    job["input"]["url"] = job["input"]["url"].replace("original", "nothing")
    assert client.ended(client.submit(job))["input"]["status"] == "input.failed"


def test_callbacks_are_dropped_duplicated_and_forged(
    client: StandInClient, job: Json, webhook: CallbackReceiver
) -> None:
    client.set_faults(canned=True, drop=True)
    client.ended(client.submit(job))
    client.set_faults(drop=False, duplicate=True, forge=True)
    job_id = client.submit(job)
    client.ended(job_id)
    eventually(lambda: len(webhook.received) == 9)
    genuine = [payload["event"] for query, payload in webhook.received if query.endswith("sig=0abc")]
    assert genuine == [event for event in ("input.transferred", "output.completed", "job.completed") for _ in range(2)]
    forged = [payload["job_id"] for query, payload in webhook.received if query.endswith("sig=1abc")]
    assert len(forged) == 3
    assert job_id not in forged


def test_callbacks_of_a_job_arrive_in_another_order(
    client: StandInClient, job: Json, webhook: CallbackReceiver
) -> None:
    client.set_faults(canned=True, reorder=True)
    client.ended(client.submit(job))
    natural = ["input.transferred", "output.completed", "job.completed"]
    eventually(lambda: len(webhook.received) == 3)
    assert webhook.events() != natural
    assert sorted(webhook.events()) == sorted(natural)


def test_delayed_callbacks_arrive_after_the_job_ended(
    client: StandInClient, job: Json, webhook: CallbackReceiver
) -> None:
    client.set_faults(canned=True, delay_seconds=3)
    client.ended(client.submit(job))
    assert "job.completed" not in webhook.events()
    eventually(lambda: len(webhook.received) == 3)


def test_a_callback_is_neither_redirected_nor_retried(
    client: StandInClient, job: Json, webhook: CallbackReceiver
) -> None:
    webhook.status = 307  # the redirect that would carry the whole POST along
    client.set_faults(canned=True)
    client.ended(client.submit(job))
    natural = ["input.transferred", "output.completed", "job.completed"]
    eventually(lambda: webhook.events() == natural)
    client.ended(client.submit(job))
    eventually(lambda: webhook.events() == natural * 2)
