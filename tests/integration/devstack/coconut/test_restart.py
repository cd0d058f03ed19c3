"""The stand-in keeps its word across its own death: what it accepted is kept, ends, and can be looked at."""

import json
import os
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests

from devstack.paths import PROJECT_DIR
from devstack.s3 import S3Access
from tests.integration.devstack.coconut.server import Client, Json, Webhook, a_clip, a_job, a_webhook, listing, put
from tests.support.eventually import eventually

Running = tuple[subprocess.Popen[str], Client]
Start = Callable[..., Running]


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with a_webhook() as webhook:
        yield webhook


@pytest.fixture
def video() -> str:
    return f"v{secrets.token_hex(8)}"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a stand-in of this test's own, again and again on the same state."""
    started: list[subprocess.Popen[str]] = []

    def run(*more: str) -> Running:
        options = ["--port", "0", "--state-dir", str(tmp_path / "state"), "--api-key", "key", *more]
        command = [sys.executable, "-m", "devstack.coconut", *options]
        process = subprocess.Popen(command, cwd=PROJECT_DIR, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        return process, Client(json.loads(process.stdout.readline())["url"], "key")

    yield run
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def children(pid: int) -> list[int]:
    """Return the processes that a process has started, by any of its threads."""
    found: list[int] = []
    with suppress(FileNotFoundError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += [int(child) for child in (task / "children").read_text().split()]
    return found


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM])
def test_jobs_and_ledger_survive_the_end_of_the_process_and_ffmpeg_does_not(
    start: Start, s3: S3Access, tmp_path: Path, webhook: Webhook, video: str, ending: signal.Signals
) -> None:
    clip = a_clip(tmp_path / "clip.mp4", size="1280x720", seconds=10)
    job: dict[str, Any] = a_job(s3, put(s3, clip), f"{webhook.url}?video={video}&attempt=3&sig=0abc")
    job["outputs"]["httpstream"]["variants"] = ["mp4:0x720", "mp4:0x540"]
    process, client = start()
    job_id = client.submit(job)
    encoders = eventually(
        lambda: children(process.pid) if client.get(f"jobs/{job_id}")["progress"] not in {"0%", "100%"} else []
    )
    process.send_signal(ending)
    assert process.wait(timeout=10) == (0 if ending == signal.SIGTERM else -ending)
    eventually(lambda: not any(is_alive(encoder) for encoder in encoders), within_seconds=5)

    _, client = start()
    (entry,) = client.ledger(video)
    assert (entry["job_id"], entry["attempt"]) == (job_id, 3)
    assert client.ended(job_id)["status"] == "job.completed"
    assert "processed/v1/1/hls/master.m3u8" in listing(s3)


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait(timeout=10)


def a_text(s3: S3Access, folder: Path) -> str:
    """Return the URL of an input that only a canned job can do anything with."""
    text = folder / "text"
    text.write_text("not a video")
    return put(s3, text)


def test_every_fate_is_kept_when_the_process_is_killed(
    start: Start, s3: S3Access, tmp_path: Path, webhook: Webhook, video: str
) -> None:
    job = a_job(s3, a_text(s3, tmp_path), f"{webhook.url}?video={video}&attempt=1&sig=0abc")
    process, client = start()
    jobs: dict[str, str] = {}
    fates: dict[str, Json] = {"done": {}, "failed": {"fail": 1}, "stuck": {"stuck": 1}, "slow": {"slow": 1.5}}
    for name, faults in fates.items():
        requests.delete(f"{client.control_url}/_faults", timeout=10).raise_for_status()
        client.set_faults(canned=True, **faults)
        jobs[name] = client.submit(job)
    before = [client.ended(jobs[name]) for name in ("done", "failed")]
    known = client.get(f"metadata/jobs/{jobs['done']}")
    ledger = client.ledger(video)
    kill(process)

    _, client = start()
    assert [client.get(f"jobs/{jobs[name]}") for name in ("done", "failed")] == before
    assert client.get(f"metadata/jobs/{jobs['done']}") == known
    accepted = [{**entry, "status": None} for entry in client.ledger(video)]
    assert accepted == [{**entry, "status": None} for entry in ledger]
    assert [entry["job_id"] for entry in accepted] == list(jobs.values())
    assert set(requests.get(f"{client.control_url}/_faults", timeout=10).json().values()) == {0}
    assert client.ended(jobs["slow"])["status"] == "job.completed"
    assert client.get(f"jobs/{jobs['stuck']}")["status"] == "job.processing"


def test_no_job_that_was_acknowledged_is_lost_however_often_the_process_is_killed(
    start: Start, s3: S3Access, tmp_path: Path, webhook: Webhook, video: str
) -> None:
    url = a_text(s3, tmp_path)
    acknowledged: dict[str, str] = {}

    def post_until_it_is_gone(client: Client, life: int, enough: threading.Event) -> None:
        with suppress(requests.ConnectionError):
            for number in range(10_000):
                folder = f"{life}/{number}"
                stream = {"key": "hls", "hls": {"path": folder}, "variants": ["mp4:0x180"]}
                callback = f"{webhook.url}?video={video}&attempt={number}&sig=0abc"
                acknowledged[client.submit(a_job(s3, url, callback, httpstream=stream))] = folder
                if number == 15:
                    enough.set()

    for life in range(4):
        process, client = start()
        client.set_faults(canned=True)
        enough = threading.Event()
        customer = threading.Thread(target=post_until_it_is_gone, args=(client, life, enough))
        customer.start()
        assert enough.wait(timeout=60)
        kill(process)
        customer.join()

    _, client = start()
    assert acknowledged.keys() <= {entry["job_id"] for entry in client.ledger(video)}
    eventually(lambda: {entry["status"] for entry in client.ledger(video)} == {"job.completed"})
    written = listing(s3)
    assert [f for f in acknowledged.values() if f"processed/{f}/master.m3u8" not in written] == []


def test_a_seed_can_be_given_at_the_start(start: Start) -> None:
    _, client = start("--seed", "7")
    assert client.health()["seed"] == 7
