"""The rulebook up to a submission: every branch of `decide` as a row.

The job and its outputs are in test_machine_processing.py, what holds for all phases in test_machine_properties.py.
"""

from dataclasses import replace
from datetime import timedelta

import pytest

from controller.rules.steps import (
    AbandonAttempt,
    AcceptFile,
    AdoptJob,
    AwaitUpload,
    ExtendDeadline,
    Fail,
    NoOp,
    Publish,
    RejectFile,
    Snapshot,
    Step,
    Submit,
    Wait,
)
from controller.rules.submission import NEXT_SUBMISSION, UNCERTAIN
from domain.failures import Failure, FailureCode
from domain.jobs import JobState
from domain.policy import LifecyclePolicy
from domain.records import AttemptState, VideoRow
from domain.video import FILE_NOT_ARRIVED, Phase, Reason
from tests.support.builders.rows import (
    BAD_OUTPUTS,
    NO_TIME,
    NOON,
    ORIGINAL,
    OUTPUTS,
    SOURCE,
    TIMING,
    a_job,
    a_problem,
    a_rejection,
    a_row,
    an_attempt,
    just_over,
    just_under,
    next_step,
)

INCOMPLETE = Snapshot(is_incomplete=True)
DAY = just_over(TIMING.uploading_deadline_seconds)
LONGEST = TIMING.uploading_longest_seconds
WEEK = just_over(TIMING.uploaded_deadline_seconds)
WINDOW = TIMING.resolve_window_seconds
FIRST_RETRY = TIMING.retry_first_delay_seconds

NOT_ARRIVED = Wait(Reason.WAITING_FOR_FILE, FILE_NOT_ARRIVED)
STILL_REJECTED = Wait(Reason.FILE_REJECTED, "v1 is bad")
STILL_UNCERTAIN = Wait(Reason.SUBMISSION_UNCERTAIN, UNCERTAIN)


def failure(code: FailureCode, message: str, attempt: int = 0, answer: str | None = None) -> Fail:
    return Fail(Failure(code, message, attempt, answer))


KEPT = replace(SOURCE, key="originals/v1/0a.mp4")


@pytest.mark.parametrize("phase", [Phase.READY, Phase.ERRORED])
def test_a_finished_edition_needs_no_step(phase: Phase) -> None:
    assert next_step(a_row(phase), Snapshot()) == NoOp()


@pytest.mark.parametrize("phase", sorted(set(Phase) - {Phase.READY}))
def test_a_deleted_video_needs_no_step(phase: Phase) -> None:
    assert next_step(a_row(phase, deleted=True, is_withdrawn=True), Snapshot(is_marked=True)) == NoOp()


def test_a_pending_upload_is_offered_a_url() -> None:
    assert next_step(a_row(Phase.PENDING), Snapshot()) == AwaitUpload()


@pytest.mark.parametrize(
    ("waited", "snapshot", "step"),
    [
        pytest.param(NO_TIME, Snapshot(), NOT_ARRIVED, id="no-file-yet"),
        pytest.param(NO_TIME, INCOMPLETE, NOT_ARRIVED, id="storage-is-away"),
        pytest.param(NO_TIME, Snapshot(source=SOURCE), AcceptFile(SOURCE), id="the-file-is-there"),
        pytest.param(DAY, Snapshot(source=SOURCE), AcceptFile(SOURCE), id="it-arrived-at-the-deadline"),
        pytest.param(NO_TIME, Snapshot(source=KEPT), AcceptFile(KEPT), id="its-copy-is-there"),
        pytest.param(just_under(86400), Snapshot(), NOT_ARRIVED, id="a-moment-before-the-deadline"),
        pytest.param(
            DAY,
            Snapshot(),
            failure(FailureCode.UPLOAD_EXPIRED, "no file arrived in time"),
            id="nothing-at-the-deadline",
        ),
        pytest.param(
            DAY,
            INCOMPLETE,
            ExtendDeadline(NOON + timedelta(hours=1)),
            id="incomplete-at-the-deadline",
        ),
        pytest.param(
            just_under(LONGEST) - timedelta(minutes=10),
            INCOMPLETE,
            ExtendDeadline(NOON + timedelta(minutes=10, microseconds=1)),
            id="incomplete-just-before-the-last-deadline",
        ),
        pytest.param(
            just_over(LONGEST),
            INCOMPLETE,
            failure(FailureCode.STORAGE_UNAVAILABLE, "storage gave no answer until the deadline"),
            id="incomplete-at-the-last-deadline",
        ),
        pytest.param(
            DAY,
            Snapshot(source=a_problem("v1")),
            failure(FailureCode.NOT_A_VIDEO, "v1 is bad"),
            id="the-first-bad-file-comes-at-the-deadline",
        ),
    ],
)
def test_uploading(waited: timedelta, snapshot: Snapshot, step: Step) -> None:
    row = a_row(Phase.UPLOADING, waited=waited, message=FILE_NOT_ARRIVED)
    assert next_step(row, snapshot) == step


