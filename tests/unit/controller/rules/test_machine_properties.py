"""What holds in every phase, for every row and every snapshot."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from controller.rules.situation import Restoring, situation_of
from controller.rules.steps import (
    AbandonAttempt,
    AcceptFile,
    AdoptJob,
    AwaitUpload,
    ExtendDeadline,
    Fail,
    FailAttempt,
    Finish,
    MarkPlayable,
    NoOp,
    Publish,
    Republish,
    Retire,
    ShowProgress,
    Snapshot,
    Submit,
    Wait,
    WritePlaylist,
)
from domain.failures import FailureCode
from domain.jobs import Job, JobState
from domain.objects import ObjectFacts
from domain.policy import LifecyclePolicy
from domain.records import UNRESOLVED, AttemptRow, AttemptState, VideoRow
from domain.stable_playlist import stable_playlist
from domain.video import AT_REST, Phase, Reason
from tests.support.builders.rows import (
    BAD_OUTPUTS,
    NOON,
    ORIGINAL,
    OUTPUTS,
    SOURCE,
    TIMING,
    a_problem,
    a_publication,
    a_rejection,
    a_row,
    an_attempt,
    next_step,
)

SETTLED = sorted(set(AttemptState) - UNRESOLVED)
# Whatever becomes of the last playlist that is written, its effect ends the phase (publication.py).
LEAVING = (AcceptFile, AdoptJob, AbandonAttempt, Publish, WritePlaylist, Finish, FailAttempt, Fail)

# Around every bound of the rules, so that a hundred examples meet each of them.
AGES = [timedelta(0), *(timedelta(seconds=seconds) for seconds in (20, 61, 16 * 60, 7 * 3600, 25 * 3600, 8 * 86_400))]

ages = st.sampled_from(AGES)
percents = st.integers(0, 100)
counts = st.integers(0, 3)
versions = st.sampled_from(["v1", "v2"])
codes = st.sampled_from(FailureCode)
jobs = st.builds(Job, st.just("job1"), st.sampled_from(JobState), percents, is_undecodable=st.booleans())


@st.composite
def submissions(draw: st.DrawFn) -> tuple[AttemptRow, ...]:
    """Return attempts as the loop leaves them: only the newest can be unresolved."""
    states = [*draw(st.lists(st.sampled_from(SETTLED), max_size=3)), *draw(st.lists(any_state, max_size=1))]
    times = sorted((draw(ages) for _ in states), reverse=True)
    return tuple(an_attempt(number, state, age=times[number - 1]) for number, state in enumerate(states, 1))


any_state = st.sampled_from([*sorted(UNRESOLVED), *AttemptState])


@st.composite
def rows(draw: st.DrawFn, *, among: Iterable[Phase] = Phase, youngest: int = 0) -> VideoRow:
    """Return any row, consistent with itself or not; ``youngest`` leaves out that many of the first ages."""
    changes: dict[str, Any] = {
        "reason": draw(st.sampled_from(Reason)),
        "progress_percent": draw(percents),
        "progress_at": draw(st.sampled_from([None, *(NOON - age for age in AGES)])),
        "rejections": draw(counts),
        "rejected": draw(st.none() | st.builds(a_rejection, versions, counts, codes)),
        "published": draw(st.sampled_from([None, a_publication()])),
        "attempt": draw(counts),
        "confirmations": draw(counts),
    }
    phase = draw(st.sampled_from(sorted(among)))
    row = a_row(phase, waited=draw(st.sampled_from(AGES[youngest:])), **changes)
    return draw(st.sampled_from([row, replace(row, observed=replace(row.observed, source=None, job_id=None))]))


snapshots = st.builds(
    Snapshot,
    is_incomplete=st.booleans(),
    original=st.sampled_from([ORIGINAL, ObjectFacts("e2", NOON, 1_000, "video/mp4"), None]),
    source=st.builds(a_problem, versions, codes) | st.sampled_from([SOURCE, None]),
    attempts=submissions(),
    job=jobs | st.none(),
    outputs=st.sampled_from([OUTPUTS, BAD_OUTPUTS, None]),
    playlist=st.sampled_from([None, "#EXTM3U\n", stable_playlist(a_publication())]),
)
rules = st.builds(LifecyclePolicy, st.just(TIMING), max_submissions=st.integers(1, 5))
WAITING = set(Phase) - AT_REST


@given(row=rows(), snapshot=snapshots, rules=rules)
def test_every_state_and_snapshot_leads_to_a_step(row: VideoRow, snapshot: Snapshot, rules: LifecyclePolicy) -> None:
    next_step(row, snapshot, policy=rules)


@given(row=rows(among=AT_REST), snapshot=snapshots, rules=rules)
def test_a_finished_edition_needs_no_step_whatever_is_found(
    row: VideoRow, snapshot: Snapshot, rules: LifecyclePolicy
) -> None:
    step = next_step(row, snapshot, policy=rules)
    if isinstance(situation_of(row, None), Restoring):
        assert isinstance(step, NoOp | Republish | MarkPlayable)
    else:
        retires = row.observed.phase_since + timedelta(seconds=TIMING.retire_ready_seconds) <= NOON
        assert step in ([NoOp(), Retire()] if retires else [NoOp()])


@given(row=rows(among=[Phase.UPLOADED]), snapshot=snapshots, rules=rules)
def test_nothing_is_bought_while_a_submission_is_unresolved(
    row: VideoRow, snapshot: Snapshot, rules: LifecyclePolicy
) -> None:
    if isinstance(next_step(row, snapshot, policy=rules), Submit):
        assert not any(attempt.state in UNRESOLVED for attempt in snapshot.attempts)


@given(row=rows(among=[Phase.UPLOADED, Phase.PROCESSING]), snapshot=snapshots, rules=rules)
def test_no_more_is_bought_than_allowed(row: VideoRow, snapshot: Snapshot, rules: LifecyclePolicy) -> None:
    step = next_step(row, snapshot, policy=rules)
    paid = sum(attempt.state is not AttemptState.REFUSED for attempt in snapshot.attempts)
    if isinstance(step, Submit | FailAttempt):
        assert paid < rules.max_submissions


@given(row=rows(among=[Phase.UPLOADED]), snapshot=snapshots, rules=rules)
def test_an_attempt_number_is_reused_only_if_it_led_to_no_job(
    row: VideoRow, snapshot: Snapshot, rules: LifecyclePolicy
) -> None:
    step = next_step(row, snapshot, policy=rules)
    if isinstance(step, Submit):
        again = {attempt.attempt for attempt in snapshot.attempts if attempt.state is AttemptState.REFUSED}
        assert step.attempt in again | {row.observed.attempt + 1}


@given(row=rows(among=[Phase.UPLOADED]), snapshot=snapshots, rules=rules)
def test_nothing_is_bought_on_an_incomplete_snapshot(row: VideoRow, snapshot: Snapshot, rules: LifecyclePolicy) -> None:
    if isinstance(next_step(row, snapshot, policy=rules), Submit):
        assert not snapshot.is_incomplete


@given(row=rows(among=WAITING, youngest=4), snapshot=snapshots, rules=rules)
def test_a_waiting_phase_ends_at_its_deadline(row: VideoRow, snapshot: Snapshot, rules: LifecyclePolicy) -> None:
    assert row.observed.deadline_at is not None
    assume(row.observed.deadline_at <= NOON)
    step = next_step(row, snapshot, policy=rules)
    if isinstance(step, Wait):
        # Only a submission made shortly before may outlast the deadline, by its own window.
        newest = snapshot.attempts[-1]
        assert newest.state in UNRESOLVED
        assert newest.intended_at + timedelta(seconds=TIMING.resolve_window_seconds) > NOON
    elif isinstance(step, ExtendDeadline):
        # For a file or a result that may be there, but not beyond a week.
        assert snapshot.is_incomplete
        longest = {
            Phase.UPLOADING: TIMING.uploading_longest_seconds,
            Phase.PROCESSING: TIMING.processing_longest_seconds,
        }
        assert NOON < step.deadline_at <= row.observed.phase_since + timedelta(seconds=longest[row.observed.phase])
    else:
        assert isinstance(step, AwaitUpload if row.observed.phase is Phase.PENDING else LEAVING)
        assert not (isinstance(step, WritePlaylist) and snapshot.is_incomplete)


@given(row=rows(among=[Phase.PROCESSING]), snapshot=snapshots, rules=rules)
def test_progress_never_runs_backwards(row: VideoRow, snapshot: Snapshot, rules: LifecyclePolicy) -> None:
    step = next_step(row, snapshot, policy=rules)
    if isinstance(step, ShowProgress):
        assert row.observed.progress_percent < step.percent <= 100


@given(row=rows(among=[Phase.UPLOADED, Phase.PROCESSING]), snapshot=snapshots, rules=rules)
def test_only_verified_outputs_of_the_verified_file_are_published(
    row: VideoRow, snapshot: Snapshot, rules: LifecyclePolicy
) -> None:
    step = next_step(row, snapshot, policy=rules)
    if isinstance(step, Publish):
        assert step.outputs == OUTPUTS
        assert snapshot.original == ORIGINAL
        assert row.observed.source == SOURCE
    if isinstance(step, Finish):
        assert row.observed.published is not None
        assert snapshot.playlist == stable_playlist(row.observed.published)
