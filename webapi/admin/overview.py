"""`/api/v1/admin/overview`: the working set at a glance, for administrators. It is counted in database/overview.py."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime

import falcon

from database.overview import DEAD_LETTERS_MAX, Overview, PhaseReasonCount
from domain.reasons import PAUSED
from domain.video import Phase, Reason
from webapi.http.auth import ADMIN_SCOPE
from webapi.ports import Overviews
from webapi.schemas.responses import AdminOverview, BreakerBody, CallbacksBody, PhaseCount, ReasonCount


class AdminOverviewPage:
    """`/api/v1/admin/overview`."""

    scope = ADMIN_SCOPE

    def __init__(self, overviews: Overviews, clock: Callable[[], datetime]) -> None:
        self._overviews = overviews
        self._clock = clock

    def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
        """Show what is where, what is late, and whether callbacks arrive."""
        now = self._clock()
        resp.data = overview_body(self._overviews.look(now), now).as_json()
        resp.set_header("Cache-Control", "private, no-cache")


def overview_body(seen: Overview, now: datetime) -> AdminOverview:
    """Return what is shown of a look."""
    paused_submissions = _uploads(seen.counts, Reason.SUBMISSIONS_PAUSED)
    health = seen.callbacks
    return AdminOverview(
        at=now,
        is_complete=seen.is_complete and seen.dead_letters < DEAD_LETTERS_MAX,
        phases=tuple(_phase(phase, seen.counts) for phase in Phase),
        overdue=sum(crowd.overdue for crowd in seen.counts),
        waiting=_waiting(seen.counts),
        held=_uploads(seen.counts, Reason.SUBMISSION_HELD),
        uncertain=_uploads(seen.counts, Reason.SUBMISSION_UNCERTAIN),
        paused=sum(crowd.uploads for crowd in seen.counts if crowd.is_paused),
        dead_letters=seen.dead_letters,
        breaker=BreakerBody(is_open=paused_submissions > 0, uploads=paused_submissions),
        callbacks=CallbacksBody(
            claims=sum(health.by_bin),
            claims_by_five_minutes=health.by_bin,
            last_claim_at=health.last_claim_at,
            finished=health.finished,
            finished_unclaimed=health.finished_unclaimed,
        ),
    )


def _phase(phase: Phase, counts: Sequence[PhaseReasonCount]) -> PhaseCount:
    here = [crowd for crowd in counts if crowd.phase is phase]
    return PhaseCount(
        phase=phase,
        uploads=sum(crowd.uploads for crowd in here),
        overdue=sum(crowd.overdue for crowd in here),
        oldest_since=min((crowd.oldest_since for crowd in here), default=None),
    )


def _waiting(counts: Sequence[PhaseReasonCount]) -> tuple[ReasonCount, ...]:
    """Return why uploads are where they are, most of them first; those at rest wait for nothing."""
    counted: Counter[str] = Counter()
    for crowd in counts:
        if crowd.phase not in (Phase.READY, Phase.ERRORED):
            counted[PAUSED if crowd.is_paused else crowd.reason] += crowd.uploads
    return tuple(ReasonCount(reason=reason, uploads=uploads) for reason, uploads in counted.most_common())


def _uploads(counts: Sequence[PhaseReasonCount], reason: Reason) -> int:
    return sum(crowd.uploads for crowd in counts if crowd.reason == reason and not crowd.is_paused)
