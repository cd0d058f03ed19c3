"""What status shows people and tools about each state of an upload."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given

from crds.resource import Resource
from domain.failures import FailureCode
from domain.video import (
    RECONCILE_REQUESTED_ANNOTATION,
    DesiredState,
    ObservedState,
    Phase,
    Published,
    Reason,
    Rejection,
    SourceFacts,
)
from storage.verify.container import Container
from tests.support.builders.resources import a_resource, a_status
from tests.support.builders.rows import NOON, a_desired_state, a_failure, an_observation
from tests.support.builders.strategies import desired_states, observed_states
from tests.support.kstatus import Verdict, kstatus

PUBLISHED = Published(edition=1, attempt=1, duration_seconds=9.5, renditions=(), has_poster=True)
SOURCE = SourceFacts(etag="e", last_modified=NOON, file_bytes=9, container="mp4")


def shown(observed: ObservedState, desired: DesiredState | None = None) -> dict[str, Any]:
    desired = desired or a_desired_state(edition=observed.edition, retries=observed.retries)
    return a_status(desired, observed)


def conditions(status: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {one["type"]: (one["status"], one["reason"]) for one in status["conditions"]}


IN_PROGRESS, FAILED, CURRENT = Verdict.IN_PROGRESS, Verdict.FAILED, Verdict.CURRENT
PLAYABLE_SECOND_EDITION = {"edition": 2, "is_playable": True, "published": PUBLISHED}


@pytest.mark.parametrize(
    ("observed", "desired", "phase", "verdict"),
    [
        pytest.param(an_observation(Phase.PENDING), a_desired_state(), "pending", IN_PROGRESS, id="no-url-yet"),
        pytest.param(an_observation(Phase.UPLOADING), a_desired_state(), "uploading", IN_PROGRESS, id="no-file-yet"),
        pytest.param(
            an_observation(Phase.UPLOADING, reason=Reason.FILE_REJECTED), a_desired_state(), "uploading", IN_PROGRESS,
            id="first-file-rejected",
        ),
        pytest.param(an_observation(Phase.UPLOADED), a_desired_state(), "uploaded", IN_PROGRESS, id="file-verified"),
        pytest.param(
            an_observation(Phase.UPLOADED, reason=Reason.SUBMISSION_UNCERTAIN),
            a_desired_state(), "uploaded", IN_PROGRESS,
            id="submission-uncertain",
        ),
        pytest.param(an_observation(Phase.PROCESSING), a_desired_state(), "processing", IN_PROGRESS, id="job-runs"),
        pytest.param(an_observation(Phase.READY), a_desired_state(), "ready", CURRENT, id="playable"),
        pytest.param(an_observation(Phase.ERRORED), a_desired_state(), "errored", FAILED, id="errored"),
        pytest.param(
            an_observation(Phase.ERRORED), a_desired_state(retries=1), "errored", IN_PROGRESS, id="retry-requested",
        ),
        pytest.param(
            an_observation(Phase.READY), a_desired_state(edition=2), "ready", IN_PROGRESS, id="new-edition-requested",
        ),
        pytest.param(
            an_observation(Phase.PROCESSING, **PLAYABLE_SECOND_EDITION),
            a_desired_state(edition=2), "ready", IN_PROGRESS,
            id="transcodes-again-while-playable",
        ),
        pytest.param(
            an_observation(Phase.ERRORED, **PLAYABLE_SECOND_EDITION), a_desired_state(edition=2), "ready", FAILED,
            id="second-transcode-failed-while-playable",
        ),
        pytest.param(
            an_observation(Phase.READY, is_playable=False), a_desired_state(), "ready", IN_PROGRESS,
            id="published-playlist-was-lost",
        ),
    ],
)  # fmt: skip
def test_tools_that_follow_kstatus_see_the_phase(
    observed: ObservedState, desired: DesiredState, phase: str, verdict: Verdict
) -> None:
    status = shown(observed, desired)
    assert status["phase"] == phase
    assert kstatus(generation=1, status=status) == verdict


def test_a_resource_without_a_status_is_in_progress() -> None:
    # As the schema's default makes it; crds/test_schema.py keeps it so.
    assert kstatus(generation=1, status={"observedGeneration": -1, "phase": "pending"}) == Verdict.IN_PROGRESS


def test_a_changed_spec_is_in_progress_until_its_pass() -> None:
    status = shown(an_observation(Phase.READY))
    assert kstatus(generation=2, status=status) == Verdict.IN_PROGRESS


@given(desired=desired_states, observed=observed_states)
def test_reconciling_and_stalled_are_never_true_together(desired: DesiredState, observed: ObservedState) -> None:
    now = conditions(a_status(desired, observed))
    assert not (now["Reconciling"][0] == now["Stalled"][0] == "True")


@given(desired=desired_states, observed=observed_states)
def test_every_condition_is_present_from_the_first_pass_on(desired: DesiredState, observed: ObservedState) -> None:
    now = conditions(a_status(desired, observed))
    assert list(now) == ["Ready", "Reconciling", "Stalled", "SourceVerified", "JobSubmitted", "OutputsVerified"]


def test_a_condition_keeps_its_time_until_its_status_changes() -> None:
    desired, later = a_desired_state(), NOON + timedelta(minutes=5)
    first = a_status(desired, an_observation(Phase.UPLOADED))
    running = an_observation(Phase.PROCESSING, job_id="j1", source=SOURCE)
    second = a_status(desired, running, resource=a_resource(desired, status=first), now=later)
    times = {one["type"]: one["lastTransitionTime"] for one in second["conditions"]}
    unchanged, changed = "2026-07-01T12:00:00Z", "2026-07-01T12:05:00Z"
    assert times["Reconciling"] == unchanged
    assert times["JobSubmitted"] == times["SourceVerified"] == changed


@pytest.mark.parametrize(
    ("observed", "condition", "status", "reason"),
    [
        pytest.param(an_observation(Phase.UPLOADING), "SourceVerified", "Unknown", "NotSeen", id="no-file-seen"),
        pytest.param(
            an_observation(Phase.UPLOADING, rejected=Rejection("not_a_video", "a text file", "v", 0)),
            "SourceVerified", "False", "FileRejected", id="file-rejected",
        ),
        pytest.param(an_observation(Phase.UPLOADED, source=SOURCE), "SourceVerified", "True", "Verified", id="seen"),
        pytest.param(an_observation(Phase.UPLOADED), "JobSubmitted", "False", "NotSubmitted", id="not-submitted"),
        pytest.param(
            an_observation(Phase.UPLOADED, reason=Reason.SUBMISSION_UNCERTAIN),
            "JobSubmitted", "Unknown", "SubmissionUncertain", id="uncertain",
        ),
        pytest.param(an_observation(Phase.PROCESSING, job_id="j"), "JobSubmitted", "True", "Submitted", id="submitted"),
        pytest.param(an_observation(Phase.PROCESSING), "OutputsVerified", "Unknown", "NotChecked", id="no-outputs-yet"),
        pytest.param(an_observation(Phase.READY, published=PUBLISHED), "OutputsVerified", "True", "Verified", id="all"),
        pytest.param(
            an_observation(Phase.PROCESSING, edition=2, published=PUBLISHED),
            "OutputsVerified", "Unknown", "NotChecked", id="only-the-old-edition-is-whole",
        ),
        pytest.param(
            an_observation(Phase.ERRORED, failure=a_failure(FailureCode.OUTPUTS_INVALID)),
            "OutputsVerified", "False", "OutputsInvalid", id="outputs-invalid",
        ),
        pytest.param(
            an_observation(Phase.ERRORED, **PLAYABLE_SECOND_EDITION), "Ready", "True", "Published", id="still-playable",
        ),
        pytest.param(
            an_observation(Phase.ERRORED, failure=a_failure(FailureCode.NOT_A_VIDEO)),
            "Stalled", "True", "NotAVideo", id="stalled-says-why",
        ),
    ],
)  # fmt: skip
def test_conditions(observed: ObservedState, condition: str, status: str, reason: str) -> None:
    assert conditions(shown(observed))[condition] == (status, reason)


def test_an_unknown_format_says_that_the_provider_looks_at_it() -> None:
    observed = an_observation(Phase.UPLOADED, source=replace(SOURCE, container=Container.UNKNOWN))
    (verified,) = [one for one in shown(observed)["conditions"] if one["type"] == "SourceVerified"]
    assert verified["message"] == "The format of the original is not known; the transcoding service looks at it once."


def test_a_deleted_video_is_neither_ready_nor_on_its_way() -> None:
    now = conditions(shown(an_observation(Phase.READY, is_playable=False), a_desired_state(deleted=True)))
    assert now["Ready"] == ("False", "Deleted")
    assert now["Reconciling"][0] == now["Stalled"][0] == "False"


@pytest.mark.parametrize(
    ("observed", "progress"),
    [
        pytest.param(an_observation(Phase.UPLOADING, progress_percent=0), None, id="nothing-to-show-yet"),
        pytest.param(an_observation(Phase.PROCESSING, progress_percent=40), "40%", id="job-at-forty"),
        pytest.param(an_observation(Phase.READY, progress_percent=97), "100%", id="ready-is-all"),
        pytest.param(an_observation(Phase.ERRORED, progress_percent=100), None, id="a-failed-job-ends-at-100-too"),
    ],
)
def test_progress_reads_well(observed: ObservedState, progress: str | None) -> None:
    assert shown(observed).get("progress") == progress


@pytest.mark.parametrize("code", list(FailureCode))
def test_the_reason_of_a_failed_upload_names_its_failure(code: FailureCode) -> None:
    status = shown(an_observation(Phase.ERRORED, failure=a_failure(code)))
    assert status["reason"].lower() == code.value.replace("_", "")
    assert status["failure"]["action"] in status["message"]


def test_a_failure_without_details_still_makes_a_status() -> None:
    assert shown(an_observation(Phase.ERRORED, failure=None))["reason"] == "Failed"


def test_a_reconcile_request_is_acknowledged() -> None:
    desired = a_desired_state()
    resource = a_resource(desired, annotations={RECONCILE_REQUESTED_ANNOTATION: "monday"})
    status = a_status(desired, an_observation(Phase.UPLOADING), resource=resource)
    assert status["lastHandledReconcileAt"] == "monday"


def test_an_overlong_reconcile_request_does_not_block_the_status() -> None:
    desired = a_desired_state()
    resource = a_resource(desired, annotations={RECONCILE_REQUESTED_ANNOTATION: "x" * 9_999})
    status = a_status(desired, an_observation(Phase.UPLOADING), resource=resource)
    assert len(status["lastHandledReconcileAt"]) == 128


def test_a_condition_of_another_release_is_no_obstacle() -> None:
    desired = a_desired_state()
    before = a_status(desired, an_observation(Phase.UPLOADING))
    before["conditions"].append({**before["conditions"][0], "type": "Watermarked"})
    resource = replace(a_resource(desired), status=before)
    after = a_status(desired, an_observation(Phase.UPLOADED), resource=resource)
    assert "Watermarked" not in conditions(after)


@pytest.mark.parametrize(
    "status", [None, {"observedGeneration": -1, "phase": "pending"}], ids=["none", "the-schema's-default"]
)
def test_an_empty_status_reads_as_none(status: dict[str, Any] | None) -> None:
    metadata = {"name": "a", "namespace": "b", "uid": "c", "resourceVersion": "1", "generation": 1}
    assert Resource.from_object({"metadata": metadata, "spec": {}, "status": status}).status is None
