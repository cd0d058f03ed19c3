"""One pass as a value: its inputs, its dependencies, and how it stores its observation."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from controller.dependencies import Dependencies
from crds.resource import Resource
from domain.failures import Failure
from domain.records import AttemptChange, AttemptState, Cause, Settle, VideoRow
from domain.schedule import deadline_at
from domain.video import Hindrance, ObservedState, Phase, Reason


class Requeue(Enum):
    """When the next pass over the upload is made."""

    SCHEDULED = "at the next scheduled check"
    NOW = "immediately: another step is already due"
    BACKOFF = "soon, then less and less often: the row changed during this pass, or an upstream is not ready"


@dataclass(frozen=True)
class Result:
    """The result of a pass. ``step``: the name of the step for the log, None if the pass changed nothing.

    ``written``: the resource as the step wrote it, None if it did not.
    """

    row: VideoRow
    next: Requeue
    step: str | None = None
    written: Resource | None = None


@dataclass(frozen=True)
class ReconcileContext:
    """One pass over one upload: its row, its dependencies, its cause and its time."""

    row: VideoRow
    deps: Dependencies
    cause: Cause
    now: datetime

    def commit(
        self,
        after: ObservedState,
        then: Requeue = Requeue.SCHEDULED,
        attempt: AttemptChange | None = None,
        *,
        hindrance: Hindrance | None = None,
    ) -> Result:
        """Store the observation with this ``hindrance`` or none. The pass ends if the row changed since."""
        row = self.store(replace(after, hindrance=hindrance), attempt)
        return Result(self.row, Requeue.BACKOFF) if row is None else Result(row, then)

    def store(self, after: ObservedState, attempt: AttemptChange | None) -> VideoRow | None:
        """Commit the observation and count it; None if the row changed since."""
        row = self.deps.observations.commit(self.row, after, cause=self.cause, attempt=attempt)
        if row is not None:
            self.deps.on_commit(self.row, row, attempt, self.cause)
        return row

    def entering(self, phase: Phase, reason: Reason, message: str) -> ObservedState:
        """Return the observation with a new phase and what always changes with one."""
        return replace(
            self.row.observed,
            phase=phase,
            phase_since=self.now,
            deadline_at=deadline_at(phase, self.now, self.deps.policy.timing),
            reason=reason,
            message=message,
            progress_percent=0,
            progress_at=None,
            failure=None,
        )

    def showing(self, reason: Reason, message: str) -> ObservedState:
        """Return the observation with another reason in the same phase."""
        return replace(self.row.observed, reason=reason, message=message, hindrance=None)

    def fail(
        self,
        failure: Failure,
        attempt: AttemptChange | None = None,
        *,
        billed_minutes: float | None = None,
    ) -> Result:
        """End in `errored`, and settle the attempt that the failure is about."""
        after = replace(self.entering(Phase.ERRORED, Reason.FAILED, failure.message[:1024]), failure=failure)
        if self.row.observed.reason is Reason.PUBLISHING and not after.is_playable:
            after = replace(after, published=None)  # never playable, so a restore has nothing to bring back
        if attempt is None and self.row.observed.phase is Phase.PROCESSING:
            attempt = replace(self.settled_failed(failure), minutes=billed_minutes)
        return self.commit(after, attempt=attempt)

    def settled_failed(self, failure: Failure) -> Settle:
        """Return the change that settles the failed attempt."""
        answer = failure.provider_answer or failure.message
        return Settle(failure.attempt, AttemptState.FAILED, self.now, answer=answer[:4096])
