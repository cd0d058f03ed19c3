"""Limits of one owner and of a day, and who comes first when a place is free."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from controller.coconut.limiter import ANSWER_SECONDS, COUNT_SECONDS, Denied, Permit
from domain.errors import UnavailableError
from domain.spending import SpendingLimits, SubmissionLoad, SubmissionRequest, WaitingUpload
from tests.support.world.limiter import AN_IMPORT, FAILURES, LimiterHarness

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
LONG_AGO = NOON - timedelta(days=1)


def a_request(name: str, owner: str | None = "ann", *, waited: float = 0, minutes: float = 0) -> SubmissionRequest:
    return SubmissionRequest(name, owner, NOON - timedelta(seconds=waited), minutes)


def waiting(*requests: SubmissionRequest) -> tuple[WaitingUpload, ...]:
    return tuple(WaitingUpload(request.video_id, request.owner, request.since) for request in requests)


def a_harness(load: SubmissionLoad, *, max_running: int = 100, burst: int = 100, **limits: Any) -> LimiterHarness:
    harness = LimiterHarness(max_running=max_running, burst=burst, spending=SpendingLimits(**limits))
    harness.load = load
    return harness


def test_one_owner_has_a_share_of_the_places_and_others_have_the_rest() -> None:
    harness = a_harness(SubmissionLoad(running={"ann": 1}), running_per_owner=3)
    entered = [harness.acquire(a_request(str(number))) for number in range(4)]
    assert [isinstance(one, Permit) for one in entered] == [True, True, False, False]
    assert entered[-1] is Denied.OWNER_CAPACITY
    assert isinstance(harness.acquire(a_request("b", "bob")), Permit)
    assert isinstance(harness.acquire(AN_IMPORT), Permit)


def test_a_day_of_one_owner_ends_and_others_go_on() -> None:
    harness = a_harness(SubmissionLoad(submitted={"ann": 4, None: 9}), submissions_per_owner=5)
    assert isinstance(harness.acquire(a_request("1")), Permit)
    assert harness.acquire(a_request("2")) is Denied.OWNER_DAY
    assert isinstance(harness.acquire(a_request("3", "bob")), Permit)
    assert isinstance(harness.acquire(AN_IMPORT), Permit)


def test_the_daily_limit_of_minutes_holds_for_all_owners_together() -> None:
    harness = a_harness(SubmissionLoad(minutes=90), minutes_per_day=100)
    assert isinstance(harness.acquire(a_request("1", minutes=8)), Permit)
    assert harness.acquire(a_request("2", "bob", minutes=3)) is Denied.DAY
    assert harness.acquire(a_request("3", None, minutes=3)) is Denied.DAY
    assert isinstance(harness.acquire(a_request("4", "bob", minutes=2)), Permit)
    state = harness.limiter.state()
    assert (state.minutes, state.minutes_per_day) == (100, 100)


def test_no_limit_of_minutes_is_a_limit_of_none() -> None:
    assert isinstance(a_harness(SubmissionLoad(minutes=1e9)).acquire(a_request("1", minutes=1e9)), Permit)


def test_a_submission_that_its_owners_limit_refuses_takes_no_token_of_others() -> None:
    harness = a_harness(SubmissionLoad(submitted={"ann": 30}), burst=1)
    assert [harness.acquire(a_request(str(number))) for number in range(5)] == [Denied.OWNER_DAY] * 5
    assert isinstance(harness.acquire(a_request("b", "bob")), Permit)


OLDEST, OLD, YOUNG = a_request("oldest", waited=90), a_request("old", "bob", waited=60), a_request("young", "eve")


def test_a_free_place_goes_to_the_upload_that_waited_longest() -> None:
    harness = a_harness(SubmissionLoad(waiting=waiting(OLDEST, OLD, YOUNG)), max_running=2)
    woken: list[str] = []
    harness.limiter.wake = woken.append
    assert harness.acquire(YOUNG) is Denied.CAPACITY
    assert woken == ["oldest", "old"]
    assert isinstance(harness.acquire(OLD), Permit)
    assert isinstance(harness.acquire(OLDEST), Permit)
    assert harness.acquire(YOUNG) is Denied.CAPACITY


def test_a_token_goes_to_the_upload_that_waited_longest() -> None:
    harness = a_harness(SubmissionLoad(waiting=waiting(OLDEST, YOUNG)), burst=1)
    assert harness.acquire(YOUNG) is Denied.RATE
    assert isinstance(harness.acquire(OLDEST), Permit)


def test_where_there_is_room_for_all_none_has_to_wait() -> None:
    harness = a_harness(SubmissionLoad(waiting=waiting(OLDEST, OLD, YOUNG)), max_running=3)
    assert isinstance(harness.acquire(YOUNG), Permit)


def test_a_backlog_of_one_owner_holds_up_no_more_places_than_its_share() -> None:
    backlog = [a_request(f"ann-{number}", waited=100 - number) for number in range(10)]
    load = SubmissionLoad(running={"ann": 1}, waiting=waiting(*backlog, YOUNG))
    assert a_harness(load, max_running=4, running_per_owner=3).acquire(YOUNG) is not Denied.CAPACITY
    assert a_harness(load, max_running=3, running_per_owner=3).acquire(YOUNG) is Denied.CAPACITY


def test_an_upload_that_does_not_answer_is_passed_over() -> None:
    harness = a_harness(SubmissionLoad(waiting=waiting(OLDEST, YOUNG)), max_running=1)
    assert harness.acquire(YOUNG) is Denied.CAPACITY
    harness.clock.advance(ANSWER_SECONDS + 1)
    assert isinstance(harness.acquire(YOUNG), Permit)


def test_an_upload_that_asks_again_is_first_again() -> None:
    harness = a_harness(SubmissionLoad(waiting=waiting(OLDEST, YOUNG)), max_running=1)
    harness.jobs = 1
    assert harness.acquire(YOUNG) is Denied.CAPACITY
    harness.clock.advance(ANSWER_SECONDS + 1)
    assert harness.acquire(OLDEST) is Denied.CAPACITY
    harness.jobs = 0
    harness.clock.advance(COUNT_SECONDS)
    assert harness.acquire(YOUNG) is Denied.CAPACITY
    assert isinstance(harness.acquire(OLDEST), Permit)


def test_an_upload_that_left_the_queue_keeps_no_place() -> None:
    harness = a_harness(SubmissionLoad(waiting=waiting(OLDEST, YOUNG)), max_running=1)
    assert harness.acquire(YOUNG) is Denied.CAPACITY
    harness.load = SubmissionLoad(waiting=waiting(YOUNG))
    harness.clock.advance(COUNT_SECONDS)
    assert isinstance(harness.acquire(YOUNG), Permit)


def woken_by(harness: LimiterHarness) -> list[str]:
    """Let what waits be woken, and return which uploads were."""
    woken: list[str] = []
    harness.limiter.wake = woken.append
    harness.limiter.wake_next()
    return woken


def test_without_being_asked_those_are_woken_for_whom_there_is_room() -> None:
    harness = a_harness(SubmissionLoad(waiting=waiting(OLDEST, OLD, YOUNG)), max_running=2)
    harness.jobs = 2
    assert woken_by(harness) == []
    harness.jobs = 1
    harness.clock.advance(COUNT_SECONDS)
    assert woken_by(harness) == ["oldest"]
    assert woken_by(harness) == [], "once, until it asks"
    assert isinstance(harness.acquire(OLDEST), Permit)


def test_none_is_woken_while_the_breaker_is_open_and_one_to_try_it() -> None:
    harness = a_harness(SubmissionLoad(waiting=waiting(OLDEST, OLD, YOUNG)))
    harness.submit(*FAILURES)
    assert harness.acquire(OLDEST) is Denied.BREAKER
    assert woken_by(harness) == []
    harness.open_seconds()
    assert woken_by(harness) == ["oldest"]


def test_a_success_wakes_as_many_as_the_breaker_then_admits() -> None:
    harness = a_harness(SubmissionLoad(waiting=waiting(OLDEST, OLD, YOUNG)))
    harness.submit(*FAILURES)
    assert harness.acquire(OLDEST) is Denied.BREAKER
    harness.open_seconds()
    woken: list[str] = []
    harness.limiter.wake = woken.append
    harness.submit("ok")
    assert woken == ["oldest", "old"]


def test_a_rollout_is_behind_every_upload_however_long_it_waits() -> None:
    harness = LimiterHarness(max_running=2)
    in_line = (WaitingUpload("upload", "ann", NOON), WaitingUpload("rollout", None, LONG_AGO, is_last=True))
    harness.load = SubmissionLoad(waiting=in_line)
    harness.jobs = 1
    rollout = SubmissionRequest("rollout", None, LONG_AGO, minutes=0, is_last=True)
    assert harness.acquire(rollout) is Denied.CAPACITY
    assert isinstance(harness.acquire(a_request("upload")), Permit)


def test_spare_places_are_those_that_nothing_waits_for() -> None:
    harness = LimiterHarness(max_running=10, per_minute=60, burst=6)
    assert harness.limiter.spare_places() == 6
    harness.jobs = 7
    harness.clock.advance(5)
    assert harness.limiter.spare_places() == 3
    harness.load = SubmissionLoad(waiting=(WaitingUpload("one", "ann", NOON), WaitingUpload("other", None, NOON)))
    harness.clock.advance(5)
    assert harness.limiter.spare_places() == 1
    harness.jobs = 9
    harness.clock.advance(5)
    assert harness.limiter.spare_places() == 0


def test_the_backlog_of_one_owner_who_may_run_no_more_leaves_places_to_spare() -> None:
    harness = LimiterHarness(max_running=10, spending=SpendingLimits(running_per_owner=1))
    harness.load = SubmissionLoad(running={"ann": 1}, waiting=(WaitingUpload("one", "ann", NOON),))
    assert harness.limiter.spare_places() == 9


def test_nothing_is_spare_while_the_provider_fails_or_the_jobs_cannot_be_counted() -> None:
    failing = LimiterHarness()
    failing.submit(*FAILURES)
    assert failing.limiter.spare_places() == 0
    uncounted = LimiterHarness()
    uncounted.error = UnavailableError("away")
    with pytest.raises(UnavailableError):
        uncounted.limiter.spare_places()
    assert uncounted.limiter.spare_places() == 0
