"""How often and how soon a call is retried."""

import threading

import pytest

from videoupload.errors import ClientError, Problem, ProblemError, StorageRefusedError, UnreachableError
from videoupload.retry import LONGEST_PAUSE_SECONDS, Retry, pause_seconds


class Clock:
    """Time that passes only in waits."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def pause(self, _ended: threading.Event, seconds: float) -> None:
        self.now += seconds
        self.pauses.append(seconds)


class Flaky:
    """Fails with each of some errors, then succeeds."""

    def __init__(self, *errors: ClientError) -> None:
        self._errors = list(errors)
        self.tries = 0

    def __call__(self) -> str:
        self.tries += 1
        if self._errors:
            raise self._errors.pop(0)
        return "done"


def retry(clock: Clock, seconds: float = 60) -> Retry:
    return Retry(seconds, jitter=lambda: 1.0, pause=clock.pause)


def declined(code: str, *, is_retryable: bool, after: float | None = None) -> ProblemError:
    problem = Problem(status=409, code=code, detail="no", is_retryable=is_retryable, retry_after_seconds=after)
    return ProblemError(problem)


@pytest.mark.parametrize(
    ("failures", "after", "jitter", "seconds"),
    [
        pytest.param(1, None, 1.0, 0.5, id="first"),
        pytest.param(1, None, 0.0, 0.25, id="first-with-the-smallest-jitter"),
        pytest.param(3, None, 1.0, 2.0, id="doubles"),
        pytest.param(50, None, 1.0, LONGEST_PAUSE_SECONDS, id="has-an-end"),
        pytest.param(1, 12.0, 0.0, 12.0, id="never-before-the-server-said"),
    ],
)
def test_pauses_grow_up_to_a_bound(failures: int, after: float | None, jitter: float, seconds: float) -> None:
    assert pause_seconds(failures, retry_after_seconds=after, jitter=jitter) == seconds


def test_a_temporary_error_is_retried() -> None:
    clock, attempt = Clock(), Flaky(UnreachableError("no"), UnreachableError("no", retry_after_seconds=7))
    assert retry(clock).call(attempt) == "done"
    assert clock.pauses == [0.5, 7]


@pytest.mark.parametrize(
    "error",
    [declined("not_found", is_retryable=False), StorageRefusedError("HTTP 403"), ClientError("a surprise")],
    ids=["declined", "storage", "other"],
)
def test_a_permanent_error_is_raised_at_once(error: ClientError) -> None:
    clock, attempt = Clock(), Flaky(error)
    with pytest.raises(type(error)):
        retry(clock).call(attempt)
    assert (attempt.tries, clock.pauses) == (1, [])


def test_retrying_ends_when_the_next_pause_exceeds_the_time_left() -> None:
    clock, attempt = Clock(), Flaky(*[UnreachableError("no")] * 100)
    with pytest.raises(UnreachableError):
        retry(clock, 10).call(attempt)
    assert clock.now <= 10
    assert attempt.tries > 3


def test_an_hourly_limit_is_raised_instead_of_slept_through() -> None:
    clock, attempt = Clock(), Flaky(declined("upload_limit_reached", is_retryable=True, after=3000))
    with pytest.raises(ProblemError):
        retry(clock).call(attempt)
    assert clock.pauses == []


def test_after_cancelling_no_caller_waits() -> None:
    clock, attempt = Clock(), Flaky(*[UnreachableError("no")] * 2)
    ended = threading.Event()
    ended.set()
    with pytest.raises(UnreachableError):
        Retry(60, ended=ended, pause=clock.pause).call(attempt)
    assert attempt.tries == 1
