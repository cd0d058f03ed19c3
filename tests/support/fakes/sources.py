"""The server of a source URL in memory, and the rows of fetches over those of `FakeRecords`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from controller.ports import SourceRefusedError, SourceUnavailableError
from domain.records import VideoRow
from domain.source_fetch import SourceFetch
from domain.video import Phase
from tests.support.fakes.records import FakeRecords


@dataclass
class FakeSourceFile:
    """A file that is being sent. ``cut``: how many bytes of it come before the transfer breaks off."""

    body: bytes
    offset: int
    version: str | None
    file_bytes: int | None
    cut: int | None
    sent: int = 0

    def read(self, at_most: int) -> bytes:
        if self.cut is not None and self.sent + at_most > self.cut:
            raise SourceUnavailableError("the transfer broke off")
        start = self.offset + self.sent
        piece = self.body[start : start + at_most]
        self.sent += len(piece)
        return piece


@dataclass
class FakeSources:
    """Stands in for `HttpSources`: one file for all URLs.

    ``failures`` are raised first, one for each request; ``cuts`` are then the bytes after which a transfer breaks off,
    one for each. ``requests``: at which offset each began. ``on_request``: what happens in the world at each.
    """

    body: bytes = b""
    version: str | None = '"one"'
    says_size: bool = True
    failures: list[SourceUnavailableError | SourceRefusedError] = field(default_factory=list)
    cuts: list[int] = field(default_factory=list)
    requests: list[int] = field(default_factory=list)
    on_request: Callable[[], object] = lambda: None

    @contextmanager
    def open(self, url: str, *, offset: int, version: str | None) -> Iterator[FakeSourceFile]:
        assert url.startswith("https://")
        if self.failures:
            raise self.failures.pop(0)
        self.on_request()
        begins_at = offset if offset and version is not None and version == self.version else 0
        self.requests.append(begins_at)
        size = len(self.body) if self.says_size else None
        yield FakeSourceFile(self.body, begins_at, self.version, size, self.cuts.pop(0) if self.cuts else None)


class FakeSourceFetches:
    """Stands in for `SourceFetches`."""

    def __init__(self, records: FakeRecords) -> None:
        self._records = records

    def begin(self, row: VideoRow, fetch: SourceFetch, *, upload_id: str, part_bytes: int) -> VideoRow | None:
        return self._write(row, fetch, upload_id=upload_id, part_bytes=part_bytes)

    def record(self, row: VideoRow, fetch: SourceFetch) -> VideoRow | None:
        return self._write(row, fetch)

    def _write(self, row: VideoRow, fetch: SourceFetch, **more: object) -> VideoRow | None:
        stored = self._records.rows.get(row.desired.video_id)
        if stored is None or stored.source_url is None or stored.desired.deleted:
            return None
        is_now = stored.observed.phase is Phase.UPLOADING and stored.observed.phase_since == fetch.since
        if not is_now or stored.upload_id != row.upload_id:
            return None
        after = replace(stored, source_fetch=fetch, **more)  # type: ignore[arg-type]
        self._records.rows[row.desired.video_id] = after
        return after
