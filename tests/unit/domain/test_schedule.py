"""When an upload is looked at next: computed, never stored."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.schedule import Timing, awaits_first_check, deadline_at, next_check_at
from domain.video import AT_REST, WAITING_FOR_A_DAY, DesiredState, ObservedState, Origin, Phase, Reason, new_video_id
from tests.support.builders.rows import NOON, TIMING, a_desired_state, an_observation

VIDEO = a_desired_state(video_id="d" * 26)
WAITING = [phase for phase in Phase if phase not in AT_REST]


def observed(phase: Phase, *, deadline: datetime | None = None) -> ObservedState:
    return an_observation(phase, deadline_at=deadline)


@pytest.mark.parametrize("phase", sorted(AT_REST))
def test_an_upload_at_rest_is_not_looked_at(phase: Phase) -> None:
    assert next_check_at(VIDEO, observed(phase), NOON, TIMING) is None


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
    check = next_check_at(VIDEO, observed(phase), now, timing)
    assert check is not None
    longest = {
        Phase.UPLOADED: timing.uploaded_last_check_seconds,
        Phase.PROCESSING: timing.processing_last_check_seconds,
    }.get(phase, timing.uploading_last_check_seconds)
    assert now < check <= now + timedelta(seconds=longest * scale)


@given(age_seconds=st.floats(min_value=0, max_value=3600), left_seconds=st.floats(min_value=0.001, max_value=600))
def test_the_next_check_is_never_after_the_deadline(age_seconds: float, left_seconds: float) -> None:
    now = NOON + timedelta(seconds=age_seconds)
    deadline = now + timedelta(seconds=left_seconds)
    check = next_check_at(VIDEO, observed(Phase.UPLOADED, deadline=deadline), now, TIMING)
    assert check is not None
    assert check <= deadline


def looks(desired: DesiredState, phase: Phase, *, seconds: float) -> list[float]:
    """Return the ages at which an upload is looked at, in seconds."""
    ages: list[float] = []
    now = NOON
    while True:
        check = next_check_at(desired, observed(phase), now, TIMING)
        assert check is not None
        now = check
        age = (now - NOON).total_seconds()
        if age > seconds:
            return ages
        ages.append(age)


def test_an_unconfirmed_file_is_found_within_an_eighth_of_its_age_and_a_quarter_hour() -> None:
    before = 0.0
    for age in looks(VIDEO, Phase.UPLOADING, seconds=24 * 3600):
        assert age - before <= min(15 * 60, max(5, before / 8)) + 1e-5
        before = age


def test_an_upload_that_waits_for_a_day_is_looked_at_less_than_two_hundred_times() -> None:
    assert 100 < len(looks(VIDEO, Phase.UPLOADING, seconds=24 * 3600)) < 200


def test_a_confirmed_file_is_looked_at_every_minute_however_old_its_upload_is() -> None:
    confirmed = a_desired_state(confirmations=1)
    assert len(looks(confirmed, Phase.UPLOADING, seconds=24 * 3600)) > 24 * 60


def test_uploads_that_began_together_are_checked_at_different_times() -> None:
    now = NOON + timedelta(hours=1)
    buckets = [0] * 12
    for _ in range(10_000):
        check = next_check_at(a_desired_state(video_id=new_video_id()), observed(Phase.PROCESSING), now, TIMING)
        assert check is not None
        buckets[int((check - now).total_seconds() // 10) % 12] += 1
    assert max(buckets) / (sum(buckets) / len(buckets)) < 1.5


FIRST_CHECK = next_check_at(VIDEO, observed(Phase.UPLOADING), NOON, TIMING)
SOON = NOON + datetime.resolution


@pytest.mark.parametrize(
    ("desired", "seen", "now", "awaits"),
    [
        pytest.param(VIDEO, observed(Phase.UPLOADING), NOON, True, id="just-created"),
        pytest.param(VIDEO, observed(Phase.UPLOADING), FIRST_CHECK, False, id="its-first-check"),
        pytest.param(VIDEO, observed(Phase.UPLOADING), NOON + timedelta(hours=1), False, id="created-long-ago"),
        pytest.param(replace(VIDEO, confirmations=1), observed(Phase.UPLOADING), NOON, False, id="confirmed"),
        pytest.param(
            replace(VIDEO, origin=Origin.KUBERNETES),
            observed(Phase.UPLOADING),
            NOON,
            False,
            id="an-import-has-its-file",
        ),
        pytest.param(VIDEO, an_observation(Phase.UPLOADING, revision=2), NOON, False, id="looked-at-before"),
        pytest.param(VIDEO, observed(Phase.UPLOADING, deadline=SOON), SOON, False, id="at-its-deadline"),
        pytest.param(VIDEO, observed(Phase.UPLOADED), NOON, False, id="its-file-was-accepted"),
    ],
)
def test_only_an_upload_that_was_just_created_awaits_its_first_check(
    desired: DesiredState, seen: ObservedState, now: datetime, awaits: bool
) -> None:
    assert awaits_first_check(desired, seen, now, TIMING) is awaits


@pytest.mark.parametrize("reason", sorted(WAITING_FOR_A_DAY))
@given(waited_days=st.integers(0, 6), video_id=st.builds(new_video_id))
def test_what_waits_for_the_next_day_is_looked_at_in_its_first_minute(
    reason: Reason, waited_days: int, video_id: str
) -> None:
    midnight = datetime(2026, 7, 2, tzinfo=UTC)
    seen = an_observation(Phase.UPLOADED, reason=reason, phase_since=midnight - timedelta(days=waited_days, minutes=90))
    check = next_check_at(a_desired_state(video_id=video_id), seen, midnight - datetime.resolution, TIMING)
    assert check is not None
    assert midnight <= check <= midnight + timedelta(minutes=1)
