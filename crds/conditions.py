"""The conditions of a status: Ready, Reconciling and Stalled as kstatus reads them, and the domain's own three.

An upload on its way reads InProgress, a playable one at rest Current, an errored one Failed. kstatus returns
at the first of Reconciling and Stalled that is True, so they are never True together.
https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md
"""

from datetime import datetime

from crds.models import Condition, ConditionStatus, ConditionType, clipped
from crds.resource import Resource
from domain.failures import Stage
from domain.messages import Presentation
from domain.reasons import DELETED, FAILURE_REASONS, PAUSED
from domain.video import ObservedState, Phase, Reason

_TRUE, _FALSE, _UNKNOWN = ConditionStatus.TRUE, ConditionStatus.FALSE, ConditionStatus.UNKNOWN

# What one condition says: status, reason, message.
_Verdict = tuple[ConditionStatus, str, str]


def conditions_of(
    observed: ObservedState, presentation: Presentation, *, resource: Resource, now: datetime
) -> tuple[Condition, ...]:
    """Return all conditions; one whose status did not change keeps its time of transition."""
    verdicts = {
        ConditionType.READY: _ready(observed, presentation),
        ConditionType.RECONCILING: _reconciling(presentation),
        ConditionType.STALLED: _stalled(observed, presentation),
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


def _ready(observed: ObservedState, presentation: Presentation) -> _Verdict:
    if observed.is_playable and presentation.reason != DELETED:
        return _TRUE, Reason.PUBLISHED.value, "The video is playable."
    return _FALSE, presentation.reason, presentation.message


def _reconciling(presentation: Presentation) -> _Verdict:
    if presentation.reason == PAUSED:
        return _FALSE, PAUSED, presentation.message
    if presentation.is_moving:
        return _TRUE, presentation.reason, presentation.message
    return _FALSE, "AtRest", ""


def _stalled(observed: ObservedState, presentation: Presentation) -> _Verdict:
    if observed.phase is Phase.ERRORED and presentation.reason != DELETED and not presentation.is_moving:
        return _TRUE, presentation.reason, presentation.message
    return _FALSE, "NothingFailed", ""


def _source_verified(observed: ObservedState) -> _Verdict:
    if observed.source is not None and not observed.source.is_recognised:
        return _TRUE, "Verified", "The format of the original is not known; the transcoding service looks at it once."
    if observed.source is not None:
        return _TRUE, "Verified", f"The original is a file of the format {observed.source.container}."
    if observed.rejected is not None:
        return _FALSE, Reason.FILE_REJECTED.value, observed.rejected.message
    return _UNKNOWN, "NotSeen", "No file has arrived yet."


def _job_submitted(observed: ObservedState) -> _Verdict:
    if observed.job_id is not None:
        return _TRUE, "Submitted", "The transcoding service has the job."
    if observed.reason is Reason.SUBMISSION_UNCERTAIN:
        return _UNKNOWN, Reason.SUBMISSION_UNCERTAIN.value, "It is unknown whether the service took the job."
    return _FALSE, "NotSubmitted", "No job is known."


def _outputs_verified(observed: ObservedState) -> _Verdict:
    if observed.published is not None and observed.published.edition == observed.edition:
        return _TRUE, "Verified", "Every playlist and segment of the newest edition is in place."
    if observed.failure is not None and observed.failure.advice.stage is Stage.OUTPUTS:
        return _FALSE, FAILURE_REASONS[observed.failure.code], observed.failure.message
    return _UNKNOWN, "NotChecked", "The newest edition has no outputs to check yet."
