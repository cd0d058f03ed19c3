"""The operator's part that starts the videos of rollouts, alone in a process that tests kill.

python -m tests.integration.rollout_process DATABASE_URL [CRASH_AT]
"""

import sys
import threading
import time
from datetime import UTC, datetime

from controller.coconut.limiter import SubmissionLimiter, SubmissionLimits
from controller.failpoints import CrashSignal, crash_at, rollouts_with_failpoints
from controller.loop.rollouts import RolloutRunner
from database.observations import Observations
from database.pool import Database
from database.rollouts import Rollouts
from domain.spending import SpendingLimits

PLACES = 100
PERIOD_SECONDS = 0.01


def main() -> None:
    """Run until killed."""
    url, *point = sys.argv[1:]
    database = Database(url, max_size=2, timeout_seconds=20)
    observations, rollouts = Observations(database), Rollouts(database)
    limiter = SubmissionLimiter(
        SubmissionLimits(max_running=PLACES, per_minute=1_000_000, burst=1_000, scale=0.01),
        monotonic=time.monotonic,
        load=lambda: observations.submission_load(datetime.now(UTC), per_owner=10, at_most=PLACES),
    )
    if point:
        rollouts = rollouts_with_failpoints(rollouts, crash_at(point[0], CrashSignal.KILL))
    runner = RolloutRunner(rollouts, limiter, SpendingLimits(), clock=lambda: datetime.now(UTC))
    never = threading.Event()
    while not never.wait(PERIOD_SECONDS):
        limiter.record_success(0)
        runner.run()


if __name__ == "__main__":
    main()
