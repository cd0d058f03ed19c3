"""What a row takes from its resource, case by case."""

from dataclasses import replace
from typing import Any

import pytest

from controller.rules.adoption import (
    DELETED,
    NO_LABEL,
    NOT_OURS,
    TAKEN,
    AdoptRow,
    DeleteResource,
    RejectResource,
    RestoreRow,
    for_existing_row,
    for_missing_row,
    in_sync,
    needs_read,
    refused,
)
from controller.rules.cached_resource import CachedResource
from crds.resource import Resource, SignedBy
from domain.errors import RefusedError
from domain.failures import Failure, FailureCode
from domain.policy import LifecyclePolicy
from domain.records import VideoRow
from domain.schedule import first_observation
from domain.video import ORIGIN_LABEL, DesiredState, ObservedState, Origin, Phase
from tests.support.builders.resources import NAMESPACE, a_resource, a_status, as_signed
from tests.support.builders.rows import NOON, TIMING, VIDEO_ID, a_desired_state, an_observation, row_of

KEY = f"imports/{NAMESPACE}/films/launch.mov"
SEEN = an_observation(Phase.PROCESSING, revision=5, attempt=2, job_id="job2")
IN_GERMAN = "Ein Film"


def an_import(**changes: Any) -> DesiredState:
    """Return the desired state of an import that says nothing but where its file lies."""
    nothing = {"owner": "", "title": "", "filename": "", "content_type": "", "region": "", "declared_bytes": None}
    return a_desired_state(
        **nothing | {"video_id": "launch", "origin": Origin.KUBERNETES, "storage_key": KEY} | changes
    )


def showing(desired: DesiredState, observed: ObservedState | None = None, **changes: Any) -> Resource:
    """Return a resource with this spec, and with the status of an observation."""
    bare = a_resource(desired, **changes)
    if observed is None:
        return bare
    return as_signed(replace(bare, status=a_status(desired, observed, resource=bare, policy=LifecyclePolicy(TIMING))))


def deciding(resource: Resource, last_attempt: int | None = None) -> AdoptRow | RejectResource | DeleteResource:
    return for_missing_row(resource, last_attempt, NOON, TIMING)


def the_beginning(**changes: Any) -> ObservedState:
    """Return what a row begins with when nothing is known of any work."""
    return replace(first_observation(NOON, TIMING), **changes)


API_ROW = row_of(a_desired_state(revision=3), SEEN)
IMPORT_ROW = row_of(an_import(), SEEN)


@pytest.mark.parametrize(
    ("row", "resource", "asks"),
    [
        pytest.param(None, None, False, id="neither-row-nor-resource"),
        pytest.param(None, showing(a_desired_state()), True, id="no-row"),
        pytest.param(API_ROW, None, False, id="no-resource-it-will-be-made"),
        pytest.param(API_ROW, showing(a_desired_state(revision=3), SEEN), False, id="both-say-the-same"),
        pytest.param(API_ROW, showing(a_desired_state(revision=2)), False, id="the-resource-is-behind"),
        pytest.param(API_ROW, showing(a_desired_state(revision=4), SEEN), True, id="a-newer-desired-state"),
        pytest.param(
            API_ROW, showing(a_desired_state(revision=3), replace(SEEN, revision=6)), True, id="a-newer-observation"
        ),
        pytest.param(IMPORT_ROW, None, True, id="an-import-may-be-gone"),
        pytest.param(row_of(an_import(deleted=True)), None, False, id="an-import-is-released"),
        pytest.param(row_of(an_import(deleted=True)), showing(an_import()), True, id="an-import-is-back"),
        pytest.param(IMPORT_ROW, showing(an_import(), SEEN), False, id="an-import-as-known"),
        pytest.param(IMPORT_ROW, showing(an_import(revision=9), SEEN), False, id="the-revision-says-nothing"),
        pytest.param(IMPORT_ROW, showing(an_import(title=IN_GERMAN), SEEN), True, id="an-import-says-something-else"),
        pytest.param(
            IMPORT_ROW, showing(an_import(), replace(SEEN, revision=6)), True, id="an-import-was-observed-since"
        ),
    ],
)
def test_the_resource_is_read_only_if_it_may_be_ahead_of_the_row(
    row: VideoRow | None, resource: Resource | None, asks: bool
) -> None:
    assert needs_read(row, None if resource is None else CachedResource.of(resource)) == asks


