"""The rulebook from a known job to a playable video: every branch of `decide` for `processing` as a row."""

from dataclasses import replace
from datetime import timedelta

import pytest

from controller.rules.steps import (
    ExtendDeadline,
    Fail,
    FailAttempt,
    Finish,
    Publish,
    ShowProgress,
    Snapshot,
    Step,
    Wait,
    WritePlaylist,
)
from controller.rules.submission import TRANSCODING
from domain.failures import Failure, FailureCode
from domain.jobs import JobState
from domain.objects import OutputsProblem
from domain.records import AttemptState
from domain.stable_playlist import stable_playlist
from domain.video import Hindrance, Phase, Reason
from tests.support.builders.rows import (
    BAD_OUTPUTS,
    NO_TIME,
    NOON,
    ORIGINAL,
    OUTPUTS,
    TIMING,
    a_job,
    a_publication,
    a_publishing_row,
    a_row,
    an_attempt,
    just_over,
    just_under,
    next_step,
)

INCOMPLETE = Snapshot(is_incomplete=True)
UNKNOWN_ONCE = Snapshot(outputs=BAD_OUTPUTS, unknown_looks=1)
UNKNOWN_LONG = Snapshot(outputs=BAD_OUTPUTS, unknown_looks=4, unknown_seconds=TIMING.job_lost_seconds)
UNKNOWN_OFTEN = Snapshot(outputs=BAD_OUTPUTS, unknown_looks=50, unknown_seconds=TIMING.job_lost_seconds - 1)
LOST = Snapshot(outputs=BAD_OUTPUTS, unknown_looks=5, unknown_seconds=TIMING.job_lost_seconds)
SIX_HOURS = just_over(TIMING.processing_deadline_seconds)
A_WEEK = just_over(TIMING.processing_longest_seconds)
SIX_HOURS_MORE = ExtendDeadline(NOON + timedelta(seconds=TIMING.processing_deadline_seconds))
STILL_TRANSCODING = Wait(Reason.TRANSCODING, TRANSCODING)
CHANGED = "the original was replaced after it had been verified"
FAILED = AttemptState.FAILED


def failure(code: FailureCode, message: str, attempt: int = 1, answer: str | None = None) -> Fail:
    return Fail(Failure(code, message, attempt, answer))


def attempt_failure(code: FailureCode, message: str, answer: str | None = None) -> FailAttempt:
    return FailAttempt(Failure(code, message, 1, answer))


ACCEPTED = (an_attempt(1, AttemptState.ACCEPTED, job_id="job1"),)
SPENT = (an_attempt(1, FAILED), an_attempt(2, FAILED), an_attempt(3, AttemptState.ACCEPTED, job_id="job1"))
RUNNING = a_job(JobState.IN_PROGRESS)
DONE = a_job(JobState.COMPLETED, 100)
UNEVEN_OUTPUTS = OutputsProblem("the variants last from 54.0 s to 60.0 s", is_permanent=True)
BROKEN = a_job(JobState.FAILED, 100, answer="raw words")
HOPELESS = a_job(JobState.FAILED, 100, answer="raw words", is_undecodable=True)


