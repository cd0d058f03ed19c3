"""Lives during which Coconut answers that it does not know the job: one such answer never buys another."""

import pytest

from controller.coconut.breaker import BreakerState
from domain.failures import FailureCode
from domain.jobs import Job
from domain.messages import present
from domain.video import Phase
from tests.support.fakes.transcoder import JobEnd, Script
from tests.support.fakes.videos import mp4
from tests.support.world.endings import a_world, assert_ends_errored, assert_ends_ready
from tests.support.world.operator import live, settled
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
    world = a_world(script=Script(job_ends=[JobEnd.NEVER_ENDS] * 3))
    forget_the_job(world, monkeypatch, for_seconds=100 * 3600.0)
    live(world)
    assert_ends_errored(world, FailureCode.JOB_LOST, jobs=3)


def test_many_jobs_that_are_unknown_at_once_are_not_lost_and_nothing_is_bought(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key is that of another account, or the provider lost its records: none of its answers is believed."""
    world = InMemoryWorld(Script(job_seconds=5 * 3600.0))
    for number in range(5):
        row = world.create_as(f"video-{number}")
        world.storage.put_raw(row.desired.storage_key, mp4())
    shown: set[tuple[Phase, str, str]] = set()
    forget_the_job(world, monkeypatch, for_seconds=7 * 3600.0)
    monkeypatch.setattr(world.transcoder, "run", lambda: None)

    def meanwhile() -> None:
        now = world.clock.monotonic()
        if now > 3 * 3600 and "late" not in world.records.rows:
            row = world.create_as("late")
            world.storage.put_raw(row.desired.storage_key, mp4())
        if now > 8 * 3600:
            monkeypatch.undo()
            world.transcoder.run()
        if 4 * 3600 < now < 6 * 3600:
            assert len(world.transcoder.jobs) == 5
            assert world.deps.limiter.state().breaker.position is BreakerState.OPEN
            views = (present(row.desired, row.observed) for row in world.records.rows.values())
            shown.update((view.phase, view.reason, view.waiting_for or "") for view in views)

    settled(world, meanwhile=meanwhile)
    paused = "the transcoding service to recover; new jobs of all users wait and are submitted automatically after that"
    unknown = "the transcoding service, which does not know the running jobs at the moment; no new ones are submitted"
    assert shown == {
        (Phase.PROCESSING, "JobsUnknown", unknown),
        (Phase.UPLOADED, "SubmissionsPaused", paused),
    }
    assert {row.observed.phase for row in world.records.rows.values()} == {Phase.READY}
    assert len(world.transcoder.jobs) == 6
