"""The rulebook of what people ask for: pause, retry, new edition, deletion and restore, and of leaving Kubernetes."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from controller.rules.machine import decide
from controller.rules.steps import (
    Asked,
    Begin,
    Fail,
    MarkPlayable,
    NoteRetry,
    Purge,
    Republish,
    Rest,
    Retire,
    Seen,
    SetPaused,
    Step,
    Unpublish,
    Wait,
)
from controller.rules.submission import HELD
from domain.failures import Failure, FailureCode
from domain.objects import ObjectFacts, VerifiedOutputs
from domain.policy import LifecyclePolicy, UncertainSubmissionPolicy
from domain.records import AttemptState, VideoRow
from domain.stable_playlist import stable_playlist
from domain.video import Origin, Phase, Reason, SourceFacts
from tests.support.builders.resources import NOON
from tests.support.builders.rows import (
    BAD_OUTPUTS,
    ORIGINAL,
    OUTPUTS,
    RULES,
    SOURCE,
    TIMING,
    a_publication,
    a_row,
    an_attempt,
    just_over,
    just_under,
)

NOBODY = Asked()
HOLD_IT = Asked(is_paused=True)
AGAIN = Asked(retry_token="monday")
ANOTHER_FILE = ObjectFacts("e2", NOON, 1_000, "video/mp4")
HOUR = timedelta(seconds=TIMING.retire_ready_seconds)
FORTNIGHT = timedelta(seconds=TIMING.retire_errored_seconds)
GRACE = timedelta(seconds=TIMING.delete_grace_seconds)


def wished(row: VideoRow, **changes: object) -> VideoRow:
    return replace(row, desired=replace(row.desired, **changes))  # type: ignore[arg-type]


def an_errored_row(source: SourceFacts | None = SOURCE, **of_wish: object) -> VideoRow:
    return wished(a_row(Phase.ERRORED, source=source, attempt=3), **of_wish)


def a_ready_row(**of_observed: Any) -> VideoRow:
    return a_row(Phase.READY, published=a_publication(), source=SOURCE, attempt=1, **of_observed)


def a_held_row() -> VideoRow:
    return a_row(Phase.UPLOADED, reason=Reason.SUBMISSION_HELD, message=HELD, attempt=1)


@pytest.mark.parametrize("phase", Phase)
def test_a_pause_is_taken_up_in_every_phase(phase: Phase) -> None:
    assert decide(a_row(phase), Seen(asked=HOLD_IT), NOON, RULES) == SetPaused(True)


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("asked", [HOLD_IT, None], ids=["annotated", "resource-unknown"])
def test_a_paused_upload_rests_long_after_its_deadline(phase: Phase, asked: Asked | None) -> None:
    row = a_row(phase, waited=timedelta(days=400), is_paused=True)
    assert decide(row, Seen(asked=asked), NOON, RULES) == Rest()


def test_a_pause_ends_with_its_annotation() -> None:
    assert decide(a_row(Phase.UPLOADED, is_paused=True), Seen(asked=NOBODY), NOON, RULES) == SetPaused(False)


def test_a_pause_holds_back_a_retry_and_a_new_edition() -> None:
    row = wished(a_row(Phase.ERRORED, is_paused=True), retries=1, edition=2)
    assert decide(row, Seen(asked=replace(HOLD_IT, retry_token="monday")), NOON, RULES) == Rest()


@pytest.mark.parametrize(
    ("row", "seen", "step"),
    [
        pytest.param(
            an_errored_row(retries=1), Seen(original=ORIGINAL), Begin(Phase.UPLOADED, None), id="by-the-api"
        ),
        pytest.param(
            an_errored_row(), Seen(original=ORIGINAL, asked=AGAIN), Begin(Phase.UPLOADED, "monday"), id="by-annotation"
        ),
        pytest.param(
            an_errored_row(edition=2), Seen(original=ORIGINAL), Begin(Phase.UPLOADED, None), id="by-a-new-edition"
        ),
        pytest.param(an_errored_row(retries=1), Seen(), Begin(Phase.UPLOADING, None), id="the-file-is-gone"),
        pytest.param(
            an_errored_row(retries=1), Seen(original=ANOTHER_FILE), Begin(Phase.UPLOADING, None),
            id="another-file-is-there",
        ),
        pytest.param(
            an_errored_row(source=None, retries=1), Seen(original=ORIGINAL), Begin(Phase.UPLOADING, None),
            id="no-file-was-ever-verified",
        ),
        pytest.param(
            a_held_row(), Seen(asked=AGAIN, attempts=(an_attempt(1, AttemptState.UNCERTAIN),), original=ORIGINAL),
            Begin(Phase.UPLOADED, "monday", abandons=1), id="a-held-submission-is-given-up",
        ),
        pytest.param(
            wished(a_ready_row(), edition=2), Seen(original=ORIGINAL), Begin(Phase.UPLOADED, None),
            id="a-new-edition-of-a-playable-video",
        ),
        pytest.param(
            wished(a_ready_row(), edition=2), Seen(), Begin(Phase.UPLOADED, None),
            id="a-playable-video-never-waits-for-a-file",
        ),
    ],
)  # fmt: skip
def test_what_failed_begins_again(row: VideoRow, seen: Seen, step: Step) -> None:
    assert decide(row, seen, NOON, RULES) == step


@pytest.mark.parametrize("phase", sorted(set(Phase) - {Phase.ERRORED}))
def test_a_retry_of_what_has_not_failed_is_noted_and_starts_nothing(phase: Phase) -> None:
    assert decide(a_row(phase), Seen(asked=AGAIN), NOON, RULES) == NoteRetry("monday")
    assert decide(wished(a_row(phase), retries=1), Seen(asked=NOBODY), NOON, RULES) == NoteRetry(None)


def test_a_retry_that_was_taken_up_is_not_taken_up_again() -> None:
    row = replace(an_errored_row(), observed=replace(an_errored_row().observed, retry_token="monday"))
    assert decide(row, Seen(asked=AGAIN, original=ORIGINAL), NOON, RULES) == Rest()
    assert decide(row, Seen(asked=NOBODY, original=ORIGINAL), NOON, RULES) == Rest(), "the annotation was removed"


@pytest.mark.parametrize("phase", [Phase.UPLOADED, Phase.PROCESSING])
def test_a_new_edition_waits_for_the_one_on_its_way(phase: Phase) -> None:
    row = wished(a_row(phase), edition=2)
    assert not isinstance(decide(row, Seen(is_blind=True, asked=NOBODY), NOON, RULES), Begin)


@pytest.mark.parametrize(
    ("waited", "on_uncertain", "is_blind", "step"),
    [
        pytest.param(TIMING.resolve_window_seconds, UncertainSubmissionPolicy.HOLD, False,
                     Wait(Reason.SUBMISSION_HELD, HELD),
                     id="the-window-is-over"),
        pytest.param(TIMING.uploaded_deadline_seconds, UncertainSubmissionPolicy.HOLD, False,
                     Fail(Failure(FailureCode.SUBMISSION_UNRESOLVED, HELD, attempt=1)), id="nobody-decided"),
    ],
)  # fmt: skip
def test_an_uncertain_submission_is_held_for_a_person(
    waited: float, on_uncertain: UncertainSubmissionPolicy, is_blind: bool, step: Step
) -> None:
    row = a_row(Phase.UPLOADED, waited=just_over(waited), attempt=1)
    attempts = (an_attempt(1, AttemptState.UNCERTAIN, age=just_over(waited)),)
    seen = Seen(attempts=attempts, original=ORIGINAL, is_blind=is_blind)
    assert decide(row, seen, NOON, LifecyclePolicy(TIMING, on_uncertain=on_uncertain)) == step


def a_deleted_row(ago: timedelta, *, is_playable: bool = False, retired: bool = False) -> VideoRow:
    row = wished(a_ready_row(is_playable=is_playable), deleted=True)
    return replace(row, deleted_at=NOON - ago, retired=retired)


@pytest.mark.parametrize(
    ("row", "seen", "step"),
    [
        pytest.param(a_deleted_row(timedelta(0), is_playable=True), Seen(), Unpublish(), id="still-playable"),
        pytest.param(a_deleted_row(timedelta(0)), Seen(playlist="#EXTM3U"), Unpublish(), id="a-playlist-came-back"),
        pytest.param(a_deleted_row(timedelta(0)), Seen(), Rest(), id="it-may-be-restored"),
        pytest.param(a_deleted_row(HOUR), Seen(), Retire(), id="its-resource-leaves"),
        pytest.param(a_deleted_row(HOUR, retired=True), Seen(), Rest(), id="its-resource-has-left"),
        pytest.param(a_deleted_row(GRACE - timedelta(seconds=1), retired=True), Seen(), Rest(), id="within-the-grace"),
        pytest.param(a_deleted_row(GRACE, retired=True), Seen(), Purge(), id="nobody-restored-it"),
        pytest.param(a_deleted_row(GRACE, is_playable=True), Seen(), Unpublish(), id="first-it-is-withdrawn"),
    ],
)
def test_a_deleted_video_goes_step_by_step(row: VideoRow, seen: Seen, step: Step) -> None:
    assert decide(row, seen, NOON, RULES) == step


STABLE = stable_playlist(a_publication())
WITH_POSTER = VerifiedOutputs(OUTPUTS.renditions, OUTPUTS.duration_seconds, poster_key="poster")


@pytest.mark.parametrize(
    ("row", "seen", "step"),
    [
        pytest.param(a_ready_row(is_playable=False), Seen(playlist=STABLE), MarkPlayable(), id="read-back"),
        pytest.param(
            a_ready_row(is_playable=False), Seen(outputs=WITH_POSTER), Republish("poster"), id="written-again",
        ),
        pytest.param(
            a_ready_row(is_playable=False), Seen(playlist="#EXTM3U\n", outputs=WITH_POSTER), Republish("poster"),
            id="shows-something-else",
        ),
        pytest.param(
            a_ready_row(is_playable=False), Seen(outputs=BAD_OUTPUTS),
            Fail(Failure(FailureCode.OUTPUTS_INVALID, BAD_OUTPUTS.message, 1)), id="its-files-are-broken",
        ),
        pytest.param(
            a_row(Phase.ERRORED, published=a_publication()), Seen(outputs=OUTPUTS), Republish(None),
            id="an-older-edition-of-what-failed",
        ),
        pytest.param(
            a_row(Phase.ERRORED, published=a_publication()), Seen(outputs=BAD_OUTPUTS), Rest(),
            id="an-older-edition-that-is-broken",
        ),
    ],
)  # fmt: skip
def test_a_restored_video_gets_its_stable_files_back(row: VideoRow, seen: Seen, step: Step) -> None:
    assert decide(row, seen, NOON, RULES) == step


@pytest.mark.parametrize(
    ("row", "step"),
    [
        pytest.param(a_row(Phase.READY, waited=HOUR), Retire(), id="ready-for-an-hour"),
        pytest.param(a_row(Phase.READY, waited=just_under(HOUR.total_seconds())), Rest(), id="ready-for-less"),
        pytest.param(a_row(Phase.ERRORED, waited=FORTNIGHT), Retire(), id="errored-for-a-fortnight"),
        pytest.param(a_row(Phase.ERRORED, waited=HOUR), Rest(), id="errored-for-an-hour"),
        pytest.param(replace(a_row(Phase.READY, waited=HOUR), retired=True), Rest(), id="it-has-left"),
        pytest.param(
            wished(a_row(Phase.READY, waited=FORTNIGHT), origin=Origin.KUBERNETES), Rest(), id="an-import-stays"
        ),
    ],
)
def test_what_rests_leaves_kubernetes(row: VideoRow, step: Step) -> None:
    assert decide(row, Seen(), NOON, RULES) == step
