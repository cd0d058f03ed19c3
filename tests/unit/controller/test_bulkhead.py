"""A neighbour that hangs takes only its own places."""

import pytest

from controller.bulkhead import Bulkhead, behind
from crds.trouble import RefusedError, UnavailableError


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
    guarded = behind(Bulkhead("S3", at_most=2), neighbour)
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
