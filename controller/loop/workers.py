"""The threads that make passes: take a key, read its row, reconcile, show, come back at the right time."""

import threading
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum

import structlog

from controller.actions.adoption import restore_row
from controller.actions.context import Requeue
from controller.actions.status import write_status
from controller.dependencies import Dependencies
from controller.loop.cache import ResourceCache
from controller.loop.queue import WorkQueue
from controller.loop.reconcile import reconcile
from controller.loop.threads import joined
from controller.rules.situation import Starting, situation_of
from controller.rules.steps import AnnotationRequest
from domain.errors import ConflictError, UpstreamError
from domain.records import Cause, VideoRow
from domain.schedule import next_check_at

log = structlog.get_logger(__name__)


class PassResult(StrEnum):
    """How a pass over a key ended, in controller-runtime's words; `panic`: in a way that nobody foresaw."""

    SUCCESS = "success"
    REQUEUE = "requeue"
    REQUEUE_AFTER = "requeue_after"
    ERROR = "error"
    PANIC = "panic"


class Workers:
    """A fixed number of threads over one queue. ``note`` counts passes: how each ended, after how many seconds."""

    def __init__(
        self,
        queue: WorkQueue,
        known: ResourceCache,
        deps: Dependencies,
        *,
        count: int,
        clock: Callable[[], datetime],
        note: Callable[[PassResult, float], None] = lambda _result, _seconds: None,
    ) -> None:
        self._queue = queue
        self._known = known
        self._world = deps
        self._clock = clock
        self._note = note
        self._threads = [threading.Thread(target=self._run, name=f"worker-{number}") for number in range(count)]

    def start(self) -> None:
        """Begin to take keys."""
        for thread in self._threads:
            thread.start()

    def stop(self, *, grace_seconds: float) -> bool:
        """Let running passes end, start no new ones; tells whether all ended within the grace."""
        self._queue.close()
        return joined(self._threads, grace_seconds=grace_seconds, monotonic=self._world.monotonic)

    def _run(self) -> None:
        while (taken := self._queue.take()) is not None:
            self.handle(*taken)

    def handle(self, key: str, cause: Cause) -> None:
        """Make one pass over a key that was taken; put it off if that came to nothing, and give it back."""
        began, result = self._world.monotonic(), PassResult.ERROR
        try:
            result = self.one_pass(key, cause)
        except ConflictError:
            result = PassResult.REQUEUE
            self._queue.back_off(key, cause)  # the watch brings the newer resource
        except UpstreamError as error:
            log.warning("pass_put_off", video=key, why=str(error), kind=type(error).__name__)
            self._queue.back_off(key, cause, at_least_seconds=error.retry_after_seconds or 0)
        except Exception:
            # One poisoned upload must not take the others down; it backs off alone.
            result = PassResult.PANIC
            log.exception("pass_broke", video=key)
            self._queue.back_off(key, cause)
        finally:
            self._note(result, self._world.monotonic() - began)
            self._queue.done(key)

    def one_pass(self, key: str, cause: Cause) -> PassResult:
        """Make one pass over the upload named ``key`` and plan the next one. Raises NeighbourError."""
        known = self._known.get(key)
        row = restore_row(key, self._world.observations.get(key), known, self._world, self._clock())
        if row is None:
            self._queue.forget(key)  # nothing of this name is left, or its resource was refused
            return PassResult.SUCCESS
        try:
            outcome = reconcile(row, self._asked(key), self._world, cause, self._clock())
        except UpstreamError:
            self._show(row)  # what earlier passes found must not stay hidden behind this trouble
            raise
        if outcome.next is Requeue.BACKOFF:
            self._queue.back_off(key, cause)
            return PassResult.REQUEUE
        if outcome.next is Requeue.NOW:
            self._queue.add(key, cause)  # the next pass shows what both of them found
            return PassResult.REQUEUE
        self._show(outcome.row)
        if isinstance(situation_of(outcome.row, self._asked(key)), Starting):
            self._queue.add(key, cause)  # asked for while the last edition was still on its way
        self._queue.forget(key)  # only now: while Kubernetes is away, each pass is to come later than the last
        return PassResult.REQUEUE_AFTER if self._plan(outcome.row) else PassResult.SUCCESS

    def _show(self, row: VideoRow) -> None:
        known, desired = self._known.get(row.desired.video_id), row.desired
        revisions = {"desired_revision": desired.revision, "observed_revision": row.observed.revision}
        if known is not None and not row.retired and known.is_current(desired.origin, **revisions):
            return
        write_status(row, self._world, self._clock())

    def _asked(self, key: str) -> AnnotationRequest | None:
        known = self._known.get(key)
        return None if known is None else known.asked

    def _plan(self, row: VideoRow) -> bool:
        """Ask for the pass of the next scheduled check, if there is one."""
        if row.desired.deleted:
            return False  # nothing of it is due before its purge, which the sweep finds
        now = self._clock()
        check = next_check_at(row.desired.video_id, row.observed, now, self._world.rules.timing)
        if check is None:
            return False
        self._queue.add(row.desired.video_id, Cause.POLL, after_seconds=(check - now).total_seconds())
        return True
