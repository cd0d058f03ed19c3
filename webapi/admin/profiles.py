"""`/api/v1/admin/profiles`: the transcode profiles and how far their rollouts are, as `kubectl get tp` shows them."""

from collections.abc import Callable
from datetime import datetime

import falcon

from database.profiles import Profiles
from database.rollouts import Rollouts
from domain.rollouts import RolloutPlan
from webapi.http.auth import ADMIN_SCOPE
from webapi.schemas.responses import AdminProfileBody, AdminProfileList, RolloutBody


class AdminProfiles:
    """`/api/v1/admin/profiles`."""

    scope = ADMIN_SCOPE

    def __init__(
        self, profiles: Profiles, rollouts: Rollouts, clock: Callable[[], datetime], *, namespace: str
    ) -> None:
        self._namespace = namespace
        self._profiles = profiles
        self._rollouts = rollouts
        self._clock = clock

    def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
        """List all profiles, each with its plan."""
        now = self._clock()
        plans = {plan.profile: plan for plan in self._rollouts.current()}
        listed = AdminProfileList(
            at=now,
            namespace=self._namespace,
            profiles=tuple(
                AdminProfileBody(
                    name=one.name,
                    hash=one.hash,
                    is_offered=one.is_offered,
                    rollout=_body(plans[one.name], now) if one.name in plans else None,
                )
                for one in self._profiles.all()
            ),
        )
        resp.data = listed.as_json()
        resp.set_header("Cache-Control", "private, no-cache")


def _body(plan: RolloutPlan, now: datetime) -> RolloutBody:
    return RolloutBody(
        plan=plan.plan_id,
        state=plan.state,
        is_approved=plan.is_approved,
        counted_at=plan.counted_at,
        planned=plan.planned,
        minutes=round(plan.minutes, 2),
        dollars=round(plan.dollars, 2),
        outdated=plan.outdated,
        running=plan.running,
        done=plan.done,
        failed=plan.failed,
        spent_dollars=round(plan.spent_dollars, 2),
        ends_at=plan.ends_at(now),
    )
