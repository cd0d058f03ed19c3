"""Takes the TranscodeProfiles over into Postgres, where the API and the passes read them, and says so in their status.

A list every few seconds instead of a watch: profiles change rarely, and nothing depends on a message arriving. Rollouts
are declared, counted and shown here; rollouts.py beside this starts their videos.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from controller.loop.queue import WorkQueue
from crds.profile_resources import DeclaredProfile, ProfileReason, ProfileResource, ProfileResources
from database.profiles import Profiles
from database.rollouts import Rollouts
from domain.errors import ConflictError
from domain.records import Cause
from domain.rollouts import DeclaredRollout, RolloutPlan
from domain.spending import Prices, SpendingLimits
from runtime import heartbeats

log = structlog.get_logger(__name__)

# Nothing grows without bound; an installation needs a handful.
PROFILES_MAX = 50
_WAITING_AT_ONCE = 500
# A count reads every outdated video. While nothing is started it hardly changes.
COUNT_AFTER = timedelta(minutes=1)
COUNT_AT_REST_AFTER = timedelta(minutes=10)
# Figures that move all the time are written this often; everything else at once.
SHOW_AFTER = timedelta(minutes=1)


@dataclass(frozen=True)
class _Judged:
    resource: ProfileResource
    reason: ProfileReason
    declared: DeclaredProfile | None

    @property
    def name(self) -> str:
        return self.resource.name

    @property
    def in_use(self) -> DeclaredProfile | None:
        return self.declared if self.reason is ProfileReason.IN_USE else None


class ProfileMirror:
    """The copy of the profiles in Postgres."""

    def __init__(  # noqa: PLR0913 - one for each part, all by name
        self,
        resources: ProfileResources,
        profiles: Profiles,
        rollouts: Rollouts,
        queue: WorkQueue,
        *,
        clock: Callable[[], datetime],
        prices: Prices,
        limits: SpendingLimits,
        scale: float = 1.0,
    ) -> None:
        """``scale`` shortens the times between counts; below 1 only in tests."""
        self._resources = resources
        self._profiles = profiles
        self._rollouts = rollouts
        self._queue = queue
        self._clock = clock
        self._prices = prices
        self._limits = limits
        self._scale = scale
        self._shown_at: dict[str, datetime] = {}

    def mirror(self) -> int:
        """Take over every profile and its rollout; return how many statuses were written. Raises UpstreamError.

        Where the kind is not served, as before its definition was applied, the copy stays as it is.
        """
        listed = self._resources.list()
        if listed is None:
            return 0
        judged = [_judged(one, place) for place, one in enumerate(sorted(listed, key=lambda one: one.name))]
        valid = [one.in_use.profile for one in judged if one.in_use is not None]
        kept = {one.name for one in judged if one.reason is ProfileReason.INVALID}
        if self._profiles.replace(valid, kept=kept):
            log.info("profiles_changed", profiles=sorted(one.name for one in valid))
        # Also those that came to wait in between: their pass may have read the profiles just before.
        for video_id in self._profiles.waiting_videos(at_most=_WAITING_AT_ONCE):
            self._queue.add(video_id, Cause.SWEEP)
        plans = self._plans(judged, kept)
        return sum(self._show(one, plans.get(one.name)) for one in judged)

    def _plans(self, judged: Sequence[_Judged], kept: set[str]) -> Mapping[str, RolloutPlan]:
        """Declare all rollouts, and count what is due; return the current plans by their profile."""
        self._rollouts.declare([one for each in judged if (one := self._rollout_of(each)) is not None], kept=kept)
        now = self._clock()
        plans = self._rollouts.current()
        due = [plan for plan in plans if self._is_due(plan, now)]
        for plan in due:
            longest = self._limits.duration_seconds
            self._rollouts.count(plan, longest_seconds=longest, on_page=heartbeats.record)
        self._rollouts.forget_old()
        return {plan.profile: plan for plan in (self._rollouts.current() if due else plans)}

    def _rollout_of(self, judged: _Judged) -> DeclaredRollout | None:
        if judged.in_use is None or judged.in_use.rollout is None:
            return None
        profile = judged.in_use.profile
        return DeclaredRollout(
            profile,
            judged.in_use.rollout,
            self._prices.per_minute(profile.spec),
            judged.resource.approved_plan,
            judged.resource.resume_token,
        )

    def _is_due(self, plan: RolloutPlan, now: datetime) -> bool:
        if plan.counted_at is None:
            return True
        after = COUNT_AFTER if plan.running or plan.state.may_buy else COUNT_AT_REST_AFTER
        return now - plan.counted_at >= after * self._scale

    def _show(self, judged: _Judged, plan: RolloutPlan | None) -> bool:
        resource, now = judged.resource, self._clock()
        profile = judged.declared.profile if judged.declared is not None else None
        status = resource.status_with(judged.reason, profile, now, plan=plan)
        if status == resource.status:
            return False
        shown_at = self._shown_at.get(resource.name)
        is_early = shown_at is not None and now - shown_at < SHOW_AFTER * self._scale
        if is_early and _without_figures(status) == _without_figures(resource.status):
            return False
        try:
            self._resources.write_status(resource, status)
        except ConflictError:
            return False  # changed meanwhile: the next list has the newer one
        self._shown_at[resource.name] = now
        return True


def _judged(resource: ProfileResource, place: int) -> _Judged:
    declared = resource.declared()
    if declared is None:
        return _Judged(resource, ProfileReason.INVALID, None)
    return _Judged(resource, ProfileReason.IN_USE if place < PROFILES_MAX else ProfileReason.TOO_MANY, declared)


def _without_figures(status: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in status.items() if name != "rollout"}
