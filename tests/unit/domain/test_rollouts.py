"""How many videos of a rollout may start now, and why not more."""

import math
from dataclasses import replace

import pytest

from domain.profiles import ORIGINAL, ProfileRendition, ProfileSpec, ordered
from domain.rollouts import (
    JUDGED_MIN,
    RolloutDecision,
    RolloutFacts,
    RolloutSpec,
    RolloutState,
    decide,
    json_of_rollout,
    rollout_of_json,
    within,
)
from domain.spending import Prices

DECLARED = RolloutSpec(max_running=10, jobs_per_hour=100, dollars_per_day=50, max_failure_rate=5)
FACTS = RolloutFacts(outdated=1000, is_approved=True, places=40)


@pytest.mark.parametrize(
    ("declared", "facts", "state", "start"),
    [
        pytest.param(DECLARED, FACTS, RolloutState.IN_PROGRESS, 10, id="as-many-as-may-run"),
        pytest.param(DECLARED, replace(FACTS, running=7), RolloutState.IN_PROGRESS, 3, id="some-run"),
        pytest.param(DECLARED, replace(FACTS, running=12), RolloutState.IN_PROGRESS, 0, id="more-run-than-may"),
        pytest.param(DECLARED, replace(FACTS, started_last_hour=96), RolloutState.IN_PROGRESS, 4, id="the-hour"),
        pytest.param(DECLARED, replace(FACTS, places=2), RolloutState.IN_PROGRESS, 2, id="free-places"),
        pytest.param(DECLARED, replace(FACTS, places=0), RolloutState.IN_PROGRESS, 0, id="uploads-have-all-places"),
        pytest.param(
            DECLARED,
            replace(FACTS, places=5, unsubmitted=4),
            RolloutState.IN_PROGRESS,
            1,
            id="promised-places",
        ),
        pytest.param(DECLARED, replace(FACTS, is_current=False), RolloutState.IN_PROGRESS, 0, id="not-read-lately"),
        pytest.param(DECLARED, replace(FACTS, outdated=None), RolloutState.PLANNING, 0, id="not-counted"),
        pytest.param(DECLARED, replace(FACTS, outdated=0), RolloutState.UP_TO_DATE, 0, id="nothing-left"),
        pytest.param(
            DECLARED, replace(FACTS, outdated=0, running=1), RolloutState.IN_PROGRESS, 9, id="the-last-still-runs"
        ),
        pytest.param(replace(DECLARED, pause=True), FACTS, RolloutState.PAUSED, 0, id="paused"),
        pytest.param(DECLARED, replace(FACTS, is_approved=False), RolloutState.AWAITING_APPROVAL, 0, id="not-approved"),
        pytest.param(
            DECLARED, replace(FACTS, judged=100, failed=5), RolloutState.IN_PROGRESS, 10, id="as-many-fail-as-may"
        ),
        pytest.param(
            DECLARED, replace(FACTS, judged=100, failed=6), RolloutState.FAILURE_RATE_EXCEEDED, 0, id="more-fail"
        ),
        pytest.param(
            DECLARED,
            replace(FACTS, judged=JUDGED_MIN - 1, failed=JUDGED_MIN - 1),
            RolloutState.IN_PROGRESS,
            10,
            id="too-few-to-judge",
        ),
        pytest.param(
            replace(DECLARED, max_failure_rate=0),
            replace(FACTS, judged=JUDGED_MIN, failed=1),
            RolloutState.FAILURE_RATE_EXCEEDED,
            0,
            id="none-may-fail",
        ),
        pytest.param(DECLARED, replace(FACTS, dollars_today=50.0), RolloutState.DAY_SPENT, 0, id="its-own-day"),
        pytest.param(DECLARED, replace(FACTS, day_minutes_left=-1.0), RolloutState.DAY_SPENT, 0, id="the-day-of-all"),
    ],
)
def test_what_starts_now(declared: RolloutSpec, facts: RolloutFacts, state: RolloutState, start: int) -> None:
    decision = decide(declared, facts)
    assert (decision.state, decision.start) == (state, start)


def test_what_is_left_of_the_day_bounds_what_starts_together() -> None:
    decision = decide(DECLARED, replace(FACTS, dollars_today=30.0, day_minutes_left=400.0))
    assert (decision.dollars, decision.minutes) == (20.0, 400.0)
    assert within(decision, [100.0] * 9, dollars_per_minute=0.01) == 4
    assert within(decision, [100.0] * 9, dollars_per_minute=0.1) == 2
    assert within(replace(decision, start=1), [100.0] * 9, dollars_per_minute=0.01) == 1
    assert within(decision, [500.0, 1.0], dollars_per_minute=0.01) == 0


def test_without_limits_of_a_day_only_the_others_bound_it() -> None:
    decision = decide(replace(DECLARED, dollars_per_day=None), FACTS)
    assert decision == RolloutDecision(RolloutState.IN_PROGRESS, 10, math.inf, math.inf)


def test_only_a_plan_that_goes_on_may_buy() -> None:
    assert {state for state in RolloutState if state.may_buy} == {RolloutState.IN_PROGRESS, RolloutState.DAY_SPENT}


def test_a_declaration_is_read_back_as_it_was_written_and_a_later_field_is_left_out() -> None:
    assert rollout_of_json({**json_of_rollout(DECLARED), "of_a_later_release": 1}) == DECLARED


def test_each_generation_has_a_hash_of_its_own_and_none_is_the_profiles() -> None:
    hashes = {generation: ordered("p", ORIGINAL, generation=generation).hash for generation in range(4)}
    assert hashes[0] == ORIGINAL.hash
    assert len(set(hashes.values())) == 4


def test_the_price_of_a_minute_is_the_mean_of_the_variants() -> None:
    profile = ProfileSpec((ProfileRendition(360, 800), ProfileRendition(720, 2000)), mp4_heights=(720, 360))
    prices = Prices(hd=0.03, sd=0.01, uhd=0.07)
    assert prices.per_minute(profile) == pytest.approx(0.02)
    assert prices.per_minute(ProfileSpec((ProfileRendition(1080, 4000),))) == 0.03
    assert prices.per_minute(ProfileSpec((ProfileRendition(1082, 4000),))) == 0.07
