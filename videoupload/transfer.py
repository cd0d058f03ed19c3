"""Sends the bytes of a file to storage, in one piece or in parts, several at a time.

Each try gets a new URL, so no URL is too old. uploader.py creates and confirms the video.
"""

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from videoupload.client import Client
from videoupload.errors import ProblemError, StorageRefusedError, UploadRefusedError
from videoupload.files import Fingerprint, Piece
from videoupload.models import Parts, PartUrl, Upload
from videoupload.retry import Retry

# A URL may have expired once, or the clock may be wrong by a little. The third refusal is final.
_REFUSALS_AT_MOST = 3
_WHOLE = 0
CLOSED = "upload_closed"


class _EndedError(Exception):
    """Another part failed or a person interrupted the upload, so this part is no longer needed."""


class SpeedMeter:
    """Counts the bytes that were sent, of parts that may start over."""

    def __init__(self, total_bytes: int, on_sent: Callable[[int, int], object]) -> None:
        self._total_bytes = total_bytes
        self._on_sent = on_sent
        self._sent: dict[int, int] = {}
        self._lock = threading.Lock()

    def set_stored(self, parts: Parts) -> None:
        """Set the count to the parts in storage."""
        with self._lock:
            self._sent = {part.part_number: part.size_bytes for part in parts.parts}
            self._show()

    def restart(self, number: int) -> None:
        """Count a part from zero again."""
        with self._lock:
            self._sent[number] = 0

    def add(self, number: int, count: int) -> None:
        """Add bytes of a part."""
        with self._lock:
            self._sent[number] = self._sent.get(number, 0) + count
            self._show()

    def _show(self) -> None:
        self._on_sent(min(self._total_bytes, sum(self._sent.values())), self._total_bytes)


@dataclass(frozen=True)
class Transfer:
    """The transfer of one file to one video."""

    client: Client
    video_id: str
    path: Path
    fingerprint: Fingerprint
    retry: Retry
    meter: SpeedMeter

    def whole(self, first: Upload | None) -> None:
        """Send the file in one piece, first to ``first`` if there is a URL already. Raises ClientError."""
        targets = iter([first] if first else [])
        size = self.fingerprint.size_bytes

        def sign() -> Upload:
            return next(targets, None) or self.client.upload_url(self.video_id)

        with _closed_is_done():
            self.retry.call(lambda: self._piece(_WHOLE, sign, start=0, length=size))

    def parts(self, *, parallel: int) -> None:
        """Send the missing parts until storage has all of them. Raises ClientError."""
        left: int | None = None
        with _closed_is_done():
            while True:
                stored = self.retry.call(lambda: self.client.parts(self.video_id))
                self.meter.set_stored(stored)
                if not stored.missing:
                    return
                if left is not None and len(stored.missing) >= left:
                    raise UploadRefusedError("storage does not keep the parts that are sent to it; try again later")
                left = len(stored.missing)
                self._all(stored, parallel=parallel)

    def _all(self, stored: Parts, *, parallel: int) -> None:
        ended = threading.Event()
        one = replace(self, retry=replace(self.retry, ended=ended))
        at_a_time = min(parallel, len(stored.missing))
        _run_all(lambda number: one._part(number, stored.part_size), stored.missing, at_a_time=at_a_time, ended=ended)

    def _part(self, number: int, part_bytes: int) -> None:
        start = (number - 1) * part_bytes
        length = min(part_bytes, self.fingerprint.size_bytes - start)

        def sign() -> PartUrl:
            return self.client.sign_part(self.video_id, number)

        self.retry.call(lambda: self._piece(number, sign, start=start, length=length))

    def _piece(self, number: int, sign: Callable[[], Upload | PartUrl], *, start: int, length: int) -> None:
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


def _run_all(do: Callable[[int], None], numbers: Sequence[int], *, at_a_time: int, ended: threading.Event) -> None:
    """Call ``do`` with each number in ``at_a_time`` threads. Raises the first error once all threads have stopped.

    Not in a ThreadPoolExecutor: Python joins its threads at exit, so a stalled connection would hold up Ctrl-C.
    """
    todo: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in numbers:
        todo.put(number)
    results: queue.SimpleQueue[Exception | None] = queue.SimpleQueue()

    def work() -> None:
        try:
            while not ended.is_set() and not todo.empty():
                do(todo.get_nowait())
        except queue.Empty:
            results.put(None)
        except Exception as error:
            results.put(error)
            ended.set()
        else:
            results.put(None)

    try:
        for _ in range(at_a_time):
            threading.Thread(target=work, daemon=True).start()
        errors = [error for error in [results.get() for _ in range(at_a_time)] if error is not None]
    finally:
        ended.set()
    if errors:
        raise errors[0]


@contextmanager
def _closed_is_done() -> Iterator[None]:
    """Treat `upload_closed` as the end of sending: the service joined the parts, or the video was deleted."""
    try:
        yield
    except ProblemError as error:
        if error.code != CLOSED:
            raise