@pytest.mark.parametrize(
    ("confirmed_before", "confirmations", "version", "step"),
    [
        pytest.param(None, 0, "v1", RejectFile(a_rejection("v1", 0), 1), id="first-bad-file"),
        pytest.param(None, 1, "v1", RejectFile(a_rejection("v1", 1), 1), id="first-bad-file-already-confirmed"),
        pytest.param(0, 0, "v1", STILL_REJECTED, id="same-bad-file-seen-again"),
        pytest.param(1, 1, "v1", STILL_REJECTED, id="same-bad-file-seen-again-after-its-confirmation"),
        pytest.param(0, 1, "v1", RejectFile(a_rejection("v1", 1), 1), id="confirmed-before-the-client-could-see-it"),
        pytest.param(
            1, 2, "v1", failure(FailureCode.NOT_A_VIDEO, "v1 is bad"), id="confirmed-again-after-the-rejection"
        ),
        pytest.param(0, 0, "v2", failure(FailureCode.NOT_A_VIDEO, "v2 is bad"), id="another-bad-file"),
        pytest.param(
            1, 1, "v2", failure(FailureCode.NOT_A_VIDEO, "v2 is bad"), id="another-bad-file-not-yet-confirmed"
        ),
    ],
)
def test_a_bad_file_is_rejected_or_fails_the_upload(
    confirmed_before: int | None, confirmations: int, version: str, step: Step
) -> None:
    row = a_row(Phase.UPLOADING, confirmations=confirmations)
    if confirmed_before is not None:
        row = a_rejected_row(confirmed_before, confirmations=confirmations)
    assert next_step(row, Snapshot(source=a_problem(version))) == step


def a_rejected_row(confirmed_before: int, *, confirmations: int = 0, waited: timedelta = NO_TIME) -> VideoRow:
    return a_row(
        Phase.UPLOADING,
        waited=waited,
        confirmations=confirmations,
        reason=Reason.FILE_REJECTED,
        message="v1 is bad",
        rejections=1,
        rejected=a_rejection("v1", confirmed_before),
    )


@pytest.mark.parametrize(
    ("waited", "snapshot", "step"),
    [
        pytest.param(NO_TIME, Snapshot(source=SOURCE), AcceptFile(SOURCE), id="a-good-file-follows"),
        pytest.param(NO_TIME, Snapshot(), STILL_REJECTED, id="the-bad-file-was-removed"),
        pytest.param(DAY, Snapshot(), failure(FailureCode.NOT_A_VIDEO, "v1 is bad"), id="removed-and-nothing-came"),
        pytest.param(
            DAY,
            Snapshot(source=a_problem("v1")),
            failure(FailureCode.NOT_A_VIDEO, "v1 is bad"),
            id="still-the-bad-file-at-the-deadline",
        ),
        pytest.param(
            DAY,
            Snapshot(source=a_problem("v2", FailureCode.FILE_EMPTY)),
            failure(FailureCode.FILE_EMPTY, "v2 is bad"),
            id="another-bad-file-at-the-deadline",
        ),
    ],
)
def test_a_rejected_file_waits_for_its_successor_until_the_deadline(
    waited: timedelta, snapshot: Snapshot, step: Step
) -> None:
    assert next_step(a_rejected_row(0, waited=waited), snapshot) == step