@pytest.mark.parametrize(
    ("waited", "snapshot", "step"),
    [
        pytest.param(NO_TIME, Snapshot(job=RUNNING), STILL_TRANSCODING, id="it-runs"),
        pytest.param(NO_TIME, INCOMPLETE, STILL_TRANSCODING, id="coconut-is-away"),
        pytest.param(NO_TIME, Snapshot(is_incomplete=True, job=DONE), STILL_TRANSCODING, id="done-but-storage-is-away"),
        pytest.param(NO_TIME, Snapshot(job=DONE, outputs=OUTPUTS, original=ORIGINAL), Publish(1, OUTPUTS), id="done"),
        pytest.param(
            SIX_HOURS,
            Snapshot(job=DONE, outputs=OUTPUTS, original=ORIGINAL),
            Publish(1, OUTPUTS),
            id="found-done-after-the-deadline",
        ),
        pytest.param(
            NO_TIME,
            Snapshot(job=DONE, outputs=OUTPUTS),
            failure(FailureCode.SOURCE_MISSING, "the original is no longer in storage", attempt=1),
            id="done-but-the-original-is-gone",
        ),
        pytest.param(
            NO_TIME,
            Snapshot(job=DONE, outputs=OUTPUTS, original=ORIGINAL.__class__("e2", NOON, 1_000, "video/mp4")),
            failure(FailureCode.SOURCE_CHANGED, CHANGED, attempt=1),
            id="done-but-the-original-was-replaced",
        ),
        pytest.param(
            NO_TIME,
            Snapshot(job=DONE, outputs=BAD_OUTPUTS, original=ORIGINAL),
            attempt_failure(FailureCode.OUTPUTS_INVALID, BAD_OUTPUTS.message),
            id="done-with-bad-outputs",
        ),
        pytest.param(
            NO_TIME,
            Snapshot(job=DONE, outputs=UNEVEN_OUTPUTS, original=ORIGINAL),
            failure(FailureCode.OUTPUTS_MISMATCH, UNEVEN_OUTPUTS.message),
            id="done-with-outputs-that-the-same-file-gives-again",
        ),
        pytest.param(
            NO_TIME,
            Snapshot(job=BROKEN),
            attempt_failure(FailureCode.TRANSCODE_FAILED, "it broke", "raw words"),
            id="failed-perhaps-by-chance",
        ),
        pytest.param(
            NO_TIME,
            Snapshot(job=HOPELESS),
            Fail(Failure(FailureCode.VIDEO_UNDECODABLE, "it broke", 1, "raw words")),
            id="failed-for-good",
        ),
        pytest.param(just_under(21600), Snapshot(job=RUNNING), STILL_TRANSCODING, id="a-moment-before-the-deadline"),
        pytest.param(
            SIX_HOURS,
            Snapshot(job=RUNNING),
            attempt_failure(FailureCode.TRANSCODE_TIMEOUT, "the job did not end in time"),
            id="still-running-at-the-deadline",
        ),
        pytest.param(SIX_HOURS, INCOMPLETE, SIX_HOURS_MORE, id="coconut-is-away-at-the-deadline"),
        pytest.param(
            A_WEEK,
            INCOMPLETE,
            attempt_failure(FailureCode.TRANSCODE_TIMEOUT, "the job did not end in time"),
            id="coconut-is-away-for-a-week",
        ),
        pytest.param(
            SIX_HOURS,
            Snapshot(is_incomplete=True, job=DONE),
            SIX_HOURS_MORE,
            id="done-but-storage-is-away-at-the-deadline",
        ),
        pytest.param(
            just_under(TIMING.processing_longest_seconds),
            Snapshot(is_incomplete=True, job=DONE),
            ExtendDeadline(NOON + timedelta(microseconds=1)),
            id="no-deadline-is-extended-beyond-a-week",
        ),
        pytest.param(
            A_WEEK,
            Snapshot(is_incomplete=True, job=DONE),
            failure(FailureCode.STORAGE_UNAVAILABLE, "storage gave no answer until the deadline", attempt=1),
            id="done-but-storage-is-away-for-a-week",
        ),
        pytest.param(just_over(3600), UNKNOWN_ONCE, STILL_TRANSCODING, id="one-unknown-answer-decides-nothing"),
        pytest.param(just_over(3600), UNKNOWN_LONG, STILL_TRANSCODING, id="unknown-for-long-but-in-few-looks"),
        pytest.param(just_over(3600), UNKNOWN_OFTEN, STILL_TRANSCODING, id="unknown-in-many-looks-but-not-for-long"),
        pytest.param(
            just_over(3600),
            LOST,
            attempt_failure(FailureCode.JOB_LOST, "the provider does not know the job"),
            id="the-job-is-lost",
        ),
        pytest.param(
            just_over(3600),
            replace(LOST, original=ORIGINAL, outputs=OUTPUTS),
            Publish(1, OUTPUTS),
            id="an-unknown-job-with-complete-outputs-is-published",
        ),
        pytest.param(
            SIX_HOURS,
            replace(LOST, original=ORIGINAL, outputs=OUTPUTS),
            Publish(1, OUTPUTS),
            id="an-unknown-job-with-complete-outputs-is-published-at-the-deadline-too",
        ),
        pytest.param(just_over(3600), INCOMPLETE, STILL_TRANSCODING, id="no-answer-is-not-an-unknown-job"),
    ],
)
def test_processing(waited: timedelta, snapshot: Snapshot, step: Step) -> None:
    row = a_row(Phase.PROCESSING, waited=waited, message=TRANSCODING)
    assert next_step(row, replace(snapshot, attempts=ACCEPTED)) == step


