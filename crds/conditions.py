"""The conditions of a status: Ready, Reconciling and Stalled as kstatus reads them, and the domain's own three.

An upload on its way reads InProgress, a playable one at rest Current, an errored one Failed. kstatus returns
at the first of Reconciling and Stalled that is True, so they are never True together.
https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md
"""

from datetime import datetime

from crds.models import Condition, ConditionStatus, ConditionType, clipped
from crds.resource import Resource
from domain.failures import Stage
from domain.messages import is_moving, shown_reason
from domain.reasons import FAILURE_REASONS, PAUSED
from domain.video import DesiredState, ObservedState, Phase, Reason

_TRUE, _FALSE, _UNKNOWN = ConditionStatus.TRUE, ConditionStatus.FALSE, ConditionStatus.UNKNOWN

# What one condition says: status, reason, message.
_Verdict = tuple[ConditionStatus, str, str]


def conditions_of(
    desired: DesiredState, observed: ObservedState, *, message: str, resource: Resource, now: datetime
) -> tuple[Condition, ...]:
    """Return all conditions; one whose status did not change keeps its time of transition."""
    verdicts = {
        ConditionType.READY: _ready(desired, observed, message),
        ConditionType.RECONCILING: _reconciling(desired, observed, message),
        ConditionType.STALLED: _stalled(desired, observed, message),
        ConditionType.SOURCE_VERIFIED: _source_verified(observed),
        ConditionType.JOB_SUBMITTED: _job_submitted(observed),
        ConditionType.OUTPUTS_VERIFIED: _outputs_verified(observed),
    }
    before = _before(resource)
    return tuple(
        Condition(
            type=kind,
            status=status,
            reason=reason,
            message=clipped(text),
            last_transition_time=before.get((kind, status), now),
            observed_generation=resource.generation,
        )
        for kind, (status, reason, text) in verdicts.items()
    )


def _before(resource: Resource) -> dict[tuple[str, str], datetime]:
    if resource.status is None:
        return {}
    # Read without the model: a condition of another release must not stop this one.
    return {
        (was["type"], was["status"]): datetime.fromisoformat(was["lastTransitionTime"])
        for was in resource.status.get("conditions", ())
    }


def _ready(desired: DesiredState, observed: ObservedState, message: str) -> _Verdict:
    if desired.deleted:
        return _FALSE, "Deleted", message
    if observed.is_playable:
        return _TRUE, Reason.PUBLISHED.value, "The video is playable."
    return _FALSE, shown_reason(desired, observed), message


def _reconciling(desired: DesiredState, observed: ObservedState, message: str) -> _Verdict:
    if observed.is_paused and not desired.deleted:
        return _FALSE, PAUSED, message
    if is_moving(desired, observed):
        return _TRUE, shown_reason(desired, observed), message
    return _FALSE, "AtRest", ""


def _stalled(desired: DesiredState, observed: ObservedState, message: str) -> _Verdict:
    if observed.phase is Phase.ERRORED and not desired.deleted and not is_moving(desired, observed):
        return _TRUE, shown_reason(desired, observed), message
    return _FALSE, "NothingFailed", ""


def _source_verified(observed: ObservedState) -> _Verdict:
    if observed.source is not None:
        return _TRUE, "Verified", f"The original is a file of the format {observed.source.container}."
    if observed.rejected is not None:
        return _FALSE, Reason.FILE_REJECTED.value, observed.rejected.message
    return _UNKNOWN, "NotSeen", "No file has been seen yet."


def _job_submitted(observed: ObservedState) -> _Verdict:
    if observed.job_id is not None:
        return _TRUE, "Submitted", "The transcoding service has the job."
    if observed.reason is Reason.SUBMISSION_UNCERTAIN:
        return _UNKNOWN, Reason.SUBMISSION_UNCERTAIN.value, "It is not known whether the service took the job."
    return _FALSE, "NotSubmitted", "No job is known."


def _outputs_verified(observed: ObservedState) -> _Verdict:
    if observed.published is not None and observed.published.edition == observed.edition:
        return _TRUE, "Verified", "Every playlist and segment of the newest edition is in place."
    if observed.failure is not None and observed.failure.advice.stage is Stage.OUTPUTS:
        return _FALSE, FAILURE_REASONS[observed.failure.code], observed.failure.message
    return _UNKNOWN, "NotChecked", "The newest edition has no outputs to check yet."
