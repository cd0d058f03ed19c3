"""A library is made anew once, however often the process that starts its videos is killed, and if two of them run."""

import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from database.pool import Database
from database.profiles import Profiles
from database.rollouts import Rollouts
from devstack.paths import PROJECT_DIR
from domain.profiles import ProfileRendition, ProfileSpec, ordered
from domain.rollouts import DeclaredRollout, RolloutApproval, RolloutSpec, RolloutState
from tests.integration.canned import CannedLibrary
from tests.support.eventually import eventually

PROFILE = ordered("modern", ProfileSpec((ProfileRendition(360, 800),)))
AUTO = RolloutSpec(approve=RolloutApproval.AUTO, max_running=100, jobs_per_hour=10_000)
POINTS = [
    f"Rollout.rollouts.{call}:{side}"
    for call in ("settle.1", "settle.2", "open_plans.1", "advance.1", "advance.2")
    for side in ("before", "after")
]
PATIENCE_SECONDS = 300


class Library:
    """A library under an approved plan, and what the home operator's mirror does meanwhile."""

    def __init__(self, database: Database, url: str, videos: int) -> None:
        self._url = url
        self.rollouts, self.canned = Rollouts(database), CannedLibrary(url)
        Profiles(database).replace([PROFILE])
        self.canned.fill(videos, profile="modern")
        self.mirror()

    def mirror(self) -> None:
        """Declare the rollout again, and count."""
        self.rollouts.declare([DeclaredRollout(PROFILE, AUTO, 0.01)])
        self.rollouts.count(self.rollouts.current()[0], longest_seconds=3600)

    @contextmanager
    def operator(self, *point: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run one process until the end of the block, and kill it."""
        command = [sys.executable, "-m", "tests.integration.rollout_process", self._url, *point]
        process = subprocess.Popen(command, cwd=PROJECT_DIR)
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def started(self) -> int:
        """Return how many videos were started so far."""
        plan = self.rollouts.current()[0]
        return plan.done + plan.failed + plan.running

    def is_done_or_starts_more(self) -> Callable[[], bool]:
        """Return a condition: the plan is through, or more videos were started than now."""
        before = self.started()
        return lambda: self.is_done() or self.started() > before

    def is_done(self) -> bool:
        """Play the passes and the mirror; return whether the plan is through."""
        self.canned.finish()
        self.mirror()
        return self.rollouts.current()[0].state is RolloutState.UP_TO_DATE


def test_a_thousand_videos_are_made_anew_once_each_with_two_operators_that_are_killed(
    database: Database, database_url: str
) -> None:
    library, chance = Library(database, database_url, 1_000), random.Random(19)
    kills = 0
    while not library.is_done():
        with library.operator(), library.operator():
            eventually(library.is_done_or_starts_more(), within_seconds=PATIENCE_SECONDS)
            # It is killed at some moment of what follows, unless it is through before.
            with suppress(AssertionError):
                eventually(library.is_done, within_seconds=chance.uniform(0.0, 0.3), every_seconds=0.02)
        kills += 1
    plan = library.rollouts.current()[0]
    assert library.canned.bought() == {1: 1_000}
    assert (plan.done, plan.failed, plan.running) == (1_000, 0, 0)
    assert plan.spent_dollars == pytest.approx(10.0)
    assert kills > 1, "it was through before the first kill"


def test_killed_at_each_failpoint_it_starts_nothing_twice(database: Database, database_url: str) -> None:
    library = Library(database, database_url, 2 * 100 * len(POINTS))
    for point in POINTS:
        with library.operator(point) as process:
            assert process.wait(timeout=PATIENCE_SECONDS) == -signal.SIGKILL, point
        library.is_done()
    with library.operator():
        eventually(library.is_done, within_seconds=PATIENCE_SECONDS)
    assert library.canned.bought() == {1: 2 * 100 * len(POINTS)}
