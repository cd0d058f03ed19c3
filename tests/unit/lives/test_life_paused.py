"""A machine stands still between an intent and its order while another operator leads: nothing is bought twice."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from controller.coconut.limiter import SubmissionLimiter
from domain.records import AttemptState
from domain.spending import SubmissionLoad
from domain.video import Phase
from tests.support.world.endings import a_world, assert_ends_ready
from tests.support.world.operator import Process, live, run_until
from tests.support.world.world import VIDEO_ID, WIDE, InMemoryWorld


def paused_before_its_order(
    world: InMemoryWorld, meanwhile: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> Process:
    """Return a process that stands still between its first intent and the order. Its own clock does not show that."""
    standing = world.clock.monotonic()
    deps, presign, pauses = world.deps, world.storage.presign_source, [meanwhile]

    def pausing(key: str, *, expires_seconds: int) -> str:
        if pauses:
            world.deps = deps
            pauses.pop()()
        return presign(key, expires_seconds=expires_seconds)

    monkeypatch.setattr(world.storage, "presign_source", pausing)
    limiter = SubmissionLimiter(WIDE, monotonic=lambda: standing, load=SubmissionLoad)
    world.deps = replace(deps, monotonic=lambda: standing, limiter=limiter)
    process = Process(world)
    process.begin()
    return process


def test_an_intent_that_the_next_leader_has_resolved_is_not_ordered(monkeypatch: pytest.MonkeyPatch) -> None:
    world = a_world()
    run_until(world, lambda world: world.row.observed.phase is Phase.UPLOADED)
    paused = paused_before_its_order(world, lambda: live(world), monkeypatch)
    while not world.transcoder.jobs:
        paused.step()
    assert_ends_ready(world)
    assert [job.order.attempt for job in world.transcoder.jobs.values()] == [2]
    assert world.records.attempts[VIDEO_ID, 1].state is AttemptState.ABANDONED


def test_a_process_that_has_lost_the_lease_submits_nothing_and_uses_up_no_attempt() -> None:
    world = a_world()
    run_until(world, lambda world: world.row.observed.phase is Phase.UPLOADED)
    deps, world.deps = world.deps, replace(world.deps, is_leading=lambda: False)
    process = Process(world)
    process.begin()
    while (VIDEO_ID, 1) not in world.records.attempts:
        process.step()
    assert world.records.attempts[VIDEO_ID, 1].state is AttemptState.REFUSED
    assert not world.transcoder.jobs
    world.deps = deps
    live(world)
    assert_ends_ready(world)
