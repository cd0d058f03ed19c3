"""The stand-in misbehaves as told, survives being killed, and keeps count of what it accepted."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from devstack.coconut.faults import NAMES
from devstack.coconut_server import CoconutAccess
from devstack.s3 import S3Access
from tests.integration.devstack.coconut.server import Client, Json, Webhook, a_clip, a_job, a_webhook, listing, put
from tests.support.eventually import eventually


@pytest.fixture
def client(coconut: CoconutAccess) -> Client:
    return Client(coconut.url, coconut.api_key)


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with a_webhook() as webhook:
        yield webhook


@pytest.fixture
def video() -> str:
    """A video of this test's own: the ledger keeps what other tests did."""
    return f"v{secrets.token_hex(8)}"


@pytest.fixture
def job(s3: S3Access, tmp_path: Path, webhook: Webhook, video: str) -> Json:
    clip = a_clip(tmp_path / "clip.mp4", size="320x180", seconds=1)
    return a_job(s3, put(s3, clip), f"{webhook.url}?video={video}&attempt=1&sig=0abc")


def test_faults_answer_all_values(client: Client) -> None:
    url = f"{client.control_url}/_faults"
    none = requests.delete(url, timeout=10).json()
    assert none == dict.fromkeys(NAMES, 0)
    answered = requests.put(url, json={"drop": 0.5, "canned": True}, timeout=10).json()
    assert answered == {**none, "drop": 0.5, "canned": True}
    assert requests.get(url, timeout=10).json() == answered
    assert requests.put(url, json={"drop": 0, "slow": 3}, timeout=10).json() == {**none, "canned": True, "slow": 3}
    assert requests.delete(url, timeout=10).json() == none


@pytest.mark.parametrize(
    ("query", "body", "named"),
    [
        pytest.param("", b'{"stuck": 1, "explode": 1}', "explode", id="unknown"),
        pytest.param("", b'{"stuck": 1, "drop": 2}', "drop", id="out-of-range"),
        pytest.param("", b'{"stuck": 1, "drop": "1"}', "drop", id="text"),
        pytest.param("", b'{"stuck": 1, "drop": NaN}', "drop", id="not-a-number"),
        pytest.param("", b"[1]", "object", id="not-an-object"),
        pytest.param("", b"{", "JSON", id="not-json"),
        pytest.param("", b"", "JSON", id="empty"),
        pytest.param("?seed=x", b'{"stuck": 1}', "seed", id="no-seed"),
        pytest.param("?sed=1", b'{"stuck": 1}', "sed", id="unknown-parameter"),
    ],
)
def test_faults_are_refused_by_name_and_nothing_changes(client: Client, query: str, body: bytes, named: str) -> None:
    url = f"{client.control_url}/_faults"
    client.set_faults(canned=True)
    before = requests.get(url, timeout=10).json(), client.health()["seed"]
    refused = requests.put(url + query, data=body, timeout=10)
    assert refused.status_code == 400
    assert named in refused.json()["message"]
    assert (requests.get(url, timeout=10).json(), client.health()["seed"]) == before


def test_a_seed_gives_the_same_faults_to_the_same_posts(client: Client, job: Json, video: str) -> None:
    def run(seed: int) -> list[tuple[int, str | None]]:
        """Post one after the other; return each answer, and how the job ended if there is one."""
        client.set_faults(seed=seed, canned=True, http_429=0.3, http_5xx_after=0.3, fail=0.5)
        ended: list[tuple[int, str | None]] = []
        for _ in range(12):
            known = len(client.ledger(video))
            status = client.post(job).status_code
            entries = client.ledger(video)[known:]
            ended.append((status, client.ended(entries[0]["job_id"])["status"] if entries else None))
        return ended

    first = run(7)
    assert {status for status, _ in first} == {201, 429, 500}
    assert {end for _, end in first} == {"job.completed", "job.failed", None}
    assert run(7) == first
    assert run(8) != first


@pytest.mark.parametrize(("fault", "status"), [("http_429", 429), ("http_5xx_before", 500)])
def test_a_refusal_before_acceptance_leaves_no_job(
    client: Client, job: Json, video: str, fault: str, status: int
) -> None:
    client.set_faults(**{fault: True})
    answer = client.post(job)
    assert answer.status_code == status
    assert ("Retry-After" in answer.headers) == (status == 429)
    assert client.ledger(video) == []


