"""What opens the breaker, for how long, and how it closes again; which failures count as the provider's."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from structlog.testing import capture_logs

from controller.coconut.breaker import PROVEN_SECONDS, BreakerSnapshot, BreakerState
from controller.coconut.limiter import Denied, Permit
from domain.errors import RefusedError, UnavailableError, UpstreamError
from domain.jobs import UncertainError
from runtime.bulkhead import Bulkhead
from tests.support.world.limiter import AN_IMPORT, FAILURES, LimiterHarness, all_permits

CLOSED = BreakerSnapshot(BreakerState.CLOSED)


@pytest.mark.parametrize(
    ("stories", "position"),
    [
        pytest.param([], BreakerState.CLOSED, id="after-a-restart"),
        pytest.param(["failed"] * 2, BreakerState.CLOSED, id="two-may-be-chance"),
        pytest.param(["failed"] * 3, BreakerState.OPEN, id="three-in-a-row"),
        pytest.param(["failed", "failed", "ok", "failed", "failed"], BreakerState.CLOSED, id="not-in-a-row"),
        pytest.param(
            ["failed", "failed", "silent", "failed"], BreakerState.OPEN, id="what-tells-nothing-changes-nothing"
        ),
        pytest.param(["silent"] * 9, BreakerState.CLOSED, id="refused-files"),
        pytest.param(["7"], BreakerState.OPEN, id="retry-after"),
        pytest.param(["0"], BreakerState.HALF_OPEN, id="retry-after-zero"),
    ],
)
def test_the_breaker_opens_on_repeated_failures(stories: list[str], position: BreakerState) -> None:
    harness = LimiterHarness()
    harness.submit(*stories)
    assert harness.breaker.position is position


def test_no_permit_is_granted_while_it_is_open() -> None:
    harness = LimiterHarness()
    harness.submit(*FAILURES)
    harness.clock.advance(29.9)
    assert harness.acquire() is Denied.BREAKER
    harness.clock.advance(0.1)
    harness.permit()


def test_the_pause_doubles_while_failures_repeat() -> None:
    harness = LimiterHarness()
    harness.submit(*FAILURES)
    pauses = [harness.open_seconds()]
    for _ in range(6):
        harness.submit("failed")
        pauses.append(harness.open_seconds())
    assert pauses == [30, 60, 120, 240, 480, 600, 600]


def test_a_success_resets_the_pause() -> None:
    harness = LimiterHarness()
    harness.submit(*FAILURES)
    for _ in range(3):
        harness.open_seconds()
        harness.submit("failed")
    harness.open_seconds()
    harness.submit("ok", "failed")
    assert harness.open_seconds() == 30


@pytest.mark.parametrize(
    ("commands", "pauses"),
    [
        pytest.param(["7"], [7], id="as-requested"),
        pytest.param(["900"], [900], id="longer-than-ours"),
        pytest.param(["90000"], [3600], id="a-day-is-a-mistake"),
        pytest.param(["-5"], [0], id="a-time-that-is-past"),
        pytest.param(["7", "7", "7", "7"], [7, 30, 60, 120], id="too-short-before"),
        pytest.param(["7", "failed", "100", "100"], [7, 30, 100, 120], id="the-longer-of-both"),
    ],
)
def test_retry_after_sets_the_pause_within_bounds(commands: list[str], pauses: list[float]) -> None:
    harness = LimiterHarness()
    seen = []
    for desired in commands:
        harness.submit(desired)
        seen.append(harness.open_seconds())
    assert seen == pauses


def test_it_closes_in_steps_that_double_the_width() -> None:
    harness = LimiterHarness()
    harness.submit(*FAILURES)
    harness.open_seconds()
    widths = []
    for _ in range(6):
        permits = all_permits(harness)
        widths.append(len(permits))
        permits[0].record_success()
        for permit in permits:
            permit.release()
    assert widths == [1, 2, 4, 8, 16, 100]
    assert harness.breaker == CLOSED


def test_one_failure_reopens_a_half_open_breaker() -> None:
    harness = LimiterHarness()
    harness.submit(*FAILURES)
    harness.open_seconds()
    harness.submit("ok", "ok")
    assert harness.breaker == BreakerSnapshot(BreakerState.HALF_OPEN, width=4)
    harness.submit("failed")
    assert harness.breaker == BreakerSnapshot(BreakerState.OPEN, open_for_seconds=30)


def test_an_inconclusive_submission_frees_its_half_open_place() -> None:
    harness = LimiterHarness()
    harness.submit(*FAILURES)
    harness.open_seconds()
    harness.submit("silent", "silent", "ok")
    assert harness.breaker.width == 2


def test_submissions_that_fail_together_open_it_only_once() -> None:
    harness = LimiterHarness()
    permits = all_permits(harness, at_most=8)
    for permit in permits:
        permit.record_failure("HTTP 401")
    assert harness.open_seconds() == 30


def half_open_with_an_older_request() -> tuple[LimiterHarness, Permit]:
    """Return a half-open breaker, and a permit that was granted before it opened."""
    harness = LimiterHarness()
    older, *permits = all_permits(harness, at_most=4)
    for permit in permits:
        permit.record_failure("HTTP 401")
        permit.release()
    harness.open_seconds()
    return harness, older


def test_a_response_from_before_the_pause_proves_no_recovery() -> None:
    harness, late = half_open_with_an_older_request()
    late.record_success()
    late.release()
    assert harness.breaker.width == 1


def test_a_request_from_before_the_pause_still_occupies_a_half_open_place() -> None:
    harness, late = half_open_with_an_older_request()
    assert harness.acquire() is Denied.BREAKER
    late.release()
    harness.permit()


def test_a_retry_after_prolongs_a_pause_and_never_shortens_it() -> None:
    harness = LimiterHarness()
    permits = all_permits(harness, at_most=5)
    for permit in permits[:3]:
        permit.record_failure("HTTP 401")
    permits[3].record_failure("HTTP 429", retry_after_seconds=200)
    permits[4].record_failure("HTTP 429", retry_after_seconds=5)
    assert harness.open_seconds() == 200


def test_a_submission_is_reported_once() -> None:
    harness = LimiterHarness()
    with harness.permit() as permit:
        permit.record_success()
        for _ in range(3):
            permit.record_failure("HTTP 429", retry_after_seconds=60)
    assert harness.breaker == CLOSED


FULL = Bulkhead("Coconut", at_most=0)


def full() -> None:
    with FULL.slot():
        pytest.fail("there is no place")


def raises(error: Exception) -> Callable[[], None]:
    def call() -> None:
        raise error

    return call


@pytest.mark.parametrize(
    ("call", "times", "breaker"),
    [
        pytest.param(
            raises(UnavailableError("HTTP 401")), 3, BreakerSnapshot(BreakerState.OPEN, None, 30), id="refused-account"
        ),
        pytest.param(
            raises(UncertainError("HTTP 500")), 3, BreakerSnapshot(BreakerState.OPEN, None, 30), id="uncertain"
        ),
        pytest.param(
            raises(UnavailableError("HTTP 429", retry_after_seconds=50)),
            1,
            BreakerSnapshot(BreakerState.OPEN, None, 50),
            id="retry-after",
        ),
        pytest.param(
            raises(UncertainError("HTTP 503", retry_after_seconds=40)),
            1,
            BreakerSnapshot(BreakerState.OPEN, None, 40),
            id="uncertain-with-retry-after",
        ),
        pytest.param(raises(RefusedError("input_not_valid")), 9, CLOSED, id="refused-file"),
        pytest.param(raises(ZeroDivisionError()), 9, CLOSED, id="our-own-mistake"),
        pytest.param(full, 9, CLOSED, id="our-own-bulkhead"),
    ],
)
def test_only_failures_of_the_provider_count(call: Callable[[], None], times: int, breaker: BreakerSnapshot) -> None:
    harness = LimiterHarness()
    for _ in range(times):
        with suppress(UpstreamError, ZeroDivisionError), harness.permit() as permit, permit.recording():
            call()
            pytest.fail("this call was to fail")
    assert harness.breaker == breaker
    assert harness.limiter.state().in_flight == 0


def test_an_accepted_job_counts_as_a_success() -> None:
    harness = LimiterHarness()
    harness.submit("failed", "failed")
    with harness.permit() as permit, permit.recording():
        pass
    harness.submit("failed", "failed")
    assert harness.breaker == CLOSED


def test_only_changes_of_state_are_logged() -> None:
    harness = LimiterHarness()
    with capture_logs() as lines:
        for _ in range(3):
            with suppress(UpstreamError), harness.permit() as permit, permit.recording():
                raise UnavailableError("POST /jobs at Coconut: HTTP 401 authentication_failed")
        harness.open_seconds()
        harness.submit(*["ok"] * 9)
    assert lines == [
        {
            "event": "submissions_paused",
            "error": "POST /jobs at Coconut: HTTP 401 authentication_failed",
            "for_seconds": 30,
            "log_level": "warning",
        },
        {"event": "submissions_resumed", "log_level": "info"},
    ]


def test_until_the_provider_accepted_one_submissions_go_one_at_a_time_after_a_free_probe() -> None:
    harness = LimiterHarness(is_proven=False)
    first = harness.permit()
    assert first.needs_probe
    assert harness.acquire() is Denied.UNPROVEN
    assert harness.breaker == CLOSED
    first.record_success()
    first.release()
    assert [permit.needs_probe for permit in all_permits(harness, at_most=3)] == [False] * 3


@pytest.mark.parametrize(
    ("story", "seconds", "is_proven"),
    [
        pytest.param("ok", PROVEN_SECONDS - 1, True, id="a-success-lately"),
        pytest.param("ok", PROVEN_SECONDS, False, id="a-success-long-ago"),
        pytest.param("failed", 0, False, id="one-failure"),
        pytest.param("silent", 0, True, id="what-tells-nothing-changes-nothing"),
    ],
)
def test_submissions_go_one_at_a_time_while_the_providers_health_is_unknown(
    story: str, seconds: float, *, is_proven: bool
) -> None:
    harness = LimiterHarness()
    harness.submit(story)
    harness.clock.advance(seconds)
    assert len(all_permits(harness, at_most=5)) == (5 if is_proven else 1)


def test_each_submission_of_a_half_open_breaker_is_probed_until_one_succeeds() -> None:
    harness = LimiterHarness()
    harness.submit(*FAILURES)
    for _ in range(3):
        harness.open_seconds()
        with harness.permit() as permit:
            assert permit.needs_probe
            permit.record_failure("HTTP 500")
    harness.open_seconds()
    harness.submit("ok")
    assert not harness.permit().needs_probe


def test_a_probe_that_succeeds_proves_nothing_and_one_that_fails_counts() -> None:
    harness = LimiterHarness(is_proven=False)
    for _ in range(5):
        with harness.permit() as permit:
            assert permit.needs_probe
            with permit.probing():
                pass
    assert harness.breaker == CLOSED
    for _ in range(3):
        with suppress(UnavailableError), harness.permit() as permit, permit.probing():
            raise UnavailableError("HTTP 500")
    assert harness.breaker.position is BreakerState.OPEN


@pytest.mark.parametrize("story", ["ok", "failed", "silent"])
def test_submissions_that_wait_for_the_first_answer_are_woken_by_it(story: str) -> None:
    harness = LimiterHarness(is_proven=False)
    woken: list[str] = []
    harness.limiter.wake = woken.append
    permit = harness.permit()
    assert harness.acquire() is Denied.UNPROVEN
    assert woken == []
    if story != "silent":
        permit.record_success() if story == "ok" else permit.record_failure("HTTP 500")
    permit.release()
    assert woken == [AN_IMPORT.video_id]
    harness.permit()