@pytest.mark.parametrize(
    ("waited", "found", "code"),
    [
        pytest.param(NO_TIME, Snapshot(job=BROKEN), FailureCode.TRANSCODE_FAILED, id="failed"),
        pytest.param(NO_TIME, Snapshot(job=DONE, outputs=BAD_OUTPUTS), FailureCode.OUTPUTS_INVALID, id="bad-outputs"),
        pytest.param(SIX_HOURS, Snapshot(job=RUNNING), FailureCode.TRANSCODE_TIMEOUT, id="timed-out"),
        pytest.param(just_over(3600), LOST, FailureCode.JOB_LOST, id="lost"),
    ],
)
def test_the_last_submission_that_fails_ends_the_edition(waited: timedelta, found: Snapshot, code: FailureCode) -> None:
    row = a_row(Phase.PROCESSING, waited=waited, attempt=3)
    step = next_step(row, replace(found, attempts=SPENT))
    assert isinstance(step, Fail)
    assert (step.failure.code, step.failure.attempt) == (code, 3)


@pytest.mark.parametrize(
    ("shown", "since", "percent", "step"),
    [
        pytest.param(0, 15, 10, ShowProgress(10), id="ten-percent-and-fifteen-seconds"),
        pytest.param(0, 14, 10, STILL_TRANSCODING, id="too-soon"),
        pytest.param(0, 15, 9, STILL_TRANSCODING, id="too-little"),
        pytest.param(40, 600, 49, STILL_TRANSCODING, id="too-little-however-long-ago"),
        pytest.param(40, 15, 50, ShowProgress(50), id="ten-more"),
        pytest.param(90, 600, 100, ShowProgress(100), id="to-the-end"),
        pytest.param(50, 600, 10, STILL_TRANSCODING, id="never-backwards"),
    ],
)
def test_progress_is_written_rarely(shown: int, since: int, percent: int, step: Step) -> None:
    row = a_row(
        Phase.PROCESSING,
        waited=timedelta(hours=1),
        progress_percent=shown,
        progress_at=NOON - timedelta(seconds=since),
    )
    job = a_job(JobState.IN_PROGRESS, percent)
    assert next_step(row, Snapshot(attempts=ACCEPTED, job=job)) == step


def test_the_first_progress_waits_as_long_as_any_other() -> None:
    job = a_job(JobState.IN_PROGRESS, 50)
    early = a_row(Phase.PROCESSING, waited=just_under(15))
    later = a_row(Phase.PROCESSING, waited=just_over(15))
    assert next_step(early, Snapshot(job=job)) == STILL_TRANSCODING
    assert next_step(later, Snapshot(job=job)) == ShowProgress(50)


WRITTEN = stable_playlist(a_publication())


@pytest.mark.parametrize(
    ("waited", "snapshot", "step"),
    [
        pytest.param(NO_TIME, Snapshot(playlist=WRITTEN), Finish(), id="read-back-as-it-should-be"),
        pytest.param(NO_TIME, Snapshot(), WritePlaylist(), id="not-written-yet"),
        pytest.param(NO_TIME, Snapshot(playlist="#EXTM3U\n"), WritePlaylist(), id="shows-something-else"),
        pytest.param(NO_TIME, INCOMPLETE, WritePlaylist(), id="storage-is-away"),
        pytest.param(SIX_HOURS, Snapshot(playlist=WRITTEN), Finish(), id="read-back-at-the-deadline"),
        pytest.param(SIX_HOURS, Snapshot(), WritePlaylist(), id="not-written-until-the-deadline"),
        pytest.param(
            NO_TIME,
            replace(INCOMPLETE, hindrance=Hindrance.STORAGE_AWAY),
            Wait(Reason.PUBLISHING, "as seen", Hindrance.STORAGE_AWAY),
            id="storage-is-known-to-be-away",
        ),
        pytest.param(SIX_HOURS, INCOMPLETE, SIX_HOURS_MORE, id="storage-is-away-at-the-deadline"),
        pytest.param(
            A_WEEK,
            INCOMPLETE,
            failure(FailureCode.STORAGE_UNAVAILABLE, "storage gave no answer until the deadline", attempt=1),
            id="storage-is-away-for-a-week",
        ),
    ],
)
def test_publishing(waited: timedelta, snapshot: Snapshot, step: Step) -> None:
    assert next_step(a_publishing_row(waited=waited), snapshot) == step
