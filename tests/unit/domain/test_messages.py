"""Every state is presented in words that a person can act on."""

import pytest
from hypothesis import given

from domain.failures import ADVICE, FailureCode
from domain.messages import present
from domain.video import HAS_FAILED, DesiredState, ObservedState, Origin, Phase, Reason, Rejection
from tests.support.builders.rows import a_desired_state, a_failure, an_observation
from tests.support.builders.strategies import desired_states, observed_states


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason is not Reason.PUBLISHED])
def test_an_upload_that_is_not_published_waits_for_something(reason: Reason) -> None:
    assert present(a_desired_state(), an_observation(Phase.UPLOADED, reason=reason)).waiting_for


def test_a_published_video_waits_for_nothing_and_asks_for_nothing() -> None:
    presentation = present(a_desired_state(), an_observation(Phase.READY))
    assert (presentation.waiting_for, presentation.what_to_do) == (None, None)
    assert not presentation.is_moving


@pytest.mark.parametrize("code", list(FailureCode))
def test_a_failure_says_what_a_person_can_do(code: FailureCode) -> None:
    presentation = present(a_desired_state(), an_observation(Phase.ERRORED, failure=a_failure(code)))
    assert (presentation.waiting_for, presentation.what_to_do) == ("a person", ADVICE[code].action)


@pytest.mark.parametrize(
    ("code", "instead"),
    [
        ("file_too_large", "a smaller file"),
        ("size_mismatch", "the whole file of the declared size"),
        ("video_incomplete", "the complete file"),
        ("not_a_video", "a playable video file"),
        ("a_code_of_tomorrow", "a playable video file"),
    ],
)
def test_a_rejected_file_says_what_to_upload_instead(code: str, instead: str) -> None:
    rejected = Rejection(code, "refused", "v", 0)
    observed = an_observation(Phase.UPLOADING, reason=Reason.FILE_REJECTED, rejected=rejected)
    assert instead in (present(a_desired_state(), observed).what_to_do or "")


def test_an_import_gets_no_advice_about_upload_urls() -> None:
    desired = a_desired_state(origin=Origin.KUBERNETES)
    rejected = Rejection("video_incomplete", "refused", "v", 0)
    waiting = present(desired, an_observation(Phase.UPLOADING))
    rejected_file = present(desired, an_observation(Phase.UPLOADING, reason=Reason.FILE_REJECTED, rejected=rejected))
    assert waiting.what_to_do == "Put the file at the key that spec.source.storageKey names."
    assert rejected_file.what_to_do == "Put the complete file at the same key."


@pytest.mark.parametrize("desired", [a_desired_state(edition=2), a_desired_state(retries=1)], ids=["edition", "retry"])
def test_an_edition_or_retry_that_no_pass_has_started_waits_for_the_operator(desired: DesiredState) -> None:
    assert "operator" in (present(desired, an_observation(Phase.ERRORED)).waiting_for or "")


def test_a_deleted_video_waits_for_nothing_and_can_be_restored() -> None:
    presentation = present(a_desired_state(deleted=True), an_observation(Phase.READY))
    assert presentation.waiting_for is None
    assert "restore" in (presentation.what_to_do or "")


def test_a_restored_video_waits_for_its_stream() -> None:
    assert "stream" in (present(a_desired_state(), an_observation(Phase.READY, is_playable=False)).waiting_for or "")


@given(desired=desired_states, observed=observed_states)
def test_messages_and_advice_are_sentences(desired: DesiredState, observed: ObservedState) -> None:
    presentation = present(desired, observed)
    has_failed = observed.reason in HAS_FAILED and observed.failure is not None
    is_sentence = presentation.message[:1].isupper() and presentation.message.endswith(".")
    assert is_sentence or has_failed or (presentation.waiting_for, presentation.what_to_do) == (None, None)
    advice = presentation.what_to_do
    assert advice is None or (advice[0].isupper() and advice.endswith("."))
