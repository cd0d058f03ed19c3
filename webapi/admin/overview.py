"""`/api/v1/admin/overview`: counts of the working set (database/overview.py)."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime

import falcon

from database.overview import DEAD_LETTERS_MAX, Overview, Overviews, PhaseReasonCount
from domain.reasons import PAUSED
from domain.spending import start_of_day
from domain.video import Phase, Reason
from webapi.http.auth import ADMIN_SCOPE
from webapi.schemas.responses import (
    AdminOverview,
    BreakerBody,
    CallbacksBody,
    OwnerSpendingBody,
    PhaseCount,
    ReasonCount,
    RegionCount,
    SpendingBody,
)


class AdminOverviewPage:
    """`/api/v1/admin/overview`."""

    scope = ADMIN_SCOPE

    def __init__(self, overviews: Overviews, clock: Callable[[], datetime]) -> None:
        self._overviews = overviews
        self._clock = clock

    def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
        """Show how many uploads are where, which are overdue, whether callbacks arrive, and what the day costs."""
        now = self._clock()
        resp.data = overview_body(self._overviews.look(now), now).as_json()
        resp.set_header("Cache-Control", "private, no-cache")


def overview_body(overview: Overview, now: datetime) -> AdminOverview:
    """Return the response for an overview."""
    paused_submissions = _uploads(overview.counts, Reason.SUBMISSIONS_PAUSED)
    health = overview.callbacks
    return AdminOverview(
        at=now,
        is_complete=overview.is_complete and overview.dead_letters < DEAD_LETTERS_MAX,
        phases=tuple(_phase(phase, overview.counts) for phase in Phase),
        overdue=sum(group.overdue for group in overview.counts),
        waiting=_waiting(overview.counts),
        held=_uploads(overview.counts, Reason.SUBMISSION_HELD),
        uncertain=_uploads(overview.counts, Reason.SUBMISSION_UNCERTAIN),
        paused=sum(group.uploads for group in overview.counts if group.is_paused),
        dead_letters=overview.dead_letters,
        breaker=BreakerBody(is_open=paused_submissions > 0, uploads=paused_submissions),
        callbacks=CallbacksBody(
            claims=sum(health.by_bin),
            claims_by_five_minutes=health.by_bin,
            last_claim_at=health.last_claim_at,
            finished=health.finished,
            finished_unclaimed=health.finished_unclaimed,
        ),
        spending=SpendingBody(
            since=start_of_day(now),
            submissions=overview.spending.submissions,
            billed_minutes=_minutes(overview.spending.minutes),
            owners=tuple(
                OwnerSpendingBody(owner=each.owner, submissions=each.submissions, billed_minutes=_minutes(each.minutes))
                for each in overview.spending.owners
            ),
        ),
        regions=tuple(
            RegionCount(region=each.region, uploads=each.uploads, overdue=each.overdue, hindered=each.hindered)
            for each in overview.regions
        ),
    )


def _minutes(minutes: float) -> float:
    return round(minutes, 1)


def _phase(phase: Phase, counts: Sequence[PhaseReasonCount]) -> PhaseCount:
    groups = [group for group in counts if group.phase is phase]
    return PhaseCount(
        phase=phase,
        uploads=sum(group.uploads for group in groups),
        overdue=sum(group.overdue for group in groups),
        oldest_since=min((group.oldest_since for group in groups), default=None),
    )


def _waiting(counts: Sequence[PhaseReasonCount]) -> tuple[ReasonCount, ...]:
    """Count uploads that are not at rest by their reason, the most frequent first."""
    by_reason: Counter[str] = Counter()
    for group in counts:
        if group.phase not in (Phase.READY, Phase.ERRORED):
            by_reason[PAUSED if group.is_paused else group.reason] += group.uploads
    return tuple(ReasonCount(reason=reason, uploads=uploads) for reason, uploads in by_reason.most_common())


def _uploads(counts: Sequence[PhaseReasonCount], reason: Reason) -> int:
    return sum(group.uploads for group in counts if group.reason == reason and not group.is_paused)
