"""ffmpeg runs at most twice at once, and not after the stand-in has ended."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from devstack.coconut.ffmpeg import AT_ONCE, Ffmpeg
from devstack.paths import PROJECT_DIR
from devstack.s3 import S3Access
from tests.integration.devstack.coconut.server import StandInClient, a_job, put
from tests.support.clips import a_clip
from tests.support.eventually import eventually

PICTURE = ["-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25:duration=2", "-threads", "1", "-f", "null", "-"]


class WatchedFfmpeg(Ffmpeg):
    """Records at each start how many run."""

    def __init__(self) -> None:
        super().__init__()
        self.running: list[int] = []

    def _start(self, arguments: Sequence[str], folder: Path) -> subprocess.Popen[str]:
        child = super()._start(arguments, folder)
        self.running.append(len(self._children))
        return child


def test_at_most_two_run_at_once(tmp_path: Path) -> None:
    ffmpeg = WatchedFfmpeg()
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: ffmpeg.generate(PICTURE, folder=tmp_path), range(6)))
    assert len(ffmpeg.running) == 6
    assert max(ffmpeg.running) == AT_ONCE


def children(pid: int) -> list[int]:
    """Return the processes that any thread of a process has started."""
    pids: list[int] = []
    with suppress(FileNotFoundError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            pids += [int(child) for child in (task / "children").read_text().split()]
    return pids


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM])
def test_no_ffmpeg_survives_the_process(s3: S3Access, tmp_path: Path, ending: signal.Signals) -> None:
    job = a_job(s3, put(s3, a_clip(tmp_path / "clip.mp4", size="1280x720", seconds=10)), "http://127.0.0.1:1/")
    job["outputs"]["httpstream"]["variants"] = ["mp4:0x720", "mp4:0x540"]
    command = [sys.executable, "-m", "devstack.coconut", "--port=0", f"--state-dir={tmp_path}", "--api-key=key"]
    with subprocess.Popen(command, cwd=PROJECT_DIR, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            client = StandInClient(json.loads(process.stdout.readline())["url"], "key")
            job_id = client.submit(job)
            encoders = eventually(
                lambda: children(process.pid) if client.get(f"jobs/{job_id}")["progress"] not in {"0%", "100%"} else []
            )
            process.send_signal(ending)
            assert process.wait(timeout=10) == (0 if ending == signal.SIGTERM else -ending)
        finally:
            process.kill()
    eventually(lambda: not any(is_alive(encoder) for encoder in encoders), within_seconds=5)