def known_as(desired: DesiredState, observed: ObservedState) -> CachedResource:
    return CachedResource.of(showing(desired, observed))


@pytest.mark.parametrize(
    ("row", "is_so"),
    [
        pytest.param(API_ROW, True, id="wanted-and-not-behind"),
        pytest.param(None, False, id="no-row"),
        pytest.param(replace(API_ROW, retired=True), False, id="retired"),
        pytest.param(row_of(a_desired_state(revision=3, deleted=True), SEEN), False, id="deleted"),
        pytest.param(row_of(a_desired_state(revision=2), SEEN), False, id="behind"),
    ],
)
def test_a_row_with_both_states_of_its_resource_is_up_to_date(row: VideoRow | None, is_so: bool) -> None:
    assert in_sync(row, known_as(a_desired_state(revision=3), SEEN)) == is_so


def test_a_lost_row_is_rebuilt_from_spec_and_status() -> None:
    desired = a_desired_state(revision=4)
    assert deciding(showing(desired, SEEN)) == AdoptRow(desired, SEEN)


def test_a_lost_row_without_a_status_starts_over() -> None:
    assert deciding(showing(a_desired_state())) == AdoptRow(a_desired_state(), the_beginning())


def test_a_resource_left_over_from_a_purged_video_is_removed() -> None:
    assert deciding(showing(a_desired_state(), SEEN), 2) == DeleteResource()


def test_the_label_alone_makes_no_api_video() -> None:
    forged = replace(showing(a_desired_state(), SEEN), spec_signed_by=SignedBy.UNVERIFIED)
    assert deciding(forged) == RejectResource(NOT_OURS)


def test_a_row_is_not_made_from_a_forged_status() -> None:
    forged = replace(showing(a_desired_state(), SEEN), status_signed_by=SignedBy.UNVERIFIED)
    assert deciding(forged) == AdoptRow(a_desired_state(), the_beginning(revision=6))
    beyond = replace(showing(an_import(), replace(SEEN, revision=10**9)), status_signed_by=SignedBy.UNVERIFIED)
    assert deciding(beyond) == AdoptRow(an_import(), the_beginning(revision=1))


def in_toronto(resource: Resource) -> AdoptRow | RejectResource | DeleteResource:
    return for_missing_row(resource, None, NOON, TIMING, region="tor1")


@pytest.mark.parametrize("region", ["ams3", "TOR1", "tor1 ", "mars"])
def test_an_import_from_another_region_is_refused_by_name(region: str) -> None:
    refusal = RejectResource(f'spec.source.region is "{region}", and files are imported from "tor1" only')
    assert in_toronto(showing(an_import(region=region))) == refusal
    assert in_toronto(showing(an_import(region=region), refused(showing(an_import()), refusal.why, NOON))) == refusal


@pytest.mark.parametrize("region", ["", "tor1"])
def test_an_import_names_our_region_or_none(region: str) -> None:
    assert in_toronto(showing(an_import(region=region))) == AdoptRow(an_import(region=region), the_beginning())


def test_an_import_that_has_begun_keeps_its_work_whatever_its_region() -> None:
    assert in_toronto(showing(an_import(region="ams3"), SEEN)) == AdoptRow(an_import(region="ams3"), SEEN)


def test_an_import_starts_with_its_file() -> None:
    assert deciding(showing(an_import())) == AdoptRow(an_import(), the_beginning())


def test_an_import_without_the_label_is_an_import() -> None:
    assert deciding(showing(an_import(), labels={})) == AdoptRow(an_import(), the_beginning())


def test_a_lost_import_is_rebuilt_from_spec_and_status() -> None:
    assert deciding(showing(an_import(), SEEN)) == AdoptRow(an_import(), SEEN)


def test_an_import_under_a_purged_name_continues_its_numbers() -> None:
    assert deciding(showing(an_import()), 3) == AdoptRow(an_import(), the_beginning(attempt=3, attempt_floor=3))


def test_an_import_that_worked_since_the_purge_of_its_name_keeps_its_work() -> None:
    assert deciding(showing(an_import(), SEEN), 1) == AdoptRow(an_import(), SEEN)


def test_an_import_showing_purged_work_starts_over_with_higher_numbers() -> None:
    resource = showing(an_import(), SEEN)
    numbers = {"attempt": 2, "attempt_floor": 2, "revision": 6}
    assert deciding(resource, 2) == AdoptRow(an_import(), the_beginning(**numbers, job_id="job2"))
    newer = {"attempt": 7, "attempt_floor": 7, "revision": 6}
    assert deciding(resource, 7) == AdoptRow(an_import(), the_beginning(**newer))


