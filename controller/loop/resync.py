"""The sweep: compare rows and resources, both ways, and repair what differs.

It is what makes every message optional: a publisher that dropped, a watch that missed, a cluster that was
emptied are all found here. It asks for passes and applies specs; it never decides what an upload needs.
"""

from collections.abc import Callable, Iterator
from datetime import datetime

import structlog

from controller.dependencies import Dependencies
from controller.loop.cache import ResourceCache
from controller.loop.queue import WorkQueue
from controller.rules.adoption import in_sync
from controller.rules.cached_resource import cached_resource_of
from crds.resource import Resource
from domain.records import Cause, WorkingRow
from domain.schedule import retires_at
from domain.video import AT_REST, Origin

log = structlog.get_logger(__name__)

_PAGE = 500


class Resync:
    """Both halves of the comparison. Each half may be repeated at any time."""

    def __init__(
        self, deps: Dependencies, known: ResourceCache, queue: WorkQueue, *, clock: Callable[[], datetime]
    ) -> None:
        self._world = deps
        self._known = known
        self._queue = queue
        self._clock = clock

    def rows(self) -> int:
        """Ask for a pass over each row whose resource is missing, behind, ahead or due to leave; returns how many.

        Raises UnavailableError.
        """
        now = self._clock()
        asked = sum(self._ask(row.video_id) for row in self._working() if not self._is_settled(row, now))
        return asked + self._deleted(now)

    def start(self) -> int:
        """Ask for a pass over each row that is not at rest, or was deleted lately; returns how many.

        Raises UnavailableError.
        """
        rows = self._working()
        return sum(self._ask(row.video_id) for row in rows if row.phase not in AT_REST or row.deleted_at is not None)

    def _deleted(self, now: datetime) -> int:
        """Ask for a pass over each row that nobody restored in time, and forget what is kept for a while only."""
        self._world.retention.forget_old()
        timing = self._world.rules.timing
        before = now - timing.scaled(timing.delete_grace_seconds)
        return sum(map(self._ask, self._world.retention.purgeable(before=before, at_most=_PAGE)))

    def _working(self) -> Iterator[WorkingRow]:
        after = ""
        while page := self._world.observations.working(after=after, at_most=_PAGE):
            yield from page
            after = page[-1].video_id

    def _is_settled(self, row: WorkingRow, now: datetime) -> bool:
        known = self._known.get(row.video_id)
        if self._is_due_to_leave(row, now) or (row.is_behind and row.phase in AT_REST):
            return False
        if known is None:
            # A released import has no resource; that of others is to be made again.
            return row.origin is Origin.KUBERNETES and row.deleted_at is not None
        revisions = {"desired_revision": row.revision, "observed_revision": row.observed_revision}
        return known.is_current(row.origin, **revisions) and not known.is_ahead(row.origin, **revisions)

    def _is_due_to_leave(self, row: WorkingRow, now: datetime) -> bool:
        timing = self._world.rules.timing
        if row.deleted_at is not None:
            return now >= row.deleted_at + timing.scaled(timing.retire_ready_seconds)
        leaves_at = retires_at(row.phase, row.phase_since, timing)
        return row.origin is Origin.API and leaves_at is not None and now >= leaves_at

    def _ask(self, video_id: str) -> int:
        self._queue.add(video_id, Cause.SWEEP)
        return 1

    def resources(self) -> int:
        """Read every resource, take in what the watch missed, and ask for a pass over each one that no row agrees with.

        Returns how many. Raises ConflictError, UnavailableError, RefusedError.
        """
        before, listed, asked = self._known.names(), set[str](), 0
        for page in self._world.resources.pages(page_size=_PAGE):
            listed.update(resource.name for resource in page)
            asked += sum(map(self._ask, self._differing(page)))
        for name in before - listed:
            self._known.drop(name)
            asked += self._ask(name)
        return asked

    def _differing(self, page: list[Resource]) -> list[str]:
        """Return the resources of a page that are news, or have no row that wants and knows them as they are."""
        if not page:
            return []
        known = {resource.name: (self._known.note(resource), cached_resource_of(resource)) for resource in page}
        rows = {row.desired.video_id: row for row in self._world.adoption.rows_of(list(known))}
        return [
            name
            for name, (before, now) in known.items()
            if before is None or before.generation != now.generation or not in_sync(rows.get(name), now)
        ]
