"""How many jobs may run, how fast submissions may follow each other, and what always holds."""

import itertools
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from controller.coconut.breaker import BreakerState
from controller.coconut.limiter import Denied, Permit, SubmissionLimiter, SubmissionLimits
from domain.errors import UnavailableError
from domain.spending import SubmissionLoad
from tests.support.world.clock import FakeClock
from tests.support.world.limiter import AN_IMPORT, FAILURES, LimiterHarness, all_permits


def test_no_more_jobs_run_than_allowed() -> None:
    harness = LimiterHarness(max_running=5)
    harness.jobs = 3
    assert len(all_permits(harness)) == 2
    assert harness.acquire() is Denied.CAPACITY
    assert harness.limiter.state().running == 5


def test_a_limit_of_zero_denies_everything() -> None:
    assert LimiterHarness(max_running=0).acquire() is Denied.CAPACITY


def test_jobs_are_counted_at_most_every_two_seconds() -> None:
    harness = LimiterHarness()
    for _ in range(50):
        harness.acquire()
        harness.clock.advance(0.5)
    assert harness.counted_at == [0, *range(2, 25, 2)]


def test_a_permit_counts_until_the_rows_show_its_job() -> None:
    harness = LimiterHarness(max_running=1)
    harness.submit("ok")
    assert harness.acquire() is Denied.CAPACITY
    harness.jobs = 1
    harness.clock.advance(2)
    assert harness.acquire() is Denied.CAPACITY
    harness.jobs = 0
    harness.clock.advance(2)
    harness.permit()


def test_a_submission_in_flight_counts_through_every_recount() -> None:
    harness = LimiterHarness(max_running=1)
    permit = harness.permit()
    for _ in range(3):
        harness.clock.advance(2)
        assert harness.acquire() is Denied.CAPACITY
    permit.release()
    harness.clock.advance(2)
    harness.permit()


def test_a_permit_releases_one_slot_however_often_it_is_released() -> None:
    harness = LimiterHarness(max_running=2)
    harness.permit()
    with harness.permit() as permit:
        permit.release()
    assert harness.limiter.state().in_flight == 1


def test_no_permit_is_granted_before_the_first_count() -> None:
    harness = LimiterHarness()
    harness.error = UnavailableError("counting jobs in Postgres: no answer")
    with pytest.raises(UnavailableError, match="Postgres"):
        harness.acquire()
    harness.error = None
    with pytest.raises(UnavailableError, match="not been counted yet"):
        harness.acquire()
    harness.clock.advance(2)
    harness.permit()
    assert harness.counted_at == [0, 2]


def test_the_last_count_and_all_permits_since_replace_a_count_that_fails() -> None:
    harness = LimiterHarness(max_running=5)
    harness.jobs = 2
    harness.submit("ok")
    harness.error = UnavailableError("counting jobs in Postgres: no answer")
    harness.clock.advance(2)
    with pytest.raises(UnavailableError):
        harness.acquire()
    assert len(all_permits(harness)) == 2


class SlowCount:
    """A count that takes until a test says so."""

    def __init__(self) -> None:
        self.is_asked = threading.Event()
        self.may_answer = threading.Event()
        self.times = 0

    def __call__(self) -> SubmissionLoad:
        self.times += 1
        if self.times > 1:
            self.is_asked.set()
            assert self.may_answer.wait(10)
        return SubmissionLoad()


def test_a_slow_count_blocks_no_caller_and_keeps_submissions_that_end_meanwhile() -> None:
    clock, count = FakeClock(), SlowCount()
    limiter = SubmissionLimiter(
        SubmissionLimits(max_running=3, per_minute=600, burst=10), monotonic=clock.monotonic, load=count
    )
    limiter.record_success(0)
    before, during = limiter.acquire(AN_IMPORT), limiter.acquire(AN_IMPORT)
    assert isinstance(before, Permit)
    assert isinstance(during, Permit)
    before.release()
    clock.advance(2)
    asking = threading.Thread(target=limiter.acquire, args=(AN_IMPORT,))
    asking.start()
    assert count.is_asked.wait(10)
    during.release()
    clock.advance(2)
    assert isinstance(limiter.acquire(AN_IMPORT), Permit)
    assert limiter.acquire(AN_IMPORT) is Denied.CAPACITY
    assert limiter.state().running == 3
    count.may_answer.set()
    asking.join(10)
    # Forgotten: what had left before the count. Kept: what left during it, the other one, and the caller.
    assert limiter.state().running == 3
    assert count.times == 2


def test_threads_share_one_limit() -> None:
    harness = LimiterHarness(max_running=20)
    harness.permit().release()
    start = threading.Barrier(8)
    found: list[Permit | Denied] = []

    def run() -> None:
        start.wait(10)
        found.extend(harness.acquire() for _ in range(50))

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sum(isinstance(one, Permit) for one in found) == 19
    assert len(found) == 400


def test_submissions_follow_at_a_steady_rate_after_a_burst() -> None:
    harness = LimiterHarness(per_minute=30, burst=3)
    assert len(all_permits(harness)) == 3
    assert harness.acquire() is Denied.RATE
    harness.clock.advance(2)
    assert len(all_permits(harness)) == 1
    harness.clock.advance(3600)
    harness.prove()
    assert len(all_permits(harness)) == 3