@pytest.mark.parametrize(
    ("desired", "why"),
    [
        pytest.param(an_import(storage_key="imports/others/a.mov"), f"imports/{NAMESPACE}/", id="of-another-namespace"),
        pytest.param(
            an_import(storage_key=f"imports/{NAMESPACE}x/a.mov"),
            f"imports/{NAMESPACE}/",
            id="of-a-namespace-beside-ours",
        ),
        pytest.param(an_import(storage_key=f"imports/{NAMESPACE}/../x/a.mov"), "imports/", id="that-walks-up"),
        pytest.param(an_import(storage_key=f"imports/{NAMESPACE}/films/"), "; it names a folder", id="of-a-folder"),
        pytest.param(an_import(storage_key=f"imports/{NAMESPACE}//a.mov"), "empty folder name", id="of-no-folder"),
        pytest.param(an_import(storage_key="uploads/launch/original.mov"), "imports/", id="of-a-client"),
        pytest.param(an_import(deleted=True), DELETED, id="that-is-deleted"),
        pytest.param(an_import(video_id="launch.film"), NO_LABEL, id="with-a-dot"),
    ],
)
def test_an_import_is_rejected(desired: DesiredState, why: str) -> None:
    refusal = deciding(showing(desired))
    assert isinstance(refusal, RejectResource)
    assert why in refusal.why


def test_a_row_that_is_behind_restores_one_state_or_both() -> None:
    desired, snapshot = a_desired_state(revision=4, title=IN_GERMAN, deleted=True), replace(SEEN, revision=6)
    assert for_existing_row(API_ROW, showing(desired, snapshot)) == RestoreRow(desired, snapshot)
    assert for_existing_row(API_ROW, showing(desired, SEEN)) == RestoreRow(desired=desired)
    assert for_existing_row(API_ROW, showing(a_desired_state(revision=3), snapshot)) == RestoreRow(observed=snapshot)
    assert for_existing_row(API_ROW, showing(a_desired_state(revision=3), SEEN)) is None


@pytest.mark.parametrize(
    "resource",
    [
        pytest.param(None, id="gone"),
        pytest.param(showing(a_desired_state(revision=9), labels={}), id="whose-label-was-removed"),
        pytest.param(
            showing(an_import(video_id=VIDEO_ID, revision=9), replace(SEEN, revision=9)), id="of-another-file"
        ),
    ],
)
def test_an_api_row_takes_nothing_from_a_resource_that_is_not_its_own(resource: Resource | None) -> None:
    assert for_existing_row(API_ROW, resource) is None


def test_fields_that_never_change_are_not_taken_from_a_resource() -> None:
    fixed = {
        "owner": "thief",
        "filename": "b.mp4",
        "content_type": "text/html",
        "declared_bytes": 9,
        "profile": "other",
    }
    learnt = for_existing_row(API_ROW, showing(a_desired_state(revision=4, **fixed), SEEN))
    assert learnt == RestoreRow(a_desired_state(revision=4))


@pytest.mark.parametrize("half", ["spec", "status"])
def test_an_unsigned_resource_or_one_that_leaps_restores_nothing(half: str) -> None:
    newer = showing(a_desired_state(revision=4), replace(SEEN, revision=6))
    both = for_existing_row(API_ROW, newer)
    assert both is not None
    kept = replace(both, **{"desired" if half == "spec" else "observed": None})
    unsigned: dict[str, Any] = {f"{half}_signed_by": SignedBy.UNVERIFIED}
    assert for_existing_row(API_ROW, replace(newer, **unsigned)) == kept
    older: dict[str, Any] = {f"{half}_signed_by": SignedBy.OLDER_KEY}
    assert for_existing_row(API_ROW, replace(newer, **older)) == both
    revisions = {"spec": 4, "status": 6} | {half: 10**9}
    leaping = showing(a_desired_state(revision=revisions["spec"]), replace(SEEN, revision=revisions["status"]))
    assert for_existing_row(API_ROW, leaping) == kept


def test_an_import_that_is_being_deleted_is_released_and_begins_nothing() -> None:
    leaving = showing(an_import(title=IN_GERMAN), SEEN, deletion_timestamp="2026-07-01T12:00:00Z")
    released = replace(an_import(), deleted=True, revision=2)
    assert needs_read(IMPORT_ROW, CachedResource.of(leaving))
    assert for_existing_row(IMPORT_ROW, leaving) == RestoreRow(desired=released)
    assert not needs_read(row_of(released, SEEN), CachedResource.of(leaving))
    assert for_existing_row(row_of(released), leaving) is None


