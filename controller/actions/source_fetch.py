"""Fetches a file from the URL that its owner named, part by part, into the place where a client would have sent it.

A pass only requests it (`request`); `fetch` runs on a thread of its own (loop/fetch_pool.py), because a server may take
hours. It may be cut off at any line: the parts in storage are continued from where the server can, and everything that
no row names is aborted (multipart_gc.py). Once the file is whole it has the life of every other upload.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import structlog

from controller.actions.context import ReconcileContext, Requeue, Result
from controller.dependencies import Dependencies
from controller.ports import SourceFile, SourceRefusedError, SourceUnavailableError
from controller.rules.steps import FetchSource
from domain.errors import UpstreamError
from domain.failures import FailureCode
from domain.objects import StoredPart
from domain.part_plan import PartPlan
from domain.records import VideoRow
from domain.source_fetch import TRIES_MAX, FetchResult, SourceFetch, pause_seconds
from domain.video import Reason

log = structlog.get_logger(__name__)

_QUEUED = "as many files as may be are being fetched"
_FETCHING = "the file is being fetched from its URL"
_INTERRUPTED = "storage did not take the file; it is fetched again"
# Between two records of how far it is.
_RECORDED_PERCENT = 10


def request(step: FetchSource, ctx: ReconcileContext) -> Result:
    """Have the file fetched, unless that is under way, and show how far it is."""
    row, observed = ctx.row, ctx.row.observed
    is_running = ctx.deps.request_fetch(row.desired.video_id, row.desired.owner)
    reason, message = (Reason.FETCHING_SOURCE, _FETCHING) if is_running else (Reason.WAITING_FOR_SOURCE, _QUEUED)
    after = ctx.showing(reason, message)
    if step.percent != observed.progress_percent:
        after = replace(after, progress_percent=step.percent, progress_at=ctx.now)
    return Result(row, Requeue.SCHEDULED) if after == observed else ctx.commit(after)


def fetch(
    video_id: str, deps: Dependencies, clock: Callable[[], datetime], *, on_progress: Callable[[], None]
) -> float | None:
    """Fetch one file as far as that can be done now. Return in how many seconds a pass is due; None if none is."""
    row = deps.observations.get(video_id)
    if row is None or not row.is_waiting_for_source:
        return None
    run = _Fetch(row, deps, on_progress)
    try:
        run.run()
    except SourceRefusedError as error:
        deps.on_fetch(FetchResult.REFUSED)
        run.record(replace(run.state, code=error.code, message=str(error)))
    except SourceUnavailableError as error:
        deps.on_fetch(FetchResult.FAILED)
        return run.record_failed_try(error, clock())
    except UpstreamError as error:
        log.warning("source_fetch_interrupted", video_id=video_id, error=str(error))
        deps.on_fetch(FetchResult.INTERRUPTED)
        return run.record_interruption(clock())
    else:
        deps.on_fetch(FetchResult.STORED if run.state.is_stored else FetchResult.ABANDONED)
    return 0.0


class _Fetch:
    """One try. ``row`` and its ``state`` are as they were last recorded."""

    def __init__(self, row: VideoRow, deps: Dependencies, on_progress: Callable[[], None]) -> None:
        self.row, self.state = row, row.current_fetch
        self._deps, self._on_progress = deps, on_progress
        self._kept_parts = 0
        self._sent: list[StoredPart] = []

    def run(self) -> None:
        """Fetch the whole file. Raises SourceRefusedError, SourceUnavailableError, UpstreamError."""
        if self._deps.storage.head(self.row.desired.storage_key) is not None:
            self._finish()
            return
        self._sent = self._arrived()
        self._kept_parts = len(self._sent)
        offset = sum(part.file_bytes for part in self._sent)
        if offset == 0 or offset != self.state.file_bytes:
            with self._deps.sources.open(self._url, offset=offset, version=self.state.version) as source:
                self._refuse_size(source.file_bytes)
                if (source.offset == 0 and not self._begin(source)) or not self._send(source):
                    return
        assert self.row.upload_id is not None  # noqa: S101  `_begin` stored one
        self._deps.parts.complete(self.row.desired.storage_key, self.row.upload_id, self._sent)
        self._finish()

    def record(self, state: SourceFetch) -> bool:
        """Store how far it is. Return False if the fetch is no longer wanted."""
        row = self._deps.fetch_rows.record(self.row, state)
        if row is None:
            log.info("source_fetch_abandoned", video_id=self.row.desired.video_id)
            return False
        self.row, self.state = row, state
        return True

    def record_interruption(self, now: datetime) -> float:
        """Store that an upstream of ours ended a try, and return in how many seconds the next one is due."""
        interruptions = self.state.interruptions + 1
        pause = self._deps.policy.timing.scaled(pause_seconds(interruptions, requested_seconds=None))
        state = replace(self.state, interruptions=interruptions, retry_at=now + pause, message=_INTERRUPTED)
        self.record(state)
        return pause.total_seconds()

    def record_failed_try(self, error: SourceUnavailableError, now: datetime) -> float:
        """Store that a try failed, and return in how many seconds the next one is due."""
        state = self.state
        can_continue = state.version is not None
        has_moved = can_continue and len(self._sent) > self._kept_parts
        failed_tries = 1 if has_moved else state.failed_tries + 1
        message = f"{error}; {failed_tries} of {TRIES_MAX} tries in a row have failed"
        stored = sum(part.file_bytes for part in self._sent) if can_continue else 0
        state = replace(state, stored_bytes=stored, failed_tries=failed_tries, interruptions=0, message=message)
        if failed_tries >= TRIES_MAX:
            self.record(replace(state, code=FailureCode.SOURCE_UNREACHABLE))
            return 0.0
        seconds = pause_seconds(failed_tries, requested_seconds=error.retry_after_seconds)
        pause = self._deps.policy.timing.scaled(seconds)
        self.record(replace(state, retry_at=now + pause))
        return pause.total_seconds()

    @property
    def _url(self) -> str:
        assert self.row.source_url is not None  # noqa: S101  others are not waiting for a source
        return self.row.source_url

    def _arrived(self) -> list[StoredPart]:
        """Return the parts that a try before this one sent, from the first on without a gap."""
        row, state = self.row, self.state
        if row.upload_id is None or row.part_bytes is None or state.version is None:
            return []
        stored = self._deps.parts.parts(row.desired.storage_key, row.upload_id) or ()
        if state.file_bytes is not None:
            valid = PartPlan(state.file_bytes, row.part_bytes).valid(stored)
        else:
            valid = tuple(part for part in stored if part.file_bytes == row.part_bytes)
        return [part for number, part in enumerate(valid, start=1) if part.number == number]

    def _begin(self, source: SourceFile) -> bool:
        """Send the file to a new upload: what another version of it left would be mixed with this one.

        Return False if the fetch is no longer wanted.
        """
        key, before = self.row.desired.storage_key, self.row
        upload_id = self._deps.parts.create(key, content_type=before.desired.content_type)
        state = replace(self.state, version=source.version, file_bytes=source.file_bytes, stored_bytes=0)
        row = self._deps.fetch_rows.begin(before, state, upload_id=upload_id, part_bytes=self._deps.fetch_part_bytes)
        if row is None:
            self._deps.parts.abort(key, upload_id)
            return False
        if before.upload_id is not None:
            self._deps.parts.abort(key, before.upload_id)
        self.row, self.state = row, state
        self._sent, self._kept_parts = [], 0
        return True

    def _send(self, source: SourceFile) -> bool:
        """Send the rest of the file in parts. Return False if the fetch is no longer wanted."""
        key, upload_id, part_bytes = self.row.desired.storage_key, self.row.upload_id, self.row.part_bytes
        assert upload_id is not None  # noqa: S101  `_begin` stored both, now or in an earlier try
        assert part_bytes is not None  # noqa: S101
        fetched = sum(part.file_bytes for part in self._sent)
        while True:
            piece = source.read(part_bytes)
            fetched += len(piece)
            self._refuse_size(fetched, is_whole=False)
            if not self._deps.is_leading():
                return False
            if piece:
                self._sent.append(self._deps.parts.put_part(key, upload_id, len(self._sent) + 1, piece))
            if len(piece) < part_bytes:
                break
            if not self._show(fetched):
                return False
        if not fetched:
            raise SourceRefusedError(FailureCode.FILE_EMPTY, "the file at the URL is empty")
        return True

    def _show(self, fetched: int) -> bool:
        """Record how far it is, seldom. Return False if the fetch is no longer wanted."""
        state = replace(self.state, stored_bytes=fetched)
        if state.percent < self.state.percent + _RECORDED_PERCENT:
            return True
        is_wanted = self.record(state)
        self._on_progress()
        return is_wanted

    def _refuse_size(self, file_bytes: int | None, *, is_whole: bool = True) -> None:
        """Raise SourceRefusedError if a file of this size, or of more than it, would be refused once it is there."""
        declared, at_most = self.row.desired.declared_bytes, self._deps.max_file_bytes
        if file_bytes is None:
            return
        if file_bytes > at_most:
            message = f"the file at the URL has more than {at_most} bytes"
            raise SourceRefusedError(FailureCode.SOURCE_TOO_LARGE, message)
        if declared is not None and (file_bytes > declared or (is_whole and file_bytes != declared)):
            raise SourceRefusedError(FailureCode.SIZE_MISMATCH, f"the file at the URL has not {declared} bytes")

    def _finish(self) -> None:
        self.record(replace(self.state, is_stored=True, retry_at=None, message=None))