EXPIRED = "no transcode could be started in time"
CHANGED = "the original was replaced after it had been verified"
NOTHING_YET = Wait(Reason.WAITING_FOR_SUBMISSION, NEXT_SUBMISSION)


@pytest.mark.parametrize(
    ("waited", "snapshot", "step"),
    [
        pytest.param(NO_TIME, Snapshot(original=ORIGINAL), Submit(1), id="the-first-submission"),
        pytest.param(NO_TIME, INCOMPLETE, NOTHING_YET, id="nothing-is-submitted-on-an-incomplete-snapshot"),
        pytest.param(
            NO_TIME,
            Snapshot(),
            failure(FailureCode.SOURCE_MISSING, "the original is no longer in storage"),
            id="the-original-is-gone",
        ),
        pytest.param(
            NO_TIME,
            Snapshot(original=replace(ORIGINAL, etag="e2")),
            failure(FailureCode.SOURCE_CHANGED, CHANGED),
            id="the-original-was-replaced",
        ),
        pytest.param(
            NO_TIME,
            Snapshot(original=replace(ORIGINAL, file_bytes=999)),
            failure(FailureCode.SOURCE_CHANGED, CHANGED),
            id="the-original-has-another-size",
        ),
        pytest.param(just_under(604800), Snapshot(original=ORIGINAL), Submit(1), id="a-moment-before-the-deadline"),
        pytest.param(
            WEEK, Snapshot(original=ORIGINAL), failure(FailureCode.PROVIDER_UNAVAILABLE, EXPIRED), id="at-the-deadline"
        ),
        pytest.param(
            WEEK, INCOMPLETE, failure(FailureCode.PROVIDER_UNAVAILABLE, EXPIRED), id="incomplete-at-the-deadline"
        ),
    ],
)
def test_uploaded(waited: timedelta, snapshot: Snapshot, step: Step) -> None:
    row = a_row(Phase.UPLOADED, waited=waited, message=NEXT_SUBMISSION)
    assert next_step(row, snapshot) == step


UNRESOLVED = [AttemptState.INTENDED, AttemptState.UNCERTAIN]


@pytest.mark.parametrize("state", UNRESOLVED)
@pytest.mark.parametrize(
    ("age", "waited", "found", "step"),
    [
        pytest.param(NO_TIME, NO_TIME, Snapshot(), STILL_UNCERTAIN, id="nothing-is-known-yet"),
        pytest.param(just_under(WINDOW), NO_TIME, Snapshot(), STILL_UNCERTAIN, id="the-window-is-still-open"),
        pytest.param(just_over(WINDOW), NO_TIME, Snapshot(), AbandonAttempt(1), id="not-claimed-within-the-window"),
        pytest.param(
            just_over(WINDOW), NO_TIME, INCOMPLETE, STILL_UNCERTAIN, id="not-abandoned-while-an-upstream-is-away"
        ),
        pytest.param(
            just_over(WINDOW), WEEK, INCOMPLETE, AbandonAttempt(1), id="abandoned-although-incomplete-at-the-deadline"
        ),
        pytest.param(just_under(WINDOW), WEEK, Snapshot(), STILL_UNCERTAIN, id="the-window-outlasts-the-deadline"),
        pytest.param(NO_TIME, NO_TIME, Snapshot(job=a_job(JobState.IN_PROGRESS)), AdoptJob(1, "job1"), id="claimed"),
        pytest.param(WEEK, WEEK, Snapshot(job=a_job(JobState.FAILED)), AdoptJob(1, "job1"), id="claimed-late"),
        pytest.param(
            NO_TIME,
            NO_TIME,
            Snapshot(outputs=OUTPUTS, original=ORIGINAL),
            Publish(1, OUTPUTS),
            id="its-outputs-are-complete",
        ),
        pytest.param(NO_TIME, NO_TIME, Snapshot(outputs=BAD_OUTPUTS), STILL_UNCERTAIN, id="its-outputs-are-incomplete"),
        pytest.param(
            NO_TIME,
            NO_TIME,
            Snapshot(outputs=OUTPUTS, original=replace(ORIGINAL, etag="e2")),
            failure(FailureCode.SOURCE_CHANGED, CHANGED, attempt=1),
            id="its-outputs-are-of-a-file-that-was-replaced",
        ),
    ],
)
def test_an_uncertain_submission_is_resolved_before_another(
    state: AttemptState, age: timedelta, waited: timedelta, found: Snapshot, step: Step
) -> None:
    row = a_row(Phase.UPLOADED, waited=waited, attempt=1)
    attempts = (an_attempt(1, state, age=age),)
    snapshot = Snapshot(
        found.is_incomplete, attempts=attempts, job=found.job, outputs=found.outputs, original=found.original
    )
    assert next_step(row, snapshot) == step


