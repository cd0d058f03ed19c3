"""Rollouts in memory: what was declared, counted and shown; nothing is started."""

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime

from domain.rollouts import DeclaredRollout, RolloutPlan, RolloutState


class FakeRollouts:
    """Stands in for the half of `Rollouts` that the mirror uses. ``outdated``: what the next count finds."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self.plans: dict[str, RolloutPlan] = {}
        self.declared: list[DeclaredRollout] = []
        self.state = RolloutState.PLANNING
        self.done = 0
        self.outdated = 3
        self.counts = 0

    def declare(self, declared: Collection[DeclaredRollout], *, kept: Collection[str] = ()) -> None:
        self.declared = [*declared]
        before, self.plans = self.plans, {name: plan for name, plan in self.plans.items() if name in kept}
        for number, one in enumerate(declared, start=1):
            plan, hash_ = before.get(one.profile.name), one.profile.hash
            if plan is None or plan.hash != hash_:
                plan = RolloutPlan(number, one.profile.name, hash_, one.spec, RolloutState.PLANNING, is_approved=False)
            self.plans[one.profile.name] = replace(plan, declared=one.spec)

    def current(self) -> list[RolloutPlan]:
        return [replace(plan, state=self.state, done=self.done) for plan in self.plans.values()]

    def count(self, plan: RolloutPlan, *, longest_seconds: float, on_page: Callable[[], None]) -> int:
        assert longest_seconds > 0
        on_page()
        self.counts += 1
        self.plans[plan.profile] = replace(
            plan, outdated=self.outdated, planned=self.outdated, minutes=5.5, dollars=0.25, counted_at=self._clock()
        )
        return 1

    def forget_old(self) -> None:
        return
