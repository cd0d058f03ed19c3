"""Lives during which Coconut answers that it does not know the job: one such answer never buys another."""

import pytest

from domain.failures import FailureCode
from domain.jobs import Job
from tests.support.fakes.transcoder import Fate, Script
from tests.support.world.endings import a_world, assert_ends_errored, assert_ends_ready
from tests.support.world.operator import live
from tests.support.world.world import InMemoryWorld

# The job is known and runs by then.
FROM_SECONDS = 72.0


def forget_the_job(world: InMemoryWorld, monkeypatch: pytest.MonkeyPatch, *, for_seconds: float) -> None:
    """Let the provider deny the job for a while, beginning when it was known before."""
    ask = world.transcoder.job

    def job(job_id: str) -> Job | None:
        job = ask(job_id)
        return None if FROM_SECONDS <= world.clock.monotonic() < FROM_SECONDS + for_seconds else job

    monkeypatch.setattr(world.transcoder, "job", job)


@pytest.mark.parametrize("seconds", [60.0, 600.0, 890.0])
def test_a_job_that_is_unknown_for_a_while_is_not_bought_again(seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    world = a_world(script=Script(job_seconds=1200.0))
    forget_the_job(world, monkeypatch, for_seconds=seconds)
    live(world)
    assert_ends_ready(world)
    assert len(world.transcoder.jobs) == 1


def test_complete_outputs_of_an_unknown_job_are_published(monkeypatch: pytest.MonkeyPatch) -> None:
    world = a_world(script=Script(job_seconds=300.0))
    forget_the_job(world, monkeypatch, for_seconds=10 * 3600.0)
    live(world)
    assert_ends_ready(world)
    assert len(world.transcoder.jobs) == 1


def test_a_job_that_stays_unknown_is_lost_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    world = a_world(script=Script(fates=[Fate.NEVER_ENDS] * 3))
    forget_the_job(world, monkeypatch, for_seconds=100 * 3600.0)
    live(world)
    assert_ends_errored(world, FailureCode.JOB_LOST, jobs=3)
