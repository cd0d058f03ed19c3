"""The faults: what can be set, and when they strike."""

import random

import pytest

from devstack.coconut.faults import CHANCES, NAMES, SLOW_SECONDS, BadFaultError, Faults

NONE = dict.fromkeys(NAMES, 0)


def seeded() -> Faults:
    return Faults(random.Random(4))


def test_without_faults_nothing_strikes() -> None:
    faults = seeded()
    assert faults.values() == NONE
    assert not any(faults.strikes(name) for name in CHANCES for _ in range(50))
    assert faults.fate().model_dump() == {"is_stuck": False, "fails": False, "is_canned": False, "slow_seconds": 0}


@pytest.mark.parametrize("value", [True, 1, 1.0])
@pytest.mark.parametrize("name", sorted(CHANCES))
def test_a_fault_that_is_certain_always_strikes(name: str, value: float) -> None:
    faults = seeded()
    faults.set({name: value})
    assert all(faults.strikes(name) for _ in range(50))


def test_a_chance_strikes_now_and_then() -> None:
    faults = seeded()
    faults.set({"drop": 0.5})
    assert 300 < sum(faults.strikes("drop") for _ in range(1000)) < 700


def test_setting_one_fault_leaves_the_others_and_answers_all() -> None:
    faults = seeded()
    faults.set({"drop": True})
    assert faults.set({"delay_seconds": 2.5}) == {**NONE, "drop": True, "delay_seconds": 2.5}
    assert faults.clear() == NONE


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        pytest.param({"explode": 1}, "explode", id="unknown"),
        pytest.param({"drop": 1.1}, "drop", id="above-one"),
        pytest.param({"drop": -0.1}, "drop", id="below-zero"),
        pytest.param({"drop": "yes"}, "drop", id="text"),
        pytest.param({"drop": None}, "drop", id="null"),
        pytest.param({"drop": float("nan")}, "drop", id="not-a-number"),
        pytest.param({"delay_seconds": 1e9}, "delay_seconds", id="too-long"),
        pytest.param(["drop"], "object", id="not-an-object"),
    ],
)
def test_a_bad_fault_is_refused_by_name_and_changes_nothing(changes: object, named: str) -> None:
    faults = seeded()
    with pytest.raises(BadFaultError, match=named):
        faults.set({"canned": 1, **changes} if isinstance(changes, dict) else changes)
    assert faults.values() == NONE


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        pytest.param(True, SLOW_SECONDS, id="every-job-by-the-usual-time"),
        pytest.param(1, SLOW_SECONDS, id="certain"),
        pytest.param(7.5, 7.5, id="every-job-by-so-many-seconds"),
        pytest.param(0, 0, id="none"),
    ],
)
def test_slow_is_a_chance_up_to_one_and_seconds_above(value: float, seconds: float) -> None:
    faults = seeded()
    faults.set({"slow": value})
    assert faults.fate().slow_seconds == seconds


@pytest.mark.parametrize("count", [0, 1, 2, 3, 30])
def test_shuffling_keeps_everything_but_the_order(count: int) -> None:
    order = seeded().shuffled(count)
    assert sorted(order) == list(range(count))
    assert order != sorted(order) or count < 2
