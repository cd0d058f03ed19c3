"""The table of calls: how many a key may make, and when the next one."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapi.http.call_limiter import WINDOW_SECONDS, CallLimiter


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_minutes_calls_may_come_at_once_and_no_more() -> None:
    limiter = CallLimiter(3, Clock())
    taken = [limiter.take("ann") for _ in range(4)]
    assert [one.remaining for one in taken] == [2, 1, 0, 0]
    assert [one.is_refused for one in taken] == [False, False, False, True]
    assert [one.more_in_seconds for one in taken] == pytest.approx([20, 20, 20, 20], abs=1e-5)


def test_a_call_is_allowed_again_when_the_last_refusal_said() -> None:
    clock = Clock()
    limiter = CallLimiter(3, clock)
    for _ in range(3):
        limiter.take("ann")
    clock.now += 12.5
    refused = limiter.take("ann")
    assert refused.more_in_seconds == pytest.approx(7.5, abs=1e-5)
    clock.now += refused.more_in_seconds
    assert not limiter.take("ann").is_refused
    assert limiter.take("ann").is_refused


def test_a_pause_saves_up_one_minutes_calls_at_most() -> None:
    clock = Clock()
    limiter = CallLimiter(3, clock)
    limiter.take("ann")
    clock.now += 86_400
    assert [limiter.take("ann").is_refused for _ in range(4)] == [False, False, False, True]


def test_each_key_has_calls_of_its_own() -> None:
    limiter = CallLimiter(1, Clock())
    assert [limiter.take(key).is_refused for key in ("ann", "ann", "bob")] == [False, True, False]


def test_only_so_many_keys_are_remembered_and_a_forgotten_one_is_not_refused() -> None:
    limiter = CallLimiter(1, Clock(), keys_max=2)
    for key in ("ann", "bob", "ann", "eve"):
        limiter.take(key)
    assert len(limiter) == 2
    # Bob was the least recently seen; Ann was refused meanwhile, and still is.
    assert limiter.take("ann").is_refused
    assert not limiter.take("bob").is_refused


@given(
    per_minute=st.integers(1, 1_000_000),
    pauses=st.lists(st.floats(0, 90, allow_nan=False), min_size=1, max_size=60),
    began_at=st.floats(0, 1e9),
)
def test_in_no_minute_are_more_calls_allowed_than_twice_the_quota(
    per_minute: int, pauses: list[float], began_at: float
) -> None:
    clock = Clock()
    clock.now = began_at
    limiter = CallLimiter(per_minute, clock)
    allowed: list[float] = []
    for pause in pauses:
        clock.now += pause
        taken = limiter.take("ann")
        assert 0 <= taken.remaining < per_minute
        assert taken.more_in_seconds <= WINDOW_SECONDS / per_minute + 1e-3
        if not taken.is_refused:
            allowed.append(clock.now)
    for first in allowed:
        assert sum(1 for at in allowed if first <= at < first + WINDOW_SECONDS) <= 2 * per_minute


def test_threads_get_no_more_calls_together_than_one_would() -> None:
    limiter = CallLimiter(500, Clock())
    refused: list[bool] = []

    def call() -> None:
        refused.extend(limiter.take("ann").is_refused for _ in range(200))

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused.count(False) == 500