def test_a_denied_request_takes_no_token() -> None:
    harness = LimiterHarness(per_minute=60, burst=2, max_running=1)
    permit = harness.permit()
    for _ in range(9):
        assert harness.acquire() is Denied.CAPACITY
    permit.record_failure("HTTP 429", retry_after_seconds=0.1)
    permit.release()
    for _ in range(9):
        assert harness.acquire() is Denied.BREAKER
    harness.clock.advance(0.2)
    assert harness.acquire() is Denied.CAPACITY


@settings(deadline=None)
@given(
    per_minute=st.integers(1, 600),
    burst=st.integers(1, 5),
    pauses=st.lists(st.floats(0, 30), min_size=1, max_size=30),
)
def test_no_period_exceeds_the_burst_plus_the_rate(per_minute: int, burst: int, pauses: list[float]) -> None:
    harness = LimiterHarness(per_minute=per_minute, burst=burst)
    times = []
    for pause in pauses:
        harness.clock.advance(pause)
        harness.prove()
        times += [harness.clock.monotonic() for _ in all_permits(harness)]
    for first, since in enumerate(times):
        for count, until in enumerate(times[first:], start=1):
            assert count <= burst + (until - since) * per_minute / 60 + 1e-6


def test_every_duration_is_scaled_alike() -> None:
    harness = LimiterHarness(scale=0.01, per_minute=60, burst=1)
    harness.permit().release()
    assert harness.acquire() is Denied.RATE
    harness.clock.advance(0.015)
    harness.permit().release()
    harness.clock.advance(0.015)
    harness.permit().release()
    assert harness.counted_at == [0, 0.03]
    harness = LimiterHarness(scale=0.01)
    harness.submit(*FAILURES)
    assert harness.open_seconds() == pytest.approx(0.3)


def test_retry_after_is_not_scaled_but_its_limit_is() -> None:
    harness = LimiterHarness(scale=0.01)
    harness.submit("7")
    assert harness.open_seconds() == 7
    harness.submit("ok", "60")
    assert harness.open_seconds() == 36


def test_the_breaker_is_named_before_the_capacity() -> None:
    harness = LimiterHarness(per_minute=1, burst=1, max_running=1)
    harness.submit("600")
    assert harness.acquire() is Denied.BREAKER
    harness.clock.advance(600)
    harness.jobs = 1
    assert harness.acquire() is Denied.CAPACITY


def test_every_denial_has_a_constant_message() -> None:
    assert {pause.value: pause.message for pause in Denied} == {
        "owner_day": "as many jobs were submitted today as one owner may have in a day",
        "day": "the minutes that this installation may buy in a day are spent",
        "owner_capacity": "as many jobs of this owner are running as one owner may have at once",
        "breaker": "the provider keeps failing; submissions resume as it recovers",
        "jobs_unknown": "the provider does not know most of the running jobs; the key may be of another account",
        "unproven": "the first submission after a quiet time has not been answered yet; this one follows",
        "capacity": "as many jobs are running as this installation allows",
        "rate": "the rate limit of submissions is reached; this one follows",
    }


class Lives(RuleBasedStateMachine):
    """Any order of entering, waiting, reporting and leaving, while jobs begin and end."""

    MAX_RUNNING = 6

    def __init__(self) -> None:
        super().__init__()
        self.harness = LimiterHarness(max_running=self.MAX_RUNNING, per_minute=120, burst=4)
        self.inside: list[Permit] = []

    @rule(seconds=st.sampled_from([0.0, 0.5, 2.0, 10.0, 30.0, 60.0, 700.0]))
    def wait(self, seconds: float) -> None:
        self.harness.clock.advance(seconds)

    @rule()
    def acquire(self) -> None:
        breaker = self.harness.breaker
        outcome = self.harness.acquire()
        if isinstance(outcome, Permit):
            assert breaker.position is not BreakerState.OPEN
            assert breaker.width is None or len(self.inside) < breaker.width
            self.inside.append(outcome)
            assert self.harness.jobs + len(self.inside) <= self.MAX_RUNNING

    @precondition(lambda self: self.inside)
    @rule(data=st.data(), desired=st.none() | st.floats(-1, 10_000))
    def fail(self, data: st.DataObject, desired: float | None) -> None:
        permit = self.inside.pop(data.draw(st.integers(0, len(self.inside) - 1)))
        permit.record_failure("HTTP 429", retry_after_seconds=desired)
        permit.release()

    @precondition(lambda self: self.inside)
    @rule(data=st.data())
    def start_a_job(self, data: st.DataObject) -> None:
        permit = self.inside.pop(data.draw(st.integers(0, len(self.inside) - 1)))
        self.harness.jobs += 1
        permit.record_success()
        permit.release()

    @precondition(lambda self: self.inside)
    @rule()
    def come_to_nothing(self) -> None:
        self.inside.pop().release()

    @precondition(lambda self: self.harness.jobs)
    @rule()
    def end_a_job(self) -> None:
        self.harness.jobs -= 1

    @invariant()
    def in_flight_is_who_is_inside(self) -> None:
        assert self.harness.limiter.state().in_flight == len(self.inside)

    @invariant()
    def rows_are_asked_rarely(self) -> None:
        times = self.harness.counted_at
        assert all(after - before >= 2 for before, after in itertools.pairwise(times))

    def teardown(self) -> None:
        """Whatever happened, the limiter grants a permit again once the failures and the jobs are over."""
        for permit in self.inside:
            permit.release()
        self.harness.jobs = 0
        self.harness.clock.advance(3600)
        assert isinstance(self.harness.acquire(), Permit)


Lives.TestCase.settings = settings(deadline=None)
TestLives = Lives.TestCase
