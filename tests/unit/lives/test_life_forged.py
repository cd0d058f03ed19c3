"""Lives in which a person with the right to edit VideoUploads writes what only the service may write."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from domain.errors import RefusedError
from domain.video import COUNTER_MAX, GROUP, ORIGIN_LABEL, PAUSED_ANNOTATION, Phase
from tests.support.fakes.resources import NAMESPACE
from tests.support.fakes.transcoder import Script
from tests.support.fakes.videos import mp4
from tests.support.world.dumps import Dump
from tests.support.world.endings import HASTY, assert_ends_ready, assert_playable, assert_shown
from tests.support.world.operator import Process, live, settled
from tests.support.world.world import VIDEO_ID, InMemoryWorld

IMPORT_KEY = f"imports/{NAMESPACE}/films/launch.mov"
SIGNATURE = f"{GROUP}/signature"
HALF_AN_HOUR = 1800.0
FORGED_SPECS = [
    pytest.param({"owner": "thief", "revision": 50}, id="the-owner-under-a-higher-revision"),
    pytest.param({"owner": "thief"}, id="the-owner-under-the-same-revision"),
    pytest.param({"filename": "invoice.exe", "revision": 2}, id="the-filename"),
    pytest.param({"title": "Mine", "revision": 2}, id="the-title"),
    pytest.param({"deleted": True, "revision": 2}, id="a-deletion"),
    pytest.param({"edition": 9, "revision": 2}, id="an-edition-that-costs-a-job"),
    pytest.param({"edition": COUNTER_MAX}, id="the-last-edition"),
    pytest.param(
        {"retries": COUNTER_MAX, "confirmations": COUNTER_MAX, "revision": COUNTER_MAX}, id="the-last-numbers"
    ),
]


def a_ready_world() -> InMemoryWorld:
    world = InMemoryWorld(None, HASTY)
    world.create()
    world.send_file()
    live(world)
    return world


def edit_spec(world: InMemoryWorld, changes: Mapping[str, Any]) -> None:
    """Play a person with `kubectl patch`."""
    resource = world.resources.by_name[VIDEO_ID]
    world.resources.by_name[VIDEO_ID] = replace(
        resource, spec={**resource.spec, **changes}, generation=resource.generation + 1, resource_version="edited"
    )


def edit_status(world: InMemoryWorld, **changes: Any) -> None:
    """Play a person with `kubectl patch --subresource=status`. ``work`` is merged."""
    resource = world.resources.by_name[VIDEO_ID]
    status = dict(resource.status or {})
    status |= changes | {"work": {**status["work"], **changes.get("work", {})}}
    world.resources.by_name[VIDEO_ID] = replace(resource, status=status, resource_version="edited")


@pytest.mark.parametrize("changes", FORGED_SPECS)
def test_an_edited_spec_is_overwritten_with_what_the_owner_wants(changes: dict[str, Any]) -> None:
    world = a_ready_world()
    before, spec = world.row, world.resources.by_name[VIDEO_ID].spec
    edit_spec(world, changes)
    settled(world)
    assert world.row == before
    assert world.resources.by_name[VIDEO_ID].spec == spec
    assert_ends_ready(world)


@pytest.mark.parametrize("changes", FORGED_SPECS)
def test_an_edited_spec_is_overwritten_as_soon_as_the_watch_delivers_it(changes: dict[str, Any]) -> None:
    world = a_ready_world()
    before, spec = world.row, world.resources.by_name[VIDEO_ID].spec
    process = Process(world)
    process.begin()
    edit_spec(world, changes)
    process.watch()
    while not process.is_idle():
        process.step()
    assert (world.row, world.resources.by_name[VIDEO_ID].spec) == (before, spec)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"revision": 99, "work": {"attemptFloor": 1}}, id="a-new-budget"),
        pytest.param({"revision": 99, "work": {"phase": "uploaded"}}, id="a-job-to-buy"),
        pytest.param({"revision": 99, "work": {"attempt": 7, "jobId": "jobofanother"}}, id="the-job-of-another-video"),
        pytest.param({"revision": COUNTER_MAX}, id="the-last-revision"),
        pytest.param({"isPlayable": False}, id="under-the-same-revision"),
    ],
)
def test_an_edited_status_is_overwritten_with_the_row(changes: dict[str, Any]) -> None:
    world = a_ready_world()
    before = world.row
    edit_status(world, **changes)
    settled(world)
    assert world.row == before
    assert_shown(world)
    assert_ends_ready(world)
    status = world.resources.by_name[VIDEO_ID].status
    assert status is not None
    assert (status["revision"], status["work"]["attempt"]) == (before.observed.revision, 1)


def test_a_status_that_is_forged_while_a_job_is_due_does_not_hold_it_up() -> None:
    world = InMemoryWorld(None, HASTY)
    world.create()
    world.resources.apply(world.row.desired)
    settled_once = Process(world)
    settled_once.begin()
    settled_once.step()
    edit_status(world, revision=500)
    world.send_file()
    live(world)
    assert_ends_ready(world)


def test_a_resource_with_the_apis_label_and_no_row_is_rejected() -> None:
    world = InMemoryWorld(None, HASTY)
    desired = world.create().desired
    del world.records.rows[VIDEO_ID]
    world.resources.apply(replace(desired, owner="thief"))
    resource = world.resources.by_name[VIDEO_ID]
    world.resources.by_name[VIDEO_ID] = replace(resource, annotations={})
    world.storage.put_raw(desired.storage_key, mp4())
    settled(world)
    assert VIDEO_ID not in world.records.rows
    status = world.resources.by_name[VIDEO_ID].status
    assert status is not None
    assert (status["phase"], status["reason"]) == (Phase.ERRORED, "ImportRefused")
    assert "signature is missing or wrong" in status["message"]
    assert not world.transcoder.jobs


def test_the_signature_of_one_video_says_nothing_about_another() -> None:
    world = InMemoryWorld(None, HASTY)
    world.resources.apply(world.create().desired)
    resource = world.resources.by_name[VIDEO_ID]
    world.resources.by_name["another"] = replace(resource, name="another", uid="uid-another")
    settled(world)
    assert set(world.records.rows) == {VIDEO_ID}


@pytest.mark.parametrize(
    "changes",
    [{"labels": {}}, {"annotations": {}}, {"annotations": {SIGNATURE: "v1=00"}}],
    ids=["label", "signature", "another-signature"],
)
def test_a_removed_label_or_signature_comes_back(changes: dict[str, Any]) -> None:
    world = a_ready_world()
    before = world.resources.by_name[VIDEO_ID]
    world.resources.by_name[VIDEO_ID] = replace(before, **changes)
    settled(world)
    after = world.resources.by_name[VIDEO_ID]
    assert (after.labels, after.annotations) == (before.labels, before.annotations)


def test_a_dump_older_than_a_forgery_still_learns_of_the_job_that_was_paid_for() -> None:
    world = InMemoryWorld(Script(job_seconds=HALF_AN_HOUR), HASTY)
    world.create()
    world.send_file()
    process = Process(world)
    process.begin()
    dump = Dump(world.records)
    while world.row.observed.phase is not Phase.PROCESSING or process.queue.state().depth:
        process.step()
    edit_spec(world, {"owner": "thief", "revision": 50})
    dump.restore(world.records)
    live(world)
    assert world.row.desired.owner == "user-1"
    assert len(world.transcoder.jobs) == 1
    assert_playable(world)


def test_a_resource_signed_by_an_older_key_counts_and_is_signed_again() -> None:
    world = a_ready_world()
    dump = Dump(InMemoryWorld().records)
    before = world.row
    old = world.resources.signatures
    world.resources.signatures = type(old)(["the-new-key-of-the-tests-of-32-bytes", "the-key-of-the-tests-of-32-bytes"])
    dump.restore(world.records)
    settled(world)
    assert (world.row.desired, world.row.observed) == (before.desired, before.observed)
    world.resources.signatures = type(old)(["the-new-key-of-the-tests-of-32-bytes"])
    dump.restore(world.records)
    settled(world)
    assert (world.row.desired, world.row.observed) == (before.desired, before.observed)


def test_a_resource_signed_by_an_unknown_key_is_signed_again_from_the_row() -> None:
    world = a_ready_world()
    world.resources.signatures = type(world.resources.signatures)(["another-key-of-the-tests-of-32-bytes"])
    before, resource = world.row, world.resources.by_name[VIDEO_ID]
    world.resources.annotate(VIDEO_ID, PAUSED_ANNOTATION, "false")
    settled(world)
    assert world.row == before
    again = world.resources.by_name[VIDEO_ID]
    assert (again.uid, again.spec) == (resource.uid, resource.spec), "it is written over, not made anew"
    Dump(InMemoryWorld().records).restore(world.records)
    settled(world)
    assert world.row.observed == before.observed


def test_an_import_belongs_to_no_user() -> None:
    world = InMemoryWorld(None, HASTY)
    world.storage.put_raw(IMPORT_KEY, mp4())
    world.resources.put(VIDEO_ID, storage_key=IMPORT_KEY, owner="user-1")
    live(world)
    assert world.row.desired.owner == ""
    # A row of the release before may have one.
    world.records.rows[VIDEO_ID] = replace(world.row, desired=replace(world.row.desired, owner="user-1"))
    settled(world)
    assert world.row.desired.owner == ""
    assert_playable(world)


@pytest.mark.parametrize("revision", [99, COUNTER_MAX])
def test_a_forged_status_of_an_import_restores_nothing(revision: int) -> None:
    world = InMemoryWorld(None, HASTY)
    world.storage.put_raw(IMPORT_KEY, mp4())
    world.resources.put(VIDEO_ID, storage_key=IMPORT_KEY)
    live(world)
    before = world.row.observed
    edit_status(world, revision=revision, work={"attemptFloor": 1, "phase": "uploaded"})
    if revision == COUNTER_MAX:
        # Only its owner can replace it: the API server takes no lower number, and deleting it would end the video.
        with pytest.raises(AssertionError, match="round and round"):
            settled(world)
    else:
        settled(world)
        assert_shown(world)
    assert replace(world.row.observed, revision=before.revision) == before
    assert len(world.transcoder.jobs) == 1


def test_an_import_that_takes_the_apis_label_stays_one() -> None:
    world = InMemoryWorld(None, HASTY)
    world.storage.put_raw(IMPORT_KEY, mp4())
    world.resources.put(VIDEO_ID, storage_key=IMPORT_KEY)
    live(world)
    resource = world.resources.by_name[VIDEO_ID]
    world.resources.by_name[VIDEO_ID] = replace(
        resource, labels={ORIGIN_LABEL: "api"}, spec={**resource.spec, "owner": "user-1"}, generation=2
    )
    settled(world)
    assert world.row.desired.owner == ""
    assert_playable(world)


def test_the_fake_api_server_refuses_what_the_kind_refuses() -> None:
    world = a_ready_world()
    edit_spec(world, {"edition": 9})
    with pytest.raises(RefusedError):
        world.resources.apply(world.row.desired)
