"""Starts the videos of rollouts while places are free. Each operator does so for the videos of its regions.

What may start is decided in domain/rollouts.py, and started in database/rollouts.py; from there on a video goes its way
as after its owner's request.
"""

from collections.abc import Callable
from datetime import datetime

import structlog

from controller.coconut.limiter import SubmissionLimiter
from database.rollouts import Rollouts, Room
from domain.rollouts import SHARE_OF_DAY
from domain.spending import SpendingLimits
from runtime import heartbeats

log = structlog.get_logger(__name__)


class RolloutRunner:
    """Starts videos, and takes over how they ended."""

    def __init__(
        self,
        rollouts: Rollouts,
        limiter: SubmissionLimiter,
        limits: SpendingLimits,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self._rollouts = rollouts
        self._limiter = limiter
        self._limits = limits
        self._clock = clock
        self._turns = 0

    def run(self) -> int:
        """Do what is due; return how many videos were started. Raises UpstreamError."""
        self._rollouts.settle()
        plans, started = self._rollouts.open_plans(), 0
        # Where places are few, plans take turns.
        self._turns += 1
        first = self._turns % len(plans) if plans else 0
        for plan in plans[first:] + plans[:first]:
            heartbeats.record()
            count = self._rollouts.advance(plan, self._room(), self._clock())
            if count:
                log.info("rollout_started", plan=plan, videos=count)
            started += count
        return started

    def _room(self) -> Room:
        places, state = self._limiter.spare_places(), self._limiter.state()
        left = None
        if state.minutes_per_day > 0:
            # Before the first count nothing is known of the day, and there are no places either.
            left = SHARE_OF_DAY * state.minutes_per_day - (state.minutes or 0.0)
        return Room(places, left, self._limits.duration_seconds)
