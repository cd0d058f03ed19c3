"""The resync: compares rows and resources, both ways, and requests a pass where they differ.

It makes every message optional: a publisher that dropped one, a watch that missed one and a cluster that was emptied
are all found here. It never decides what an upload needs.
"""

from collections.abc import Callable, Iterator
from datetime import datetime

from controller.dependencies import Dependencies
from controller.loop.cache import ResourceCache
from controller.loop.queue import WorkQueue
from controller.rules.adoption import in_sync, only_waits
from controller.rules.cached_resource import CachedResource
from crds.resource import Resource
from domain.records import Cause, VideoRow, WorkingRow
from domain.schedule import next_check_at, retires_at
from domain.video import AT_REST, Origin, Phase
from runtime import heartbeats
from runtime.upstream_breaker import UpstreamHealth

_PAGE = 500


class Resync:
    """Both comparisons. Each may be repeated at any time."""

    def __init__(
        self, deps: Dependencies, cache: ResourceCache, queue: WorkQueue, *, clock: Callable[[], datetime]
    ) -> None:
        self._deps = deps
        self._cache = cache
        self._queue = queue
        self._clock = clock
        self._was_storage_away = False
        self._tried = ""  # the upload whose pass tried storage last

    def rows(self) -> int:
        """Request a pass over each row whose resource is missing, behind, ahead or due to leave; return how many.

        Raises UnavailableError.
        """
        now = self._clock()
        requested = {video_id for video_id in self._due(now) if self._request(video_id)}
        self._deps.retention.forget_old()
        return len(requested)

    def all_pending(self) -> int:
        """Request a pass over each row that is not at rest, or is deleted; return how many.

        Those that only wait for their file, and that their resource shows, were scheduled when it was listed.
        Raises UnavailableError.
        """
        now = self._clock()
        return sum(self._request(row.video_id) for row in self._working() if self._is_pending(row, now))

    def resources(self) -> int:
        """List every resource, cache what the watch missed, and request a pass over each that differs from its row.

        Returns how many. Raises ConflictError, UnavailableError, RefusedError.
        """
        before, listed, requested = self._cache.names(), set[str](), 0
        for every in self._deps.resources.pages(page_size=_PAGE):
            heartbeats.record()
            page = [resource for resource in every if self._deps.scope.claims(resource.region)]
            listed.update(resource.name for resource in page)
            requested += sum(map(self._request, self._differing(page)))
        for name in before - listed:
            self._cache.drop(name)
            requested += self._request(name)
        return requested

    def _working(self) -> Iterator[WorkingRow]:
        after = ""
        while page := self._deps.observations.working(after=after, at_most=_PAGE):
            heartbeats.record()
            yield from page
            after = page[-1].video_id

    def _is_pending(self, row: WorkingRow, now: datetime) -> bool:
        if row.deleted_at is not None:
            return True
        return row.phase not in AT_REST and not (row.phase is Phase.UPLOADING and self._is_settled(row, now))

    def _is_settled(self, row: WorkingRow, now: datetime) -> bool:
        cached = self._cache.get(row.video_id)
        if self._is_due_to_leave(row, now) or (row.is_behind and row.phase in AT_REST):
            return False
        if cached is None:
            # A released import has no resource, nor has one that plays on; any other resource must be made again.
            return row.origin is Origin.KUBERNETES and (row.deleted_at is not None or row.is_retained)
        return cached.is_current(row.revisions) and not cached.is_ahead(row.revisions)

    def _is_due_to_leave(self, row: WorkingRow, now: datetime) -> bool:
        timing = self._deps.policy.timing
        if row.deleted_at is not None:
            return now >= row.deleted_at + timing.scaled(timing.retire_ready_seconds)
        leaves_at = retires_at(row.phase, row.phase_since, timing)
        return row.origin is Origin.API and leaves_at is not None and now >= leaves_at

    def _due(self, now: datetime) -> Iterator[str]:
        """Yield the rows whose resource differs, then some of those that failed or were deleted long enough ago.

        What waits for a job looks rarely by itself: while storage is away they try it one after the other, and all
        continue once it is back.
        """
        is_away, tried = self._deps.storage_health() is not UpstreamHealth.AVAILABLE, ""
        is_back = self._was_storage_away and not is_away
        for row in self._working():
            tries = is_away and not tried and row.video_id > self._tried
            is_woken = row.phase is Phase.UPLOADED and (is_back or tries)
            if is_woken:
                tried = row.video_id
            if is_woken or not self._is_settled(row, now):
                yield row.video_id
        self._was_storage_away, self._tried = is_away, tried
        timing, retention = self._deps.policy.timing, self._deps.retention
        yield from retention.expired(
            files_before=now - timing.scaled(timing.errored_file_seconds),
            rows_before=now - timing.scaled(timing.errored_row_seconds),
            at_most=_PAGE,
        )
        yield from retention.purgeable(before=now - timing.scaled(timing.delete_grace_seconds), at_most=_PAGE)

    def _differing(self, page: list[Resource]) -> list[str]:
        """Return the resources of a page that are new, changed, or out of sync with their row."""
        if not page:
            return []
        rows = {row.desired.video_id: row for row in self._deps.adoption.rows_of([resource.name for resource in page])}
        # Cached only after the rows were read: if that fails, the repeated list must still find them new.
        noted = [(resource.name, self._cache.note(resource), CachedResource.of(resource)) for resource in page]
        return [name for name, before, newest in noted if not self._is_known(rows.get(name), before, newest)]

    def _is_known(self, row: VideoRow | None, before: CachedResource | None, newest: CachedResource) -> bool:
        """Return whether a listed resource needs no pass now. If it only waits, schedule its next check."""
        if row is None or not in_sync(row, newest):
            return False
        if before is not None:
            return before.generation == newest.generation
        now, timing = self._clock(), self._deps.policy.timing
        if not only_waits(row, newest, now):
            return False
        check = next_check_at(row.desired, row.observed, now, timing)
        if check is not None:
            self._queue.add(row.desired.video_id, Cause.POLL, after_seconds=(check - now).total_seconds())
        return True

    def _request(self, video_id: str) -> int:
        self._queue.add(video_id, Cause.SWEEP)
        return 1
