"""Lives in which a person takes part: pauses, retries, new editions, deletion and restore; and retirement."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from domain.failures import FailureCode
from domain.records import Cause
from domain.video import PAUSED_ANNOTATION, RETRY_REQUESTED_ANNOTATION, Phase, Reason
from tests.support.fakes.transcoder import Answer, JobEnd, Script
from tests.support.world.endings import (
    HASTY,
    a_world,
    assert_at_rest_for_good,
    assert_ends_errored,
    assert_ends_ready,
    assert_paid_within_bounds,
    assert_playable,
)
from tests.support.world.operator import Process, killed_at_each_moment, live, run_until, settled
from tests.support.world.world import VIDEO_ID, InMemoryWorld

DAY = 86_400.0
Person = Callable[[InMemoryWorld], None]


def by_api(world: InMemoryWorld) -> None:
    world.records.retry(VIDEO_ID)


def by_annotation(world: InMemoryWorld) -> None:
    world.resources.annotate(VIDEO_ID, RETRY_REQUESTED_ANNOTATION, f"at {world.clock.monotonic()}")


def a_world_with_a_text() -> InMemoryWorld:
    world = InMemoryWorld(timing=HASTY)
    world.create()
    world.send_file(b"this is a text")
    return world


PEOPLE = pytest.mark.parametrize("ask", [by_api, by_annotation])


@PEOPLE
def test_a_retry_of_a_dead_letter_gets_all_its_submissions_again(ask: Person) -> None:
    world = a_world(Script(job_ends=[JobEnd.BREAKS] * 5))
    live(world)
    assert_ends_errored(world, FailureCode.TRANSCODE_FAILED, jobs=3)

    ask(world)
    settled(world)

    assert_playable(world)
    assert len(world.transcoder.jobs) == 6, "two more broke, the third was good"
    assert world.row.observed.attempt_floor == 3
    assert_at_rest_for_good(world)


@PEOPLE
def test_a_retry_of_a_playable_video_buys_nothing(ask: Person) -> None:
    world = a_world()
    live(world)
    ask(world)
    settled(world)
    assert_ends_ready(world, jobs=1)


@PEOPLE
def test_a_bad_file_is_replaced_after_a_retry(ask: Person) -> None:
    world = a_world_with_a_text()
    live(world)
    assert_ends_errored(world, FailureCode.NOT_A_VIDEO, jobs=0)

    ask(world)
    world.send_file()
    settled(world)
    assert_ends_ready(world, jobs=1)


@PEOPLE
def test_a_bad_file_after_a_retry_counts_only_once_its_owner_could_see_it(ask: Person) -> None:
    world = a_world_with_a_text()
    world.records.confirm(VIDEO_ID)
    live(world)
    ask(world)
    process = run_until(
        world, lambda world: world.row.observed.phase is Phase.UPLOADING and world.row.observed.rejected is not None
    )
    world.records.confirm(VIDEO_ID)
    process.queue.add(VIDEO_ID, Cause.CLIENT)
    process.step()
    assert world.row.observed.rejections == 1, "confirmed for the first time, and rejected only now"

    world.records.confirm(VIDEO_ID)
    live(world)
    assert_ends_errored(world, FailureCode.NOT_A_VIDEO, jobs=0)


def test_killed_at_any_moment_a_retry_starts_once() -> None:
    def errored() -> InMemoryWorld:
        world = a_world(Script(job_ends=[JobEnd.CANNOT_DECODE]))
        live(world)
        by_annotation(world)
        return world

    for world in killed_at_each_moment(errored):
        assert_playable(world)
        assert len(world.transcoder.jobs) == 2


def test_a_new_edition_replaces_the_old_one_without_a_gap() -> None:
    world = a_world()
    live(world)
    world.records.ask_for_edition(VIDEO_ID)
    gaps: list[float] = []

    def look() -> None:
        if world.storage.read_playlist(VIDEO_ID) is None or shown(world)["phase"] != Phase.READY:
            gaps.append(world.clock.monotonic())

    settled(world, meanwhile=look)
    assert not gaps
    assert world.row.observed.published is not None
    assert (world.row.observed.published.edition, world.row.observed.published.attempt) == (2, 2)
    assert_ends_ready(world, jobs=2)


def test_a_failed_new_edition_leaves_the_old_one_playing() -> None:
    world = a_world(Script(job_ends=[JobEnd.COMPLETES, JobEnd.CANNOT_DECODE]))
    live(world)
    world.records.ask_for_edition(VIDEO_ID)
    settled(world)
    assert (shown(world)["phase"], shown(world)["work"]["phase"]) == (Phase.READY, Phase.ERRORED)
    assert world.storage.read_playlist(VIDEO_ID) is not None
    assert_at_rest_for_good(world)


@pytest.mark.parametrize(
    ("phase", "answers"),
    [(Phase.UPLOADING, []), (Phase.UPLOADED, [Answer.BUSY] * 3), (Phase.PROCESSING, [])],
    ids=["uploading", "uploaded", "processing"],
)
def test_a_paused_upload_is_left_alone_until_the_annotation_goes(phase: Phase, answers: list[Answer]) -> None:
    world = InMemoryWorld(Script(list(answers), job_seconds=3600))
    world.create()
    process = Process(world)
    process.begin()
    process.step()
    if phase is not Phase.UPLOADING:
        world.send_file()
    while world.row.observed.phase is not phase or phase != shown(world).get("phase"):
        process.step()
    world.resources.annotate(VIDEO_ID, PAUSED_ANNOTATION, "true")
    world.send_file()
    settled(world)
    jobs, revision = len(world.transcoder.jobs), world.row.observed.revision
    world.pass_time(20 * DAY)
    world.kill_switch.calls.clear()
    settled(world)
    assert not {"head", "job", "since", "read_playlist"} & set(world.kill_switch.calls), "no upstream is called for it"
    assert (len(world.transcoder.jobs), world.row.observed.revision) == (jobs, revision)
    assert (shown(world)["reason"], shown(world)["isPaused"], shown(world).get("deadline")) == ("Paused", True, None)

    world.resources.annotate(VIDEO_ID, PAUSED_ANNOTATION, None)
    settled(world)
    assert world.row.observed.phase is Phase.READY
    assert len(world.transcoder.jobs) == 1


def shown(world: InMemoryWorld) -> Mapping[str, Any]:
    resource = world.resources.by_name.get(VIDEO_ID)
    return (resource.status if resource else None) or {}


@pytest.mark.parametrize("phase", [Phase.UPLOADING, Phase.UPLOADED, Phase.PROCESSING, Phase.READY])
def test_a_video_deleted_in_any_phase_and_restored_plays_without_another_job(phase: Phase) -> None:
    world = a_world()
    run_until(world, lambda world: world.row.observed.phase is phase)
    world.records.delete(VIDEO_ID)
    settled(world)
    assert world.storage.read_playlist(VIDEO_ID) is None
    assert not world.row.observed.is_playable
    jobs = len(world.transcoder.jobs)

    world.records.restore(VIDEO_ID)
    settled(world)
    assert_ends_ready(world, jobs=max(jobs, 1))


def test_a_deleted_video_is_gone_after_its_grace_with_everything_it_wrote() -> None:
    world = a_world()
    live(world)
    world.records.delete(VIDEO_ID)
    settled(world)
    assert world.row.original_key in world.storage.raw

    world.pass_time(world.timing.delete_grace_seconds)
    settled(world)
    assert not world.records.rows
    assert not world.storage.raw
    assert not world.storage.processed
    assert world.records.tombstones == {VIDEO_ID: 1}
    assert (VIDEO_ID, 1, "video.deleted") in world.records.notifications


def test_a_purge_killed_at_any_moment_ends_the_same() -> None:
    def doomed() -> InMemoryWorld:
        world = a_world()
        live(world)
        world.records.delete(VIDEO_ID)
        settled(world)
        world.pass_time(world.timing.delete_grace_seconds)
        return world

    for world in killed_at_each_moment(doomed):
        assert (world.records.rows, world.storage.raw, world.storage.processed) == ({}, {}, {})


def test_a_retired_video_comes_back_to_kubernetes_when_its_owner_changes_it() -> None:
    world = a_world()
    live(world)
    world.pass_time(world.timing.retire_ready_seconds)
    settled(world)
    assert VIDEO_ID not in world.resources.by_name
    assert world.row.retired

    world.records.ask_for_edition(VIDEO_ID)
    settled(world)
    assert_ends_ready(world, jobs=2)


def test_every_transition_that_was_shown_posts_one_event() -> None:
    world = a_world(Script([Answer.LOST_AFTER]))
    live(world)
    events = [(kind, reason) for _, kind, reason, _ in world.resources.events]
    assert events == list(dict.fromkeys(events)), "no event twice"
    assert events[-1] == ("Normal", Reason.PUBLISHED)
    assert ("Warning", Reason.SUBMISSION_UNCERTAIN) in events


def test_the_end_of_an_edition_is_notified_once() -> None:
    world = a_world(Script(job_ends=[JobEnd.CANNOT_DECODE, JobEnd.CANNOT_DECODE]))
    live(world)
    by_api(world)
    settled(world)
    by_api(world)
    settled(world)
    assert_paid_within_bounds(world)
    assert world.records.notifications == {(VIDEO_ID, 1, "video.errored"), (VIDEO_ID, 1, "video.ready")}
