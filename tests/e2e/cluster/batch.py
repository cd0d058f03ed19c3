"""Many small uploads at once, some of which stop in the middle of their file until a gate opens.

They use the product's own client without retries, so that a single failed call fails the upload.
"""

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from devstack.coconut.ffmpeg import Ffmpeg
from videoupload import Client, Uploader, UploadOptions, UploadStateStore
from videoupload.retry import Retry

_HELD_SECONDS_MAX = 240


def small_clip(folder: Path) -> Path:
    """Generate a second of video with one rendition."""
    path = folder / "small.mp4"
    picture = ["-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25:duration=1"]
    # Noise does not compress: the file must be larger than the socket buffers on its way.
    noisy = ["-vf", "noise=alls=60:allf=t", "-c:v", "libx264", "-preset", "ultrafast", "-qp", "12"]
    Ffmpeg().generate([*picture, *noisy, "-pix_fmt", "yuv420p", "-f", "mp4", str(path)], folder=folder)
    return path


@dataclass(frozen=True)
class Holding:
    """A progress listener that stops the sending at half of the file until the gate opens."""

    gate: threading.Event
    is_half_sent: threading.Event = field(default_factory=threading.Event)

    def note(self, text: str) -> None:
        """Ignore notes."""

    def sent(self, done_bytes: int, total_bytes: int) -> None:
        """Hold the sending thread."""
        if 2 * done_bytes >= total_bytes and not self.gate.is_set():
            self.is_half_sent.set()
            assert self.gate.wait(_HELD_SECONDS_MAX), "the gate was not opened"


class Batch:
    """Uploads side by side. Use it in a `with`; at its end the gate opens."""

    def __init__(self, client: Client, clip: Path, state: Path, *, at_once: int, held: int) -> None:
        self.gate = threading.Event()
        opened = threading.Event()
        opened.set()
        self._listeners = [Holding(self.gate) for _ in range(held)] + [Holding(opened) for _ in range(at_once)]
        self._pool = ThreadPoolExecutor(max_workers=held + at_once)
        self._held = held
        self._sending: list[Future[str]] = [
            self._pool.submit(
                Uploader(client, UploadStateStore(state / str(number)), Retry(seconds=0), listener).upload,
                clip,
                UploadOptions(title=f"number {number}"),
            )
            for number, listener in enumerate(self._listeners)
        ]

    def __enter__(self) -> "Batch":
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.gate.set()
        self._pool.shutdown()

    def wait_until_half(self) -> None:
        """Wait until the held uploads have stopped and the others are complete."""
        for future in self._sending[self._held :]:
            future.result(timeout=120)
        for future, listener in zip(self._sending, self._listeners[: self._held], strict=False):
            assert listener.is_half_sent.wait(60), future
        assert not any(future.done() for future in self._sending[: self._held])

    def video_ids(self) -> list[str]:
        """Open the gate and return the videos. Raises the error of any upload."""
        self.gate.set()
        return [future.result(timeout=120) for future in self._sending]
