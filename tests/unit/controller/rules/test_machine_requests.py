"""The rulebook of requests: pause, retry, new edition, deletion and restore; and of retirement."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from controller.rules.steps import (
    AcknowledgeRetry,
    AnnotationRequest,
    Expire,
    Fail,
    MarkPlayable,
    NoOp,
    Purge,
    RemoveFile,
    Republish,
    Retire,
    SetPaused,
    Snapshot,
    StartEdition,
    Step,
    Unpublish,
    Wait,
    Withdraw,
)
from controller.rules.submission import HELD
from domain.failures import Failure, FailureCode
from domain.objects import ObjectFacts, VerifiedOutputs
from domain.policy import LifecyclePolicy, UncertainSubmissionPolicy
from domain.records import AttemptState, VideoRow
from domain.stable_playlist import stable_playlist
from domain.video import Origin, Phase, Reason, SourceFacts
from tests.support.builders.rows import (
    BAD_OUTPUTS,
    NOON,
    ORIGINAL,
    OUTPUTS,
    SOURCE,
    TIMING,
    a_publication,
    a_row,
    an_attempt,
    just_over,
    just_under,
    next_step,
)

NO_ANNOTATION = AnnotationRequest()
PAUSED = AnnotationRequest(is_paused=True)
AGAIN = AnnotationRequest(retry_token="monday")
ANOTHER_FILE = ObjectFacts("e2", NOON, 1_000, "video/mp4")
HOUR = timedelta(seconds=TIMING.retire_ready_seconds)
FORTNIGHT = timedelta(seconds=TIMING.retire_errored_seconds)
QUARTER = timedelta(seconds=TIMING.errored_row_seconds)
GRACE = timedelta(seconds=TIMING.delete_grace_seconds)


def with_desired(row: VideoRow, **changes: object) -> VideoRow:
    return replace(row, desired=replace(row.desired, **changes))  # type: ignore[arg-type]


def an_errored_row(source: SourceFacts | None = SOURCE, **of_desired: object) -> VideoRow:
    return with_desired(a_row(Phase.ERRORED, source=source, attempt=3), **of_desired)


def a_ready_row(**of_observed: Any) -> VideoRow:
    defaults: dict[str, Any] = {"published": a_publication(), "source": SOURCE, "attempt": 1}
    return a_row(Phase.READY, **defaults | of_observed)


def a_held_row() -> VideoRow:
    return a_row(Phase.UPLOADED, reason=Reason.SUBMISSION_HELD, message=HELD, attempt=1)


@pytest.mark.parametrize("phase", Phase)
def test_a_pause_is_acknowledged_in_every_phase(phase: Phase) -> None:
    assert next_step(a_row(phase), Snapshot(), request=PAUSED) == SetPaused(True)


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("annotations", [PAUSED, None], ids=["annotated", "resource-unknown"])
def test_a_paused_upload_outlives_its_deadline(phase: Phase, annotations: AnnotationRequest | None) -> None:
    row = a_row(phase, waited=timedelta(days=400), is_paused=True)
    assert next_step(row, Snapshot(), request=annotations) == NoOp()


def test_a_pause_ends_with_its_annotation() -> None:
    assert next_step(a_row(Phase.UPLOADED, is_paused=True), Snapshot(), request=NO_ANNOTATION) == SetPaused(False)


def test_a_pause_delays_a_retry_and_a_new_edition() -> None:
    row = with_desired(a_row(Phase.ERRORED, is_paused=True), retries=1, edition=2)
    assert next_step(row, Snapshot(), request=replace(PAUSED, retry_token="monday")) == NoOp()


@pytest.mark.parametrize(
    ("row", "requested", "snapshot", "step"),
    [
        pytest.param(
            an_errored_row(retries=1), None, Snapshot(original=ORIGINAL), StartEdition(Phase.UPLOADED, None),
            id="by-the-api",
        ),
        pytest.param(
            an_errored_row(), AGAIN, Snapshot(original=ORIGINAL), StartEdition(Phase.UPLOADED, "monday"),
            id="by-annotation",
        ),
        pytest.param(
            an_errored_row(edition=2), None, Snapshot(original=ORIGINAL), StartEdition(Phase.UPLOADED, None),
            id="by-a-new-edition",
        ),
        pytest.param(
            an_errored_row(retries=1), None, Snapshot(), StartEdition(Phase.UPLOADING, None), id="the-file-is-gone",
        ),
        pytest.param(
            an_errored_row(retries=1), None, Snapshot(original=ANOTHER_FILE), StartEdition(Phase.UPLOADING, None),
            id="another-file-is-there",
        ),
        pytest.param(
            an_errored_row(source=None, retries=1), None, Snapshot(original=ORIGINAL),
            StartEdition(Phase.UPLOADING, None), id="no-file-was-ever-verified",
        ),
        pytest.param(
            a_held_row(), AGAIN, Snapshot(attempts=(an_attempt(1, AttemptState.UNCERTAIN),), original=ORIGINAL),
            StartEdition(Phase.UPLOADED, "monday", abandons=1), id="a-held-submission-is-abandoned",
        ),
        pytest.param(
            with_desired(a_ready_row(), edition=2), None, Snapshot(original=ORIGINAL),
            StartEdition(Phase.UPLOADED, None), id="a-new-edition-of-a-playable-video",
        ),
        pytest.param(
            with_desired(a_ready_row(), edition=2), None, Snapshot(), StartEdition(Phase.UPLOADED, None),
            id="a-playable-video-never-waits-for-a-file",
        ),
    ],
)  # fmt: skip
def test_a_retry_or_new_edition_starts_over(
    row: VideoRow, requested: AnnotationRequest | None, snapshot: Snapshot, step: Step
) -> None:
    assert next_step(row, snapshot, request=requested) == step


@pytest.mark.parametrize("phase", sorted(set(Phase) - {Phase.ERRORED}))
def test_a_retry_of_an_upload_that_has_not_failed_is_acknowledged_and_starts_nothing(phase: Phase) -> None:
    assert next_step(a_row(phase), Snapshot(), request=AGAIN) == AcknowledgeRetry("monday")
    assert next_step(with_desired(a_row(phase), retries=1), Snapshot(), request=NO_ANNOTATION) == AcknowledgeRetry(None)


def test_a_retry_is_acknowledged_only_once() -> None:
    row = replace(an_errored_row(), observed=replace(an_errored_row().observed, retry_token="monday"))
    assert next_step(row, Snapshot(original=ORIGINAL), request=AGAIN) == NoOp()
    assert next_step(row, Snapshot(original=ORIGINAL), request=NO_ANNOTATION) == NoOp(), "the annotation was removed"


@pytest.mark.parametrize("phase", [Phase.UPLOADED, Phase.PROCESSING])
def test_a_new_edition_waits_for_the_current_one(phase: Phase) -> None:
    row = with_desired(a_row(phase), edition=2)
    assert not isinstance(next_step(row, Snapshot(is_incomplete=True), request=NO_ANNOTATION), StartEdition)


@pytest.mark.parametrize(
    ("waited", "on_uncertain", "is_incomplete", "step"),
    [
        pytest.param(TIMING.resolve_window_seconds, UncertainSubmissionPolicy.HOLD, False,
                     Wait(Reason.SUBMISSION_HELD, HELD),
                     id="the-window-is-over"),
        pytest.param(TIMING.uploaded_deadline_seconds, UncertainSubmissionPolicy.HOLD, False,
                     Fail(Failure(FailureCode.SUBMISSION_UNRESOLVED, HELD, attempt=1)), id="undecided"),
    ],
)  # fmt: skip
def test_an_uncertain_submission_is_held_for_a_person(
    waited: float, on_uncertain: UncertainSubmissionPolicy, is_incomplete: bool, step: Step
) -> None:
    row = a_row(Phase.UPLOADED, waited=just_over(waited), attempt=1)
    attempts = (an_attempt(1, AttemptState.UNCERTAIN, age=just_over(waited)),)
    snapshot = Snapshot(attempts=attempts, original=ORIGINAL, is_incomplete=is_incomplete)
    assert next_step(row, snapshot, policy=LifecyclePolicy(TIMING, on_uncertain=on_uncertain)) == step


MARKED = Snapshot(is_marked=True)


def a_deleted_row(
    ago: timedelta, *, is_playable: bool = False, is_withdrawn: bool = True, retired: bool = False, attempt: int = 1
) -> VideoRow:
    row = with_desired(a_ready_row(is_playable=is_playable, is_withdrawn=is_withdrawn, attempt=attempt), deleted=True)
    return replace(row, deleted_at=NOON - ago, retired=retired)


@pytest.mark.parametrize(
    ("row", "snapshot", "step"),
    [
        pytest.param(a_deleted_row(timedelta(0), is_playable=True), Snapshot(), Unpublish(), id="still-playable"),
        pytest.param(a_deleted_row(timedelta(0)), Snapshot(is_readable=True), Withdraw(), id="files-are-left"),
        pytest.param(
            a_deleted_row(timedelta(0), is_withdrawn=False), Snapshot(is_readable=True), Unpublish(), id="not-recorded"
        ),
        pytest.param(
            a_deleted_row(timedelta(0), is_withdrawn=False, attempt=0), Snapshot(), Unpublish(), id="it-never-had-files"
        ),
        pytest.param(a_deleted_row(timedelta(0)), Snapshot(), Withdraw(), id="the-bucket-has-no-mark"),
        pytest.param(a_deleted_row(timedelta(0)), MARKED, NoOp(), id="it-may-be-restored"),
        pytest.param(a_deleted_row(HOUR), MARKED, Retire(), id="its-resource-leaves"),
        pytest.param(a_deleted_row(HOUR), Snapshot(), Withdraw(), id="not-before-the-mark-is-there"),
        pytest.param(a_deleted_row(HOUR, retired=True), MARKED, NoOp(), id="its-resource-has-left"),
        pytest.param(a_deleted_row(GRACE - timedelta(seconds=1), retired=True), MARKED, NoOp(), id="within-the-grace"),
        pytest.param(a_deleted_row(GRACE, retired=True), Snapshot(), Purge(), id="not-restored"),
        pytest.param(a_deleted_row(GRACE, is_playable=True), Snapshot(), Unpublish(), id="first-it-is-withdrawn"),
    ],
)
def test_a_deleted_video_goes_step_by_step(row: VideoRow, snapshot: Snapshot, step: Step) -> None:
    assert next_step(row, snapshot) == step


STABLE = stable_playlist(a_publication())
WITH_POSTER = VerifiedOutputs(OUTPUTS.renditions, OUTPUTS.duration_seconds, poster_key="poster")


@pytest.mark.parametrize(
    ("row", "snapshot", "step"),
    [
        pytest.param(a_ready_row(is_playable=False), Snapshot(playlist=STABLE), MarkPlayable(), id="read-back"),
        pytest.param(
            a_ready_row(is_playable=False), Snapshot(outputs=WITH_POSTER), Republish("poster"), id="written-again",
        ),
        pytest.param(
            a_ready_row(is_playable=False), Snapshot(playlist="#EXTM3U\n", outputs=WITH_POSTER), Republish("poster"),
            id="shows-something-else",
        ),
        pytest.param(
            a_ready_row(is_playable=False), Snapshot(outputs=BAD_OUTPUTS),
            Fail(Failure(FailureCode.OUTPUTS_INVALID, BAD_OUTPUTS.message, 1)), id="its-files-are-broken",
        ),
        pytest.param(
            a_row(Phase.ERRORED, published=a_publication()), Snapshot(outputs=OUTPUTS), Republish(None),
            id="an-older-edition-of-what-failed",
        ),
        pytest.param(
            a_row(Phase.ERRORED, published=a_publication()), Snapshot(outputs=BAD_OUTPUTS), NoOp(),
            id="an-older-edition-that-is-broken",
        ),
    ],
)  # fmt: skip
def test_a_restored_video_gets_its_stable_files_back(row: VideoRow, snapshot: Snapshot, step: Step) -> None:
    assert next_step(row, snapshot) == step


@pytest.mark.parametrize(
    ("row", "step"),
    [
        pytest.param(a_row(Phase.READY, waited=HOUR), Retire(), id="ready-for-an-hour"),
        pytest.param(a_row(Phase.READY, waited=just_under(HOUR.total_seconds())), NoOp(), id="ready-for-less"),
        pytest.param(a_row(Phase.ERRORED, waited=FORTNIGHT), RemoveFile(), id="errored-for-a-fortnight"),
        pytest.param(
            a_row(Phase.ERRORED, waited=FORTNIGHT, reason=Reason.FILE_REMOVED), Retire(), id="its-file-is-gone"
        ),
        pytest.param(a_row(Phase.ERRORED, waited=FORTNIGHT, is_playable=True), Retire(), id="an-older-edition-plays"),
        pytest.param(
            with_desired(a_row(Phase.ERRORED, waited=QUARTER), origin=Origin.KUBERNETES),
            NoOp(),
            id="a-failed-import-stays",
        ),
        pytest.param(a_row(Phase.ERRORED, waited=QUARTER), Expire(), id="errored-for-a-quarter"),
        pytest.param(
            replace(a_row(Phase.ERRORED, waited=QUARTER), restored_at=NOON - HOUR), Retire(), id="errored-and-restored"
        ),
        pytest.param(a_row(Phase.ERRORED, waited=HOUR), NoOp(), id="errored-for-an-hour"),
        pytest.param(replace(a_row(Phase.READY, waited=HOUR), retired=True), NoOp(), id="it-has-left"),
        pytest.param(
            with_desired(a_row(Phase.READY, waited=FORTNIGHT), origin=Origin.KUBERNETES), NoOp(), id="an-import-stays"
        ),
    ],
)
def test_an_upload_at_rest_is_retired(row: VideoRow, step: Step) -> None:
    assert next_step(row, Snapshot()) == step
