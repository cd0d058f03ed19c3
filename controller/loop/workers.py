"""The threads that make passes: take a key, read its row, reconcile, write the status, schedule the next pass."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import structlog

from controller.actions.adoption import restore_row
from controller.actions.context import Requeue
from controller.actions.status import write_status
from controller.dependencies import Dependencies
from controller.loop.cache import ResourceCache
from controller.loop.pass_result import PassResult
from controller.loop.queue import WorkQueue
from controller.loop.reconcile import reconcile
from controller.loop.threads import joined
from controller.rules.adoption import is_unseen
from controller.rules.cached_resource import CachedResource
from controller.rules.situation import Relocating, Starting, situation_of
from controller.rules.steps import AnnotationRequest
from crds.resource import Resource
from domain.errors import ConflictError, UpstreamError
from domain.records import Cause, VideoRow
from domain.schedule import next_check_at
from domain.video import must_relocate
from runtime import time_budget, tracing
from runtime.heartbeats import Heartbeats
from runtime.time_budget import TimeBudget

log = structlog.get_logger(__name__)

# After its deadline a pass still ends the call that is under way and records its result.
_ENDING_SECONDS = 60.0
_FAILED = frozenset({PassResult.ERROR, PassResult.PANIC})


class Workers:
    """A fixed number of threads over one queue. ``on_pass_end`` receives each pass's result and its seconds."""

    def __init__(
        self,
        queue: WorkQueue,
        cache: ResourceCache,
        deps: Dependencies,
        *,
        count: int,
        clock: Callable[[], datetime],
        on_pass_end: Callable[[PassResult, float], None] = lambda _result, _seconds: None,
    ) -> None:
        self._queue = queue
        self._cache = cache
        self._deps = replace(deps, on_write=cache.wrote)
        self._clock = clock
        self._on_pass_end = on_pass_end
        self._count = count
        self._threads: list[threading.Thread] = []

    def start(self, beats: Heartbeats) -> None:
        """Start taking keys."""
        at_most = self._deps.pass_seconds + _ENDING_SECONDS
        self._threads = [
            beats.thread("worker", self._run, name=f"worker-{number}", at_most_seconds=at_most)
            for number in range(self._count)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self, *, grace_seconds: float) -> bool:
        """Start no new passes and wait for the running ones; return whether all ended within the grace."""
        self._queue.close()
        return joined(self._threads, grace_seconds=grace_seconds, monotonic=self._deps.monotonic)

    def _run(self) -> None:
        while (taken := self._queue.take()) is not None:
            self.handle(*taken)

    def handle(self, video_id: str, cause: Cause) -> None:
        """Make one pass over an upload that was taken from the queue; back off if it failed."""
        with self._deps.tracing.span("pass", video_id, cause=str(cause)):
            result = self._handle(video_id, cause)
            tracing.note(result=str(result), has_failed=result in _FAILED)

    def _handle(self, video_id: str, cause: Cause) -> PassResult:
        began, result = self._deps.monotonic(), PassResult.ERROR
        budget = TimeBudget("the pass", seconds=self._deps.pass_seconds, monotonic=self._deps.monotonic)
        try:
            with time_budget.limited(budget):
                result = self.one_pass(video_id, cause)
        except ConflictError:
            result = PassResult.REQUEUE
            self._queue.back_off(video_id, cause)  # the watch brings the newer resource
        except UpstreamError as error:
            log.warning("pass_requeued", video_id=video_id, error=str(error), kind=type(error).__name__)
            self._queue.back_off(video_id, cause, at_least_seconds=error.retry_after_seconds or 0)
        except Exception:
            # One poisoned upload must not take the others down; it backs off alone.
            result = PassResult.PANIC
            log.exception("pass_failed", video_id=video_id)
            self._queue.back_off(video_id, cause)
        finally:
            self._on_pass_end(result, self._deps.monotonic() - began)
            self._queue.done(video_id)
        return result

    def one_pass(self, video_id: str, cause: Cause) -> PassResult:
        """Make one pass over an upload and schedule the next one. Raises UpstreamError.

        The pass works with the resource as it was cached at its start: a change of others after that queues another
        pass.
        """
        cached = self._cache.begin(video_id)
        try:
            return self._one_pass(video_id, cached, cause)
        finally:
            news = self._cache.end(video_id)
            if news is not None:
                self._queue.add(video_id, news)

    def _one_pass(self, video_id: str, cached: CachedResource | None, cause: Cause) -> PassResult:
        row = self._deps.observations.get(video_id)
        if row is None or self._deps.scope.covers(row.desired.region):
            row = restore_row(video_id, row, cached, self._deps, self._clock())
        if row is None or not self._deps.scope.covers(row.desired.region):
            # Neither row nor resource is left, or its resource was rejected, or another region has an operator for it.
            self._queue.forget(video_id)
            return PassResult.SUCCESS
        request = None if cached is None else cached.requested
        try:
            result = reconcile(row, request, self._deps, cause, self._clock(), is_unseen=is_unseen(row, cached))
        except UpstreamError:
            self._show(row, cached, cause)  # the status must not hide what earlier passes found behind this error
            raise
        if result.step is None:
            time_budget.check()  # the look may have missed something for lack of time
        if result.next is Requeue.BACKOFF:
            self._queue.back_off(video_id, cause)
            return PassResult.REQUEUE
        if result.next is Requeue.NOW:
            self._queue.add(video_id, cause)  # the next pass writes one status for both
            return PassResult.REQUEUE
        self._show(result.row, cached, cause, latest=result.written)
        if _is_due_at_once(result.row, request):
            self._queue.add(video_id, cause)
        self._queue.forget(video_id)  # only after the write: while Kubernetes is away, passes keep backing off
        return PassResult.REQUEUE_AFTER if self._schedule(result.row) else PassResult.SUCCESS

    def _show(
        self, row: VideoRow, cached: CachedResource | None, cause: Cause, *, latest: Resource | None = None
    ) -> None:
        is_shown = cached is not None and not row.retired and cached.is_current(row.revisions)
        if not is_shown:
            # The resync listed all resources and did not find this one; any other pass may be ahead of the watch.
            is_missing = cached is None and cause is Cause.SWEEP
            shown = write_status(row, self._deps, self._clock(), latest=latest, is_missing=is_missing)
            if shown is not None:
                self._cache.shows(shown, row.revisions)

    def _schedule(self, row: VideoRow) -> bool:
        """Request the pass of the next scheduled check, if there is one."""
        if row.desired.deleted:
            return False  # nothing is due before its purge, which the resync finds
        now = self._clock()
        check = next_check_at(row.desired, row.observed, now, self._deps.policy.timing)
        if check is None:
            return False
        self._queue.add(row.desired.video_id, Cause.POLL, after_seconds=(check - now).total_seconds())
        return True


def _is_due_at_once(row: VideoRow, request: AnnotationRequest | None) -> bool:
    """Return whether something was requested while the last edition was in progress, or files are being moved."""
    is_moved = row.observed.is_relocating and must_relocate(row.desired, row.observed)
    return is_moved or isinstance(situation_of(row, request), Starting | Relocating)
