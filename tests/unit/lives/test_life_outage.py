"""Lives through a long outage of the provider: no upload is used up by it, and afterwards all become ready."""

from collections import Counter

import pytest

from controller.coconut.breaker import LONGEST_COOL_DOWN_SECONDS
from domain.errors import UnavailableError
from domain.failures import FailureCode
from domain.jobs import JobOrder, UncertainError
from domain.video import Phase
from tests.support.fakes.transcoder import Answer, Script
from tests.support.fakes.videos import mp4
from tests.support.world.calls import count_calls
from tests.support.world.operator import SWEEP_SECONDS, settled
from tests.support.world.world import InMemoryWorld

OUTAGE_SECONDS = 2.4 * 3600
A_MONTH = 30 * 86_400.0


def a_world_of(count: int, script: Script) -> InMemoryWorld:
    """Return a world in which many clients of one owner have sent their files."""
    world = InMemoryWorld(script)
    for number in range(count):
        row = world.create_as(f"video-{number:02}")
        world.storage.put_raw(row.desired.storage_key, mp4())
    return world


def assert_all_ready(world: InMemoryWorld) -> None:
    assert Counter(row.observed.phase for row in world.records.rows.values()) == {Phase.READY: len(world.records.rows)}
    assert len(world.transcoder.jobs) == len(world.records.rows), "one job each"


@pytest.mark.parametrize("count", [1, 20])
@pytest.mark.parametrize("answer", [Answer.LOST_BEFORE, Answer.BUSY])
def test_after_an_outage_of_submissions_all_uploads_become_ready(count: int, answer: Answer) -> None:
    world = a_world_of(count, Script(fails_until=OUTAGE_SECONDS, fails_with=answer))
    settled(world)
    assert_all_ready(world)
    for row in world.records.rows.values():
        assert row.observed.attempt - row.observed.attempt_floor <= 2, (
            "one of the outage, and the one that led to a job"
        )


def test_an_outage_of_hours_costs_few_looks_and_soon_after_it_all_continue() -> None:
    world = a_world_of(5, Script(fails_until=OUTAGE_SECONDS, fails_with=Answer.BUSY))
    calls, looks = count_calls(world), list[int]()

    def note() -> None:
        if world.clock.monotonic() >= OUTAGE_SECONDS and not looks:
            looks.append(calls.count("postgres.get"))

    settled(world, meanwhile=note)
    assert_all_ready(world)
    assert looks[0] / 5 <= 90, "184 with one a minute"
    longest = LONGEST_COOL_DOWN_SECONDS + 5 * SWEEP_SECONDS
    assert max(job.started_at for job in world.transcoder.jobs.values()) <= OUTAGE_SECONDS + longest


def test_while_nothing_answers_no_submission_is_risked() -> None:
    world = a_world_of(20, Script(fails_until=OUTAGE_SECONDS))
    world.transcoder.error = UnavailableError("GET /jobs at Coconut: HTTP 500")
    orders: list[int] = []

    def recover() -> None:
        if world.clock.monotonic() >= OUTAGE_SECONDS and world.transcoder.error is not None:
            orders.append(len(world.transcoder.orders))
            world.transcoder.error = None

    settled(world, meanwhile=recover)
    assert orders == [0]
    assert_all_ready(world)


def test_an_outage_longer_than_the_phase_risks_few_submissions_and_allows_a_retry() -> None:
    world = a_world_of(1, Script(fails_until=A_MONTH))
    settled(world)
    (row,) = world.records.rows.values()
    assert 10 <= len(world.transcoder.orders) <= 16
    assert row.observed.failure is not None
    assert row.observed.failure.code is FailureCode.PROVIDER_UNAVAILABLE
    assert row.observed.failure.advice.retryable


def test_a_submission_left_uncertain_while_others_are_accepted_is_no_outage() -> None:
    world = a_world_of(4, Script())
    start = world.transcoder.start

    def fail_the_first(order: JobOrder) -> str:
        if order.video_id == "video-00":
            raise UncertainError("POST /jobs at Coconut: HTTP 500")
        return start(order)

    world.transcoder.start = fail_the_first  # type: ignore[method-assign]

    def keep_converting() -> None:
        for video_id, row in world.records.rows.items():
            if row.observed.phase is Phase.READY and row.desired.edition == row.observed.edition < 40:
                world.records.ask_for_edition(video_id)

    settled(world, meanwhile=keep_converting)
    failure = world.records.rows["video-00"].observed.failure
    assert failure is not None
    assert (failure.code, failure.attempt) == (FailureCode.SUBMISSIONS_EXHAUSTED, 3)


def test_an_outage_charges_no_limit_of_the_day() -> None:
    world = a_world_of(1, Script(fails_until=OUTAGE_SECONDS))
    settled(world)
    load = world.records.submission_load(world.clock.now(), per_owner=9, at_most=9)
    assert sum(count for owner, count in load.submitted.items() if owner is not None) == 1
    assert len(world.transcoder.orders) > 3
