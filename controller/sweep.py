"""The sweep: compare rows and resources, both ways, and repair what differs.

It is what makes every message optional: a publisher that dropped, a watch that missed, a cluster that was
emptied are all found here. It asks for passes and applies specs; it never decides what an upload needs.
"""

import structlog

from controller.known import KnownResources
from controller.ports import Observations, Resources
from controller.queue import WorkQueue
from crds.videoupload import AT_REST
from desired.rows import Cause

log = structlog.get_logger(__name__)

_PAGE = 500


class Sweep:
    """Both halves of the comparison. Each half may be repeated at any time."""

    def __init__(
        self, observations: Observations, resources: Resources, known: KnownResources, queue: WorkQueue
    ) -> None:
        self._observations = observations
        self._resources = resources
        self._known = known
        self._queue = queue

    def rows(self) -> int:
        """Ask for a pass over each row whose resource is missing or behind; returns how many.

        Raises UnavailableError.
        """
        asked, after = 0, ""
        while page := self._observations.working(after=after, at_most=_PAGE):
            for row in page:
                known = self._known.get(row.video_id)
                if known is None or not known.shows(
                    wish_revision=row.revision, observed_revision=row.observed_revision
                ):
                    asked += 1
                    self._queue.add(row.video_id, Cause.SWEEP)
            after = page[-1].video_id
        return asked

    def start(self) -> int:
        """Ask for a pass over each row that is not at rest; returns how many. Raises UnavailableError."""
        asked, after = 0, ""
        while page := self._observations.working(after=after, at_most=_PAGE):
            for row in page:
                if row.phase not in AT_REST:
                    asked += 1
                    self._queue.add(row.video_id, Cause.SWEEP)
            after = page[-1].video_id
        return asked

    def resources(self) -> int:
        """Read every resource and take in what the watch missed; returns how many differed.

        Raises UnavailableError, RefusedError.
        """
        before, listed, differing = self._known.names(), set[str](), 0
        for page in self._resources.pages(page_size=_PAGE):
            for resource in page:
                listed.add(resource.name)
                known = self._known.note(resource)
                if known is None or known.generation != resource.generation:
                    differing += 1
                    self._queue.add(resource.name, Cause.SWEEP)
        for name in before - listed:
            differing += 1
            self._known.drop(name)
            self._queue.add(name, Cause.SWEEP)
        return differing