REFUSED, FAILED, ABANDONED = AttemptState.REFUSED, AttemptState.FAILED, AttemptState.ABANDONED
DELAYED = Wait(Reason.SUBMISSION_DELAYED, "delayed")


@pytest.mark.parametrize(
    ("states", "age", "step"),
    [
        pytest.param([REFUSED], just_under(5), DELAYED, id="refused-a-moment-ago"),
        pytest.param([REFUSED], just_over(5), Submit(1), id="a-refused-number-is-used-again"),
        pytest.param([FAILED, REFUSED], just_over(5), Submit(2), id="the-refused-number-not-the-failed-one"),
        pytest.param([FAILED], just_under(FIRST_RETRY), DELAYED, id="backing-off-after-a-failure"),
        pytest.param([FAILED], just_over(FIRST_RETRY), Submit(2), id="after-the-back-off"),
        pytest.param([ABANDONED], just_under(FIRST_RETRY), DELAYED, id="backing-off-after-a-loss"),
        pytest.param([ABANDONED], just_over(FIRST_RETRY), Submit(2), id="after-a-loss"),
        pytest.param([FAILED, ABANDONED], just_under(2 * FIRST_RETRY), DELAYED, id="the-second-back-off-is-longer"),
        pytest.param([FAILED, ABANDONED], just_over(2 * FIRST_RETRY), Submit(3), id="after-the-second-back-off"),
        pytest.param(
            [FAILED, FAILED, ABANDONED],
            just_over(4 * FIRST_RETRY),
            failure(
                FailureCode.SUBMISSIONS_EXHAUSTED,
                "3 submissions were made, and none led to a known job",
                attempt=3,
            ),
            id="no-fourth-submission",
        ),
    ],
)
def test_another_submission_waits_for_its_back_off(states: list[AttemptState], age: timedelta, step: Step) -> None:
    attempts = tuple(an_attempt(number, state, age=age) for number, state in enumerate(states, 1))
    row = a_row(Phase.UPLOADED, attempt=len(states), reason=Reason.SUBMISSION_DELAYED, message="delayed")
    assert next_step(row, Snapshot(attempts=attempts, original=ORIGINAL)) == step


def test_refused_submissions_use_no_attempt_and_back_off_no_further() -> None:
    attempts = (an_attempt(1, FAILED), an_attempt(2, REFUSED, age=timedelta(seconds=5)))
    row = a_row(Phase.UPLOADED, attempt=2)
    assert next_step(
        row, Snapshot(attempts=attempts, original=ORIGINAL), policy=LifecyclePolicy(TIMING, max_submissions=2)
    ) == Submit(2)


def test_the_back_off_is_bounded() -> None:
    attempts = tuple(an_attempt(number, ABANDONED, age=timedelta(minutes=15)) for number in range(1, 10))
    row = a_row(Phase.UPLOADED, attempt=9)
    step = next_step(
        row, Snapshot(attempts=attempts, original=ORIGINAL), policy=LifecyclePolicy(TIMING, max_submissions=10)
    )
    assert step == Submit(10)
