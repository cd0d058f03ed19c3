"""Which faults can be set, and when they strike."""

import re
from pathlib import Path

import pytest

import devstack.coconut
from devstack.coconut.faults import CHANCES, NAMES, SLOW_SECONDS, BadFaultError, Faults, JobFaults, shuffled

NONE = dict.fromkeys(NAMES, 0)


def test_the_readme_describes_every_fault() -> None:
    readme = Path(devstack.coconut.__file__).with_name("README.md").read_text()
    table = readme.partition("## Faults")[2].partition("\n## ")[0]
    assert sorted(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == sorted(NAMES)


@pytest.mark.parametrize("name", sorted(CHANCES))
def test_a_fault_strikes_never_always_or_by_chance(name: str) -> None:
    faults = Faults()
    strikes = {}
    for value in (0, 0.5, True):
        faults.set({name: value})
        strikes[value] = sum(faults.strikes(name) for _ in range(1000))
    assert (strikes[0], strikes[True]) == (0, 1000)
    assert 300 < strikes[0.5] < 700


def test_a_job_without_faults_meets_none() -> None:
    assert Faults().of_job() == JobFaults()


def test_setting_one_fault_keeps_the_others_and_returns_all() -> None:
    faults = Faults()
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
        pytest.param({"drop": float("nan")}, "drop", id="not-a-number"),
        pytest.param({"delay_seconds": 1e9}, "delay_seconds", id="too-long"),
        pytest.param(["drop"], "object", id="not-an-object"),
    ],
)
def test_a_bad_fault_is_refused_by_name_and_changes_nothing(changes: object, named: str) -> None:
    faults = Faults()
    with pytest.raises(BadFaultError, match=named):
        faults.set({"canned": 1, **changes} if isinstance(changes, dict) else changes)
    assert faults.values() == NONE


@pytest.mark.parametrize(("value", "seconds"), [(True, SLOW_SECONDS), (1, SLOW_SECONDS), (7.5, 7.5), (0, 0)])
def test_slow_is_a_chance_up_to_one_and_seconds_above(value: float, seconds: float) -> None:
    faults = Faults()
    faults.set({"slow": value})
    assert faults.of_job().slow_seconds == seconds


@pytest.mark.parametrize("count", [0, 1, 2, 3, 30])
def test_shuffling_changes_the_order_and_nothing_else(count: int) -> None:
    order = shuffled(count)
    assert sorted(order) == list(range(count))
    assert order != sorted(order) or count < 2
