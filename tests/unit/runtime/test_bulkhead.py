"""An upstream that hangs occupies only the slots of its own bulkhead."""

import threading

import pytest

from domain.errors import RefusedError, UnavailableError
from runtime.bulkhead import Bulkhead, BulkheadFullError, guard

# A timeout that only a broken test reaches.
LONG = 60


class GuardedUpstream:
    def __init__(self) -> None:
        self.inner: GuardedUpstream | None = None

    def ask(self, depth: int, *, word: str = "") -> str:
        """Call the guarded copy from inside, as other threads would."""
        return word if depth == 0 or self.inner is None else self.inner.ask(depth - 1, word=word)

    def refuse(self) -> None:
        raise RefusedError("no")


def with_two_slots() -> GuardedUpstream:
    upstream = GuardedUpstream()
    guarded = guard(Bulkhead("S3", at_most=2, patience_seconds=0), upstream)
    upstream.inner = guarded
    return guarded


def test_arguments_and_results_pass_through() -> None:
    assert with_two_slots().ask(1, word="hello") == "hello"


def test_a_method_that_calls_another_takes_one_slot() -> None:
    class Recursive(GuardedUpstream):
        def ask_twice(self) -> str:
            return self.ask(0, word="again")

    guarded = guard(Bulkhead("S3", at_most=1, patience_seconds=0), Recursive())
    assert isinstance(guarded, Recursive)
    assert guarded.ask_twice() == "again"


def test_a_call_to_a_full_bulkhead_is_refused() -> None:
    with pytest.raises(UnavailableError, match="too many calls to S3 are under way"):
        with_two_slots().ask(2)


def test_a_slot_is_freed_when_a_call_raises() -> None:
    guarded = with_two_slots()
    for _ in range(3):
        with pytest.raises(RefusedError):
            guarded.refuse()
        with pytest.raises(UnavailableError):
            guarded.ask(2)
    assert guarded.ask(1, word="still here") == "still here"


def test_a_call_waits_for_a_slot_while_others_begin_and_end() -> None:
    bulkhead, entered, answers = Bulkhead("S3", at_most=1, patience_seconds=LONG), threading.Event(), list[str]()

    def wait_for_a_slot() -> None:
        entered.set()
        with bulkhead.slot():
            answers.append("in")

    waiting = threading.Thread(target=wait_for_a_slot)
    with bulkhead.slot():
        waiting.start()
        entered.wait(LONG)
        assert answers == []
    waiting.join(LONG)
    assert answers == ["in"]


def test_a_call_does_not_wait_when_no_call_has_ended_for_a_while() -> None:
    now = [0.0]
    bulkhead = Bulkhead("S3", at_most=1, patience_seconds=LONG, monotonic=lambda: now[0])
    with bulkhead.slot():
        now[0] = LONG
        with pytest.raises(BulkheadFullError), bulkhead.slot():
            pytest.fail("there is no free slot")
    with bulkhead.slot():
        pass


def test_a_call_does_not_wait_behind_one_that_follows_a_call_without_answer() -> None:
    bulkhead = Bulkhead("S3", at_most=1, patience_seconds=LONG)
    with pytest.raises(UnavailableError), bulkhead.slot():
        raise UnavailableError("no answer")

    with bulkhead.slot(), pytest.raises(BulkheadFullError), bulkhead.slot():
        pytest.fail("there is no free slot")


def test_calls_wait_again_once_one_was_answered() -> None:
    now = [0.0]
    bulkhead = Bulkhead("S3", at_most=1, patience_seconds=LONG, monotonic=lambda: now[0])
    with pytest.raises(UnavailableError), bulkhead.slot():
        raise UnavailableError("no answer")
    with bulkhead.slot():
        pass
    waited: list[float | None] = []

    def end_the_wait(timeout: float | None = None) -> bool:
        waited.append(timeout)
        now[0] += LONG
        return True

    bulkhead._changed.wait = end_the_wait  # type: ignore[method-assign]
    with bulkhead.slot(), pytest.raises(BulkheadFullError), bulkhead.slot():
        pytest.fail("there is no free slot")
    assert waited == [LONG]
