"""Waiting in tests."""

import pytest

from tests.support.eventually import eventually


def test_it_returns_the_first_true_value() -> None:
    answers = iter([None, 0, "seen", "later"])
    assert eventually(lambda: next(answers), every_seconds=0) == "seen"


def test_a_failed_assertion_means_not_yet() -> None:
    answers = iter([1, 2, 3])

    def look() -> bool:
        assert next(answers) == 3
        return True

    assert eventually(look, every_seconds=0)


def test_it_shows_the_last_value_on_timeout() -> None:
    with pytest.raises(AssertionError, match="last value: \\[\\]"):
        eventually(lambda: [], within_seconds=0)
