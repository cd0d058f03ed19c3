"""A neighbour that hangs takes only its own places."""

import threading

import pytest

from domain.errors import RefusedError, UnavailableError
from runtime.bulkhead import Bulkhead, BulkheadFullError, guard

# A bound for what takes no time: reached only when something is broken.
LONG = 60


class Neighbour:
    def __init__(self) -> None:
        self.inner: Neighbour | None = None

    def ask(self, depth: int, *, word: str = "") -> str:
        """Ask this neighbour again from inside, as other threads would."""
        return word if depth == 0 or self.inner is None else self.inner.ask(depth - 1, word=word)

    def refuse(self) -> None:
        raise RefusedError("no")


def two_places() -> Neighbour:
    neighbour = Neighbour()
    guarded = guard(Bulkhead("S3", at_most=2, patience_seconds=0), neighbour)
    neighbour.inner = guarded
    return guarded


def test_calls_and_answers_go_through() -> None:
    assert two_places().ask(1, word="hello") == "hello"


def test_whoever_finds_all_places_taken_is_sent_away() -> None:
    with pytest.raises(UnavailableError, match="too many calls to S3 are under way"):
        two_places().ask(2)


def test_a_place_is_given_back_however_a_call_ends() -> None:
    guarded = two_places()
    for _ in range(3):
        with pytest.raises(RefusedError):
            guarded.refuse()
        with pytest.raises(UnavailableError):
            guarded.ask(2)
    assert guarded.ask(1, word="still here") == "still here"


def test_a_place_is_waited_for_while_others_come_and_go() -> None:
    bulkhead, entered, answers = Bulkhead("S3", at_most=1, patience_seconds=LONG), threading.Event(), list[str]()

    def wait_for_a_place() -> None:
        entered.set()
        with bulkhead.slot():
            answers.append("in")

    waiting = threading.Thread(target=wait_for_a_place)
    with bulkhead.slot():
        waiting.start()
        entered.wait(LONG)
        assert answers == []
    waiting.join(LONG)
    assert answers == ["in"]


def test_nobody_waits_where_nobody_has_moved_for_a_while() -> None:
    now = [0.0]
    bulkhead = Bulkhead("S3", at_most=1, patience_seconds=LONG, monotonic=lambda: now[0])
    with bulkhead.slot():
        now[0] = LONG
        with pytest.raises(BulkheadFullError), bulkhead.slot():
            pytest.fail("there is no place")
    with bulkhead.slot():
        pass
