"""When an upload is looked at next: computed, never stored."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.schedule import Timing, deadline_at, next_check_at
from domain.video import AT_REST, ObservedState, Phase, new_video_id
from tests.support.builders.rows import NOON, TIMING, an_observation

WAITING = [phase for phase in Phase if phase not in AT_REST]


def observed(phase: Phase, *, deadline: datetime | None = None) -> ObservedState:
    return an_observation(phase, deadline_at=deadline)


@pytest.mark.parametrize("phase", sorted(AT_REST))
def test_an_upload_at_rest_is_not_looked_at(phase: Phase) -> None:
    assert next_check_at("a" * 26, observed(phase), NOON, TIMING) is None


@pytest.mark.parametrize("phase", list(Phase))
def test_every_phase_but_those_at_rest_has_a_deadline(phase: Phase) -> None:
    assert (deadline_at(phase, NOON, TIMING) is None) == (phase in AT_REST)


@given(
    phase=st.sampled_from(WAITING),
    age_seconds=st.floats(min_value=0, max_value=8 * 24 * 3600),
    scale=st.sampled_from([1.0, 0.02]),
)
def test_the_next_check_is_ahead_and_not_far(phase: Phase, age_seconds: float, scale: float) -> None:
    timing = Timing(scale=scale)
    now = NOON + timedelta(seconds=age_seconds)
    check = next_check_at("b" * 26, observed(phase), now, timing)
    assert check is not None
    assert now < check <= now + timedelta(seconds=120 * scale)


@given(age_seconds=st.floats(min_value=0, max_value=3600), left_seconds=st.floats(min_value=0.001, max_value=600))
def test_the_next_check_is_never_after_the_deadline(age_seconds: float, left_seconds: float) -> None:
    now = NOON + timedelta(seconds=age_seconds)
    deadline = now + timedelta(seconds=left_seconds)
    check = next_check_at("c" * 26, observed(Phase.UPLOADED, deadline=deadline), now, TIMING)
    assert check is not None
    assert check <= deadline


def test_checks_grow_rarer_with_age() -> None:
    gaps, now = [], NOON
    for _ in range(40):
        check = next_check_at("d" * 26, observed(Phase.UPLOADING), now, TIMING)
        assert check is not None
        gaps.append((check - now).total_seconds())
        now = check
    assert max(gaps[:5]) <= TIMING.uploading_first_check_seconds
    assert gaps[-1] == pytest.approx(TIMING.uploading_last_check_seconds)


def test_uploads_that_began_together_are_checked_at_different_times() -> None:
    now = NOON + timedelta(hours=1)
    buckets = [0] * 12
    for _ in range(10_000):
        check = next_check_at(new_video_id(), observed(Phase.PROCESSING), now, TIMING)
        assert check is not None
        buckets[int((check - now).total_seconds() // 10) % 12] += 1
    assert max(buckets) / (sum(buckets) / len(buckets)) < 1.5
