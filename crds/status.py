"""Translates an observation into a status and back. Status is a projection: the row was committed first.

Fields under `work`, `source`, `published` and `failure` are the observation itself, so that a Postgres restored
from an older dump can be brought up to date; the rest is derived for people and tools. Conditions are in
crds/conditions.py.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from crds.conditions import conditions_of
from crds.models import PROVIDER_ANSWER_MAX, STATUS_FIELDS, WORK_FIELDS, FailureStatus, Status, clipped
from crds.resource import Resource
from domain.failures import Failure
from domain.messages import Presentation
from domain.policy import LifecyclePolicy
from domain.schedule import checks_of
from domain.video import ObservedState, Phase

_OBSERVED = TypeAdapter(ObservedState)


def status_of(
    observed: ObservedState,
    presentation: Presentation,
    *,
    resource: Resource,
    policy: LifecyclePolicy,
    now: datetime,
) -> dict[str, Any]:
    """Return the status that ``resource`` should have; equal to the one it has when nothing changed.

    The pass looked at ``resource``, so its generation and its reconcile request count as handled.
    """
    deadline_at = None if presentation.is_held else observed.deadline_at
    status = Status(
        observed_generation=resource.generation,
        phase=presentation.phase,
        reason=presentation.reason,
        message=clipped(presentation.message),
        progress=_progress(observed),
        # For the DEADLINE column, where fractions of a second are noise.
        deadline=deadline_at.replace(microsecond=0) if deadline_at else None,
        waiting_for=presentation.waiting_for,
        what_to_do=presentation.what_to_do,
        next_check=None if presentation.is_held else checks_of(observed.phase, policy.timing),
        submissions_left=policy.submissions_left(observed),
        conditions=conditions_of(observed, presentation, resource=resource, now=now),
        last_handled_reconcile_at=resource.reconcile_request,
        **_observed_fields(observed),
    )
    return status.model_dump(mode="json", by_alias=True, exclude_none=True)


def observed_of(status: Mapping[str, Any]) -> ObservedState:
    """Read the observation back from a status that `status_of` made."""
    found = Status.model_validate(status).model_dump()
    values = {field: found[name] for field, name in STATUS_FIELDS.items()}
    return _OBSERVED.validate_python(values | {field: found["work"][name] for field, name in WORK_FIELDS.items()})


def is_ahead_for_good(status: Mapping[str, Any], observed: ObservedState) -> bool:
    """Return whether the CRD's rules refuse this observation over the status that is there."""
    work = status.get("work", {})
    attempt = work.get("attempt", 0)
    has_other_job = attempt == observed.attempt and work.get("jobId", observed.job_id) != observed.job_id
    return bool(status.get("revision", 0) > observed.revision or attempt > observed.attempt or has_other_job)


def _progress(observed: ObservedState) -> str | None:
    match observed.phase:
        case Phase.PROCESSING:
            return f"{observed.progress_percent}%"
        case Phase.READY:
            return "100%"
        case _:
            return None


def _observed_fields(observed: ObservedState) -> dict[str, Any]:
    """Return the fields of a status that are the observation itself, clipped to what the CRD takes."""
    values = _OBSERVED.dump_python(observed)
    values["message"] = clipped(observed.message)
    if observed.rejected is not None:
        values["rejected"]["message"] = clipped(observed.rejected.message)
    if observed.failure is not None:
        values["failure"] = _failure_status(observed.failure)
    work = {name: values[field] for field, name in WORK_FIELDS.items()}
    return {name: values[field] for field, name in STATUS_FIELDS.items()} | {"work": work}


def _failure_status(failure: Failure) -> FailureStatus:
    return FailureStatus(
        code=failure.code,
        message=clipped(failure.message),
        attempt=failure.attempt,
        stage=failure.advice.stage,
        retryable=failure.advice.retryable,
        action=failure.advice.action,
        provider_answer=failure.provider_answer and failure.provider_answer[:PROVIDER_ANSWER_MAX],
    )
