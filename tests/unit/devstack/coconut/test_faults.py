"""The faults: what can be set, and when they strike."""

import itertools
import re
from pathlib import Path

import pytest

import devstack.coconut
from devstack.coconut.faults import CHANCES, MAX_SEED, NAMES, SLOW_SECONDS, BadFaultError, Faults, parse_seed

NONE = dict.fromkeys(NAMES, 0)


def seeded(seed: int = 4) -> Faults:
    return Faults(seed)


def test_the_table_for_readers_has_every_fault() -> None:
    readme = Path(devstack.coconut.__file__).with_name("README.md").read_text()
    table = readme.partition("## Faults")[2].partition("\n## ")[0]
    assert sorted(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == sorted(NAMES)


def test_without_faults_nothing_strikes() -> None:
    faults = seeded()
    assert faults.values() == NONE
    assert not any(faults.strikes(name, n) for name in CHANCES for n in range(50))
    fate = {"number": 7, "is_stuck": False, "fails": False, "is_canned": False, "slow_seconds": 0}
    assert faults.fate(7).model_dump() == fate


@pytest.mark.parametrize("value", [True, 1, 1.0])
@pytest.mark.parametrize("name", sorted(CHANCES))
def test_a_fault_that_is_certain_always_strikes(name: str, value: float) -> None:
    faults = seeded()
    faults.set({name: value})
    assert all(faults.strikes(name, n) for n in range(50))


def test_a_chance_strikes_now_and_then() -> None:
    faults = seeded()
    faults.set({"drop": 0.5})
    assert 300 < sum(faults.strikes("drop", n) for n in range(1000)) < 700


def test_the_same_seed_decides_the_same_whatever_is_asked_first() -> None:
    asked = list(itertools.product(["drop", "fail"], range(100), ["input.transferred", "job.completed"]))
    one, other, different = seeded(), seeded(), seeded(5)
    for faults in (one, other, different):
        faults.set({"drop": 0.5, "fail": 0.5})
    decided = {about: one.strikes(*about) for about in asked}
    assert {about: other.strikes(*about) for about in reversed(asked)} == decided
    assert {about: different.strikes(*about) for about in asked} != decided
    assert [one.shuffled(9, n) for n in range(5)] == [other.shuffled(9, n) for n in range(5)]


def test_one_fault_or_event_tells_nothing_about_another() -> None:
    faults = seeded()
    faults.set({"drop": 0.5, "fail": 0.5})
    rows = [
        [faults.strikes(name, n, event) for n in range(200)]
        for name, event in itertools.product(["drop", "fail"], ["input.transferred", "job.completed"])
    ]
    for row, other in itertools.combinations(rows, 2):
        assert 60 < sum(left == right for left, right in zip(row, other, strict=True)) < 140


def test_a_seed_given_later_starts_the_count_anew() -> None:
    faults = Faults()
    assert [faults.next_number() for _ in range(3)] == [1, 2, 3]
    assert faults.set({"drop": 0.5}, seed=9) == {**NONE, "drop": 0.5}
    assert (faults.seed, faults.next_number()) == (9, 1)


def test_without_a_seed_one_is_drawn_and_told() -> None:
    drawn = Faults().seed
    assert drawn != Faults().seed
    assert parse_seed(str(drawn)) == drawn


@pytest.mark.parametrize("text", ["", "-1", "1.5", "seven", "²", "9" * 5000, str(MAX_SEED + 1)])
def test_what_is_no_seed_is_refused_by_name(text: str) -> None:
    with pytest.raises(BadFaultError, match="seed"):
        parse_seed(text)


def test_a_bad_fault_leaves_the_seed_and_the_count() -> None:
    faults = seeded()
    faults.next_number()
    with pytest.raises(BadFaultError):
        faults.set({"explode": 1}, seed=9)
    assert (faults.seed, faults.next_number()) == (4, 2)


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
        pytest.param({"drop": [1]}, "drop", id="list"),
        pytest.param({"drop": 10**400}, "drop", id="huge"),
        pytest.param({"seed": 1}, "seed", id="the-seed-is-no-fault"),
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
    assert faults.fate(1).slow_seconds == seconds


@pytest.mark.parametrize("count", [0, 1, 2, 3, 30])
def test_shuffling_keeps_everything_but_the_order(count: int) -> None:
    order = seeded().shuffled(count, 1)
    assert sorted(order) == list(range(count))
    assert order != sorted(order) or count < 2