@pytest.mark.parametrize("revision", [1, 6])
def test_a_row_with_more_attempts_than_its_resource_keeps_its_work(revision: int) -> None:
    row = row_of(a_desired_state(), an_observation(Phase.UPLOADED, revision=4, attempt=3))
    shown = replace(SEEN, revision=revision)
    kept = RestoreRow(observed=replace(row.observed, revision=7)) if revision == 6 else None
    assert for_existing_row(row, showing(a_desired_state(), shown)) == kept


def test_an_import_follows_its_spec_under_a_revision_of_its_own() -> None:
    said = an_import(title=IN_GERMAN, edition=2, revision=1)
    row = row_of(an_import(revision=7), SEEN)
    assert for_existing_row(row, showing(said, SEEN)) == RestoreRow(desired=replace(said, revision=8))


def test_an_import_whose_label_says_otherwise_stays_an_import() -> None:
    labels = {ORIGIN_LABEL: Origin.API.value}
    said = showing(an_import(title=IN_GERMAN, revision=9), SEEN, labels=labels)
    assert for_existing_row(IMPORT_ROW, said) == RestoreRow(desired=an_import(title=IN_GERMAN, revision=2))


def test_a_released_import_applied_again_continues_its_numbers() -> None:
    row = row_of(an_import(revision=5, deleted=True, edition=3, retries=2, confirmations=1), SEEN)
    back = replace(row.desired, deleted=False, revision=6)
    assert for_existing_row(row, showing(an_import())) == RestoreRow(desired=back)


def test_an_import_that_is_gone_is_released_once() -> None:
    released = replace(an_import(), deleted=True, revision=2)
    assert for_existing_row(IMPORT_ROW, None) == RestoreRow(desired=released)
    assert for_existing_row(row_of(released), None) is None


def test_another_file_under_the_name_of_an_import_has_to_wait() -> None:
    other = showing(an_import(storage_key=f"imports/{NAMESPACE}/films/second.mov"))
    released = replace(an_import(), deleted=True, revision=2)
    assert for_existing_row(IMPORT_ROW, other) == RestoreRow(desired=released, refusal=TAKEN)
    assert for_existing_row(row_of(released), other) == RestoreRow(refusal=TAKEN)


def test_a_refused_import_shows_the_same_failure_in_every_pass() -> None:
    resource = showing(an_import())
    snapshot = refused(resource, TAKEN, NOON)
    assert (snapshot.revision, snapshot.phase, snapshot.failure) == (
        0,
        Phase.ERRORED,
        Failure(FailureCode.IMPORT_REFUSED, TAKEN, 0),
    )
    again = showing(an_import(), snapshot)
    assert refused(again, TAKEN, NOON.replace(hour=20)) == snapshot
    assert refused(again, DELETED, NOON.replace(hour=20)) != snapshot


def test_a_refusal_after_work_lowers_no_number() -> None:
    snapshot = refused(showing(an_import(), SEEN), DELETED, NOON)
    assert (snapshot.revision, snapshot.attempt, snapshot.job_id, snapshot.is_playable) == (5, 2, "job2", False)


def test_an_import_accepted_after_a_refusal_starts_above_its_revision() -> None:
    resource = showing(an_import(), refused(showing(an_import()), TAKEN, NOON))
    assert deciding(resource) == AdoptRow(an_import(), the_beginning(revision=1))
    worked = showing(an_import(), refused(showing(an_import(), SEEN), DELETED, NOON))
    numbers = {"attempt": 2, "attempt_floor": 2, "revision": 6, "job_id": "job2"}
    assert deciding(worked) == AdoptRow(an_import(), the_beginning(**numbers))


@pytest.mark.parametrize("half", ["spec", "status"])
def test_a_status_of_an_unknown_release_is_not_interpreted(half: str) -> None:
    resource = showing(a_desired_state(revision=9), replace(SEEN, revision=9))
    changes: dict[str, Any] = {half: {**getattr(resource, half), "colour": "red"}}
    foreign = replace(resource, **changes)
    with pytest.raises(RefusedError, match="not of this release"):
        for_existing_row(API_ROW, foreign)
    with pytest.raises(RefusedError, match="not of this release"):
        deciding(foreign)
