"""Sends the bytes of one file to storage: in one piece, or in parts, some of them in parallel.

Every try requests a new URL, so none is ever too old. uploader.py decides what to do with the video.
"""

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from videoupload.client import Client
from videoupload.errors import ProblemError, StorageRefusedError, UploadRefusedError
from videoupload.files import Fingerprint, Piece
from videoupload.models import Parts, SignedPart, Upload
from videoupload.retry import Retry

# A URL may be late once, or the clock a little wrong; what is refused three times is refused.
_REFUSALS_AT_MOST = 3
_WHOLE = 0
CLOSED = "upload_closed"


class _EndedError(Exception):
    """Another part failed, or a person interrupted: this part is no longer needed."""


class SpeedMeter:
    """How many bytes have been sent, of parts that may begin again."""

    def __init__(self, total_bytes: int, tell: Callable[[int, int], object]) -> None:
        self._total_bytes = total_bytes
        self._tell = tell
        self._sent: dict[int, int] = {}
        self._lock = threading.Lock()

    def hold(self, parts: Parts) -> None:
        """Count what storage has, and only that."""
        with self._lock:
            self._sent = {part.part_number: part.size_bytes for part in parts.parts}
            self._show()

    def restart(self, number: int) -> None:
        """Count a part from its beginning."""
        with self._lock:
            self._sent[number] = 0

    def add(self, number: int, count: int) -> None:
        """Count more bytes of a part."""
        with self._lock:
            self._sent[number] = self._sent.get(number, 0) + count
            self._show()

    def _show(self) -> None:
        self._tell(min(self._total_bytes, sum(self._sent.values())), self._total_bytes)


@dataclass(frozen=True)
class Transfer:
    """One file for one video."""

    client: Client
    video_id: str
    path: Path
    fingerprint: Fingerprint
    retry: Retry
    meter: SpeedMeter

    def whole(self, first: Upload | None) -> None:
        """Send the file in one piece; ``first``: its target, if there is one already. Raises ClientError."""
        targets = iter([first] if first else [])
        size = self.fingerprint.size_bytes

        def sign() -> Upload:
            return next(targets, None) or self.client.upload_url(self.video_id)

        with _closed_is_done():
            self.retry.call(lambda: self._piece(_WHOLE, sign, start=0, length=size))

    def parts(self, *, parallel: int) -> None:
        """Send the parts that storage has not got, as often as it takes until it has them all. Raises ClientError."""
        left: int | None = None
        with _closed_is_done():
            while True:
                stored = self.retry.call(lambda: self.client.parts(self.video_id))
                self.meter.hold(stored)
                if not stored.missing:
                    return
                if left is not None and len(stored.missing) >= left:
                    raise UploadRefusedError("storage does not keep the parts that are sent to it; begin anew later")
                left = len(stored.missing)
                self._all(stored, parallel=parallel)

    def _all(self, stored: Parts, *, parallel: int) -> None:
        ended = threading.Event()
        one = replace(self, retry=replace(self.retry, ended=ended))
        crew = _Crew(lambda number: one._part(number, stored.part_size), stored.missing, ended)
        crew.work(at_a_time=min(parallel, len(stored.missing)))

    def _part(self, number: int, part_bytes: int) -> None:
        start = (number - 1) * part_bytes
        length = min(part_bytes, self.fingerprint.size_bytes - start)

        def sign() -> SignedPart:
            return self.client.sign_part(self.video_id, number)

        self.retry.call(lambda: self._piece(number, sign, start=start, length=length))

    def _piece(self, number: int, sign: Callable[[], Upload | SignedPart], *, start: int, length: int) -> None:
        def on_bytes(count: int) -> None:
            if self.retry.ended.is_set():
                raise _EndedError
            self.meter.add(number, count)

        refusals = 0
        while True:
            target = sign()
            self.meter.restart(number)
            try:
                with Piece(self.path, self.fingerprint, start=start, length=length, on_bytes=on_bytes) as piece:
                    return self.client.send(target, piece)
            except StorageRefusedError:
                refusals += 1
                if refusals == _REFUSALS_AT_MOST:
                    raise


class _Crew:
    """Threads that do all of some numbers. They are daemons: a stalled connection does not hold up an interruption."""

    def __init__(self, do: Callable[[int], None], numbers: tuple[int, ...], ended: threading.Event) -> None:
        self._do = do
        self._todo: queue.SimpleQueue[int] = queue.SimpleQueue()
        for number in numbers:
            self._todo.put(number)
        self._count = len(numbers)
        self._done: queue.SimpleQueue[Exception | None] = queue.SimpleQueue()
        self._ended = ended

    def work(self, *, at_a_time: int) -> None:
        """Do them all. Raises the first error, once all threads have stopped."""
        threads = [threading.Thread(target=self._one_by_one, daemon=True) for _ in range(at_a_time)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(self._count):
                error = self._done.get()
                if error is not None:
                    for thread in threads:
                        thread.join()
                    raise error
        finally:
            self._ended.set()

    def _one_by_one(self) -> None:
        while not self._ended.is_set():
            try:
                number = self._todo.get_nowait()
            except queue.Empty:
                return
            try:
                self._do(number)
            except Exception as error:  # raised again in the thread that waits
                self._ended.set()
                self._done.put(error)
            else:
                self._done.put(None)


@contextmanager
def _closed_is_done() -> Iterator[None]:
    """Take "waits for no file" as the end of sending: the service joined the parts, or the video was deleted."""
    try:
        yield
    except ProblemError as error:
        if error.code != CLOSED:
            raise
