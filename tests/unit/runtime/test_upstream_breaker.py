"""When calls to an upstream that fails end at once, and which answers prove that it is back."""

from collections.abc import Callable
from contextlib import suppress

import pytest

from domain.errors import ConflictError, KeyRefusedError, RefusedError, UnavailableError, UpstreamError
from runtime.bulkhead import Bulkhead
from runtime.time_budget import BudgetSpentError
from runtime.upstream_breaker import UpstreamBreaker, UpstreamHealth
from tests.support.world.clock import FakeClock

AWAY = UnavailableError("reading: no answer")
REFUSED = KeyRefusedError("reading: HTTP 403 InvalidAccessKeyId")


class Upstream:
    """An upstream that answers as a test says, through a breaker."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.breaker = UpstreamBreaker("S3", monotonic=self.clock.monotonic)
        self.calls = 0
        self.error: BaseException | None = None
        self.ask: Callable[[], None] = self.breaker.limit(self._answer)

    def _answer(self) -> None:
        self.calls += 1
        if self.error is not None:
            raise self.error

    def answers(self, *errors: BaseException | None) -> UpstreamHealth:
        """Ask once for each answer, long after the last one, and return what they showed."""
        for self.error in errors:
            self.clock.advance(60)
            with suppress(UpstreamError, ZeroDivisionError):
                self.ask()
        return self.breaker.health()


@pytest.mark.parametrize(
    ("errors", "health"),
    [
        pytest.param([AWAY] * 2, UpstreamHealth.AVAILABLE, id="two-may-be-chance"),
        pytest.param([AWAY] * 3, UpstreamHealth.AWAY, id="three-in-a-row"),
        pytest.param([AWAY, AWAY, None, AWAY, AWAY], UpstreamHealth.AVAILABLE, id="not-in-a-row"),
        pytest.param([REFUSED], UpstreamHealth.REFUSES_KEY, id="a-refused-key-at-once"),
        pytest.param([REFUSED, AWAY], UpstreamHealth.AWAY, id="then-away"),
        pytest.param([AWAY] * 3 + [REFUSED], UpstreamHealth.REFUSES_KEY, id="back-and-refusing"),
        pytest.param([REFUSED, None], UpstreamHealth.AVAILABLE, id="one-answer-closes-it"),
        pytest.param([REFUSED, RefusedError("HTTP 400")], UpstreamHealth.AVAILABLE, id="a-refused-object-is-an-answer"),
        pytest.param([REFUSED, ConflictError("HTTP 409")], UpstreamHealth.AVAILABLE, id="a-conflict-is-an-answer"),
        pytest.param(
            [BudgetSpentError("the pass took longer than 60 s")] * 9, UpstreamHealth.AVAILABLE, id="our-own-limit"
        ),
        pytest.param([AWAY, AWAY, ZeroDivisionError(), AWAY], UpstreamHealth.AWAY, id="our-own-mistake-is-none"),
    ],
)
def test_the_health_follows_from_the_answers(errors: list[BaseException | None], health: UpstreamHealth) -> None:
    assert Upstream().answers(*errors) is health


def test_while_it_fails_calls_end_at_once_and_name_its_last_answer() -> None:
    upstream = Upstream()
    upstream.answers(AWAY, AWAY, AWAY)
    with pytest.raises(UnavailableError, match=r"S3 keeps failing .* reading: no answer"):
        upstream.ask()
    assert upstream.calls == 3


def test_it_is_tried_again_after_pauses_that_double_up_to_a_bound() -> None:
    upstream = Upstream()
    upstream.answers(AWAY, AWAY, AWAY)
    pauses = []
    for _ in range(5):
        calls, began = upstream.calls, upstream.clock.monotonic()
        while upstream.calls == calls:
            upstream.clock.advance(1)
            with suppress(UnavailableError):
                upstream.ask()
        pauses.append(upstream.clock.monotonic() - began)
    assert pauses == [5, 10, 20, 30, 30]


def test_one_call_at_a_time_tries_it() -> None:
    upstream = Upstream()
    upstream.answers(AWAY, AWAY, AWAY)
    upstream.clock.advance(60)
    with upstream.breaker.call(), pytest.raises(UnavailableError, match="keeps failing"):
        upstream.ask()
    assert upstream.breaker.health() is UpstreamHealth.AVAILABLE
    upstream.error = None
    upstream.ask()


def test_a_full_bulkhead_says_nothing_about_the_upstream() -> None:
    breaker = UpstreamBreaker("S3", bulkhead=Bulkhead("S3", at_most=0))
    ask = breaker.limit(lambda: None)
    for _ in range(9):
        with pytest.raises(UnavailableError, match="under way"):
            ask()
    assert breaker.health() is UpstreamHealth.AVAILABLE
