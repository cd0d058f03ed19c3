"""A running service, the proxies before it, and its users."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from devstack.paths import PROJECT_DIR
from devstack.s3 import S3Access, client_for
from tests.integration.api_process import ApiProcess, token
from tests.support.proxies.lossy_proxy import Fault, LossyProxy
from videoupload import (
    Client,
    Uploader,
    UploadOptions,
    UploadStateStore,
    Video,
)
from videoupload.retry import Retry

PART_BYTES = 5 * 1024**2
FILE_BYTES = 2 * PART_BYTES + 1000
IN_PARTS = UploadOptions(title="Cats", upload_mode="multipart")
IN_ONE_PIECE = UploadOptions(title="Cats", upload_mode="single")
UNAVAILABLE = Fault(503, {"Retry-After": "1"})
EXPIRED = Fault(403)


class Interrupts:
    """Presses Ctrl-C once a number of bytes was sent, and collects the notices."""

    def __init__(self, after_bytes: int | None = None, *, and_then: Callable[[], object] = lambda: None) -> None:
        self.after_bytes = after_bytes
        self.and_then = and_then
        self.notes: list[str] = []
        self.shown: list[int] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def sent(self, done_bytes: int, _total_bytes: int) -> None:
        self.shown.append(done_bytes)
        if self.after_bytes is not None and done_bytes >= self.after_bytes:
            self.and_then()
            raise InterruptedUploadError


class InterruptedUploadError(Exception):
    """The process ends here."""


@dataclass(frozen=True)
class RunningService:
    """A running service, the proxies before it, and one of its users."""

    api: ApiProcess
    lossy_proxy: LossyProxy
    s3: S3Access
    memory: UploadStateStore
    user: str

    @property
    def client(self) -> Client:
        """Return a client that remembers nothing, as of a new process."""
        return Client(self.lossy_proxy.url, token(self.user))

    def uploader(
        self, listener: Interrupts | None = None, *, parallel: int = 1, patience_seconds: float = 300
    ) -> Uploader:
        """Return an uploader whose waits take no time."""
        retry = Retry(patience_seconds, pause=lambda _ended, _seconds: None)
        return Uploader(self.client, self.memory, retry, listener or Interrupts(), parallel=parallel)

    def stored(self, video_id: str) -> bytes:
        """Return the file at storage."""
        stored = client_for(self.s3).get_object(Bucket=self.s3.raw_bucket, Key=f"uploads/{video_id}/original.mp4")
        return stored["Body"].read()

    def videos(self) -> tuple[Video, ...]:
        """Return all there are."""
        return Client(self.api.url, token(self.user)).page().videos

    def remembered(self, tmp_path: Path) -> list[Path]:
        """Return the records of unfinished uploads."""
        return list((tmp_path / "state").glob("*"))


class UploadCommand:
    """The command as a process, held up by the proxy once so many bytes have passed."""

    def __init__(self, service: RunningService, home: Path) -> None:
        self._environment = {
            **os.environ,
            "XDG_STATE_HOME": str(home),
            "VIDEOUPLOAD_API": service.lossy_proxy.url,
            "VIDEOUPLOAD_TOKEN": token(service.user),
        }

    def started(self, *words: str | Path, **changes: str) -> "subprocess.Popen[str]":
        """Start it as a person's shell does: what is started in the background ignores SIGINT, and the tests may be."""
        argv = ["env", "--default-signal=INT", sys.executable, "-m", "videoupload", *map(str, words)]
        environment = self._environment | changes
        pipe = subprocess.PIPE
        return subprocess.Popen(argv, cwd=PROJECT_DIR, env=environment, stdout=pipe, stderr=pipe, text=True)

    def ended(self, *words: str | Path, **changes: str) -> tuple[int, str, str]:
        """Run it; returns the exit code and what it wrote to stdout and stderr."""
        with self.started(*words, **changes) as process:
            out, err = process.communicate(timeout=60)
        return process.returncode, out, err