def test_an_error_after_acceptance_leaves_a_job_that_runs(client: Client, job: Json, video: str) -> None:
    client.set_faults(http_5xx_after=True)
    assert client.post(job).status_code == 500
    (entry,) = client.ledger(video)
    assert (entry["video"], entry["attempt"]) == (video, 1)
    assert client.ended(entry["job_id"])["status"] == "job.completed"


def test_an_answer_that_never_comes_leaves_a_job_that_runs(client: Client, job: Json, video: str) -> None:
    client.set_faults(hang_after=True)
    with pytest.raises(requests.ReadTimeout):
        client.post(job, timeout_seconds=1)
    (entry,) = eventually(lambda: client.ledger(video))
    assert client.ended(entry["job_id"])["status"] == "job.completed"


def test_a_stuck_job_never_ends_and_hinders_no_other(client: Client, job: Json) -> None:
    client.set_faults(stuck=True)
    stuck = [client.submit(job) for _ in range(3)]
    client.set_faults(stuck=False)
    assert client.ended(client.submit(job))["status"] == "job.completed"
    eventually(lambda: {client.get(f"jobs/{job_id}")["status"] for job_id in stuck} == {"job.processing"})


def test_a_slow_job_says_that_its_input_arrived_and_takes_its_time(
    client: Client, job: Json, webhook: Webhook, s3: S3Access
) -> None:
    client.set_faults(slow=4)
    job_id = client.submit(job)
    eventually(lambda: webhook.events() == ["input.transferred"])
    assert client.get(f"jobs/{job_id}")["status"] == "job.processing"
    assert listing(s3) == {}
    assert client.ended(job_id)["status"] == "job.completed"


def test_a_job_told_to_fail_fails_its_videos_and_writes_its_images(client: Client, job: Json, s3: S3Access) -> None:
    client.set_faults(fail=True)
    job["outputs"]["jpg"] = {"key": "poster", "path": "v1/1/poster.jpg"}
    ended = client.ended(client.submit(job))
    assert ended["status"] == "job.failed"
    assert ended["progress"] == "100%"
    assert [output["status"] for output in ended["outputs"]] == ["httpstream.failed", "image.created"]
    assert ended["outputs"][0]["error"] == "The media file couldn't be encoded because of a FFmpeg error."
    assert list(listing(s3)) == ["processed/v1/1/poster.jpg"]


def test_canned_jobs_write_a_real_stream_without_looking_at_the_input(
    client: Client, job: Json, s3: S3Access, tmp_path: Path
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
        known = client.get(f"metadata/jobs/{job_id}")["metadata"]
        assert known["input"]["format"]["duration"] == known["outputs"][0]["hls"]["hls"]["format"]["duration"]
    job["input"]["url"] = job["input"]["url"].replace("original", "nothing")
    assert client.ended(client.submit(job))["input"]["status"] == "input.failed"


def test_lost_doubled_and_forged_callbacks(client: Client, job: Json, webhook: Webhook) -> None:
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


def test_callbacks_of_a_job_can_come_in_another_order(client: Client, job: Json, webhook: Webhook) -> None:
    client.set_faults(canned=True, reorder=True)
    client.ended(client.submit(job))
    natural = ["input.transferred", "output.completed", "job.completed"]
    eventually(lambda: len(webhook.received) == 3)
    assert webhook.events() != natural
    assert sorted(webhook.events()) == sorted(natural)


def test_late_callbacks_come_after_the_job_has_ended(client: Client, job: Json, webhook: Webhook) -> None:
    client.set_faults(canned=True, delay_seconds=3)
    client.ended(client.submit(job))
    assert "job.completed" not in webhook.events()
    eventually(lambda: len(webhook.received) == 3)


def test_a_redirect_is_not_followed_and_a_refusal_is_not_retried(client: Client, job: Json, webhook: Webhook) -> None:
    webhook.status = 307  # the redirect that would carry the whole POST along
    client.set_faults(canned=True)
    before = client.health()["callbacks"]["refused"]
    client.ended(client.submit(job))
    eventually(lambda: client.health()["callbacks"]["refused"] == before + 3)
    assert len(webhook.received) == 3
