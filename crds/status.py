"""Translates an observation into a status and back. Status is a projection: the row was committed first.

Fields under `work`, `source`, `published` and `failure` are the observation itself, so that a Postgres restored
from an older dump can be brought up to date; the rest is derived for people and tools. Conditions are in
crds/conditions.py.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from crds.conditions import conditions_of
from crds.models import (
    PROVIDER_ANSWER_MAX,
    FailureStatus,
    PublishedStatus,
    RejectedStatus,
    RenditionStatus,
    SourceStatus,
    Status,
    WorkStatus,
    clipped,
)
from crds.resource import Resource
from domain.failures import Failure
from domain.messages import Presentation
from domain.policy import LifecyclePolicy
from domain.schedule import checks_of
from domain.video import (
    ObservedState,
    Phase,
    Published,
    Rejection,
    Rendition,
    SourceFacts,
)


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
        revision=observed.revision,
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
        is_playable=observed.is_playable,
        is_paused=observed.is_paused,
        work=_work(observed),
        source=SourceStatus(**asdict(observed.source)) if observed.source else None,
        published=_published(observed.published) if observed.published else None,
        failure=_failure(observed.failure) if observed.failure else None,
        conditions=conditions_of(observed, presentation, resource=resource, now=now),
        last_handled_reconcile_at=resource.reconcile_request,
        last_handled_retry_at=observed.retry_token,
    )
    return status.model_dump(mode="json", by_alias=True, exclude_none=True)


def observed_of(status: Mapping[str, Any]) -> ObservedState:
    """Read the observation back from a status that `status_of` made."""
    shown = Status.model_validate(status)
    work = shown.work
    return ObservedState(
        revision=shown.revision,
        phase=work.phase,
        phase_since=work.since,
        reason=work.reason,
        message=work.message,
        deadline_at=work.deadline_at,
        edition=work.edition,
        retries=work.retries,
        attempt=work.attempt,
        attempt_floor=work.attempt_floor,
        confirmations_floor=work.confirmations_floor,
        job_id=work.job_id,
        progress_percent=work.progress_percent,
        progress_at=work.progress_at,
        rejections=work.rejections,
        rejected=Rejection(**dict(work.rejected)) if work.rejected else None,
        source=SourceFacts(**dict(shown.source)) if shown.source else None,
        published=_published_of(shown.published) if shown.published else None,
        is_playable=shown.is_playable,
        failure=_failure_of(shown.failure) if shown.failure else None,
        is_paused=shown.is_paused,
        retry_token=shown.last_handled_retry_at,
    )


def _progress(observed: ObservedState) -> str | None:
    match observed.phase:
        case Phase.PROCESSING:
            return f"{observed.progress_percent}%"
        case Phase.READY:
            return "100%"
        case _:
            return None


def _work(observed: ObservedState) -> WorkStatus:
    rejected = observed.rejected
    return WorkStatus(
        phase=observed.phase,
        since=observed.phase_since,
        reason=observed.reason,
        message=clipped(observed.message),
        deadline_at=observed.deadline_at,
        edition=observed.edition,
        retries=observed.retries,
        attempt=observed.attempt,
        attempt_floor=observed.attempt_floor,
        confirmations_floor=observed.confirmations_floor,
        job_id=observed.job_id,
        progress_percent=observed.progress_percent,
        progress_at=observed.progress_at,
        rejections=observed.rejections,
        rejected=RejectedStatus(**asdict(rejected) | {"message": clipped(rejected.message)}) if rejected else None,
    )


def _published(published: Published) -> PublishedStatus:
    return PublishedStatus(
        edition=published.edition,
        attempt=published.attempt,
        duration_seconds=published.duration_seconds,
        has_poster=published.has_poster,
        renditions=tuple(RenditionStatus(**asdict(rendition)) for rendition in published.renditions),
    )


def _published_of(shown: PublishedStatus) -> Published:
    renditions = tuple(Rendition(**dict(rendition)) for rendition in shown.renditions)
    return Published(**dict(shown) | {"renditions": renditions})


def _failure(failure: Failure) -> FailureStatus:
    return FailureStatus(
        code=failure.code,
        message=clipped(failure.message),
        attempt=failure.attempt,
        stage=failure.advice.stage,
        retryable=failure.advice.retryable,
        action=failure.advice.action,
        provider_answer=failure.provider_answer and failure.provider_answer[:PROVIDER_ANSWER_MAX],
    )


def _failure_of(shown: FailureStatus) -> Failure:
    return Failure(shown.code, shown.message, shown.attempt, shown.provider_answer)
