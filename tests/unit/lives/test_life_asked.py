"""Lives in which a person takes part: pauses, retries, new editions, deletion and restore; and leaving Kubernetes."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from domain import object_keys
from domain.failures import FailureCode
from domain.records import Cause
from domain.video import PAUSED_ANNOTATION, RETRY_REQUESTED_ANNOTATION, Phase, Reason
from tests.support.fakes.transcoder import Answer, Fate, Script
from tests.support.world.endings import (
    HASTY,
    a_world,
    assert_at_rest_for_good,
    assert_ends_errored,
    assert_ends_ready,
    assert_paid_within_bounds,
    assert_playable,
)
from tests.support.world.operator import Process, live, settled
from tests.support.world.world import VIDEO_ID, SmallWorld

DAY = 86_400.0
Person = Callable[[SmallWorld], None]


def by_api(small: SmallWorld) -> None:
    small.records.retry(VIDEO_ID)


def by_annotation(small: SmallWorld) -> None:
    small.resources.annotate(VIDEO_ID, RETRY_REQUESTED_ANNOTATION, f"at {small.clock.monotonic()}")


PEOPLE = pytest.mark.parametrize("ask", [by_api, by_annotation])


@PEOPLE
def test_a_dead_letter_is_cured_by_a_retry_with_all_its_submissions(ask: Person) -> None:
    small = a_world(Script(fates=[Fate.BREAKS] * 5))
    live(small)
    assert_ends_errored(small, FailureCode.TRANSCODE_FAILED, jobs=3)

    ask(small)
    settled(small)

    assert_playable(small)
    assert len(small.transcoder.jobs) == 6, "two more broke, the third was good"
    assert small.row.observed.attempt_floor == 3
    assert_at_rest_for_good(small)


@PEOPLE
def test_a_retry_of_a_playable_video_buys_nothing(ask: Person) -> None:
    small = a_world()
    live(small)
    ask(small)
    settled(small)
    assert_ends_ready(small, jobs=1)


@PEOPLE
def test_a_bad_file_is_replaced_after_a_retry(ask: Person) -> None:
    small = SmallWorld(timing=HASTY)
    small.create()
    small.send_file(b"this is a text")
    live(small)
    assert_ends_errored(small, FailureCode.NOT_A_VIDEO, jobs=0)

    ask(small)
    small.send_file()
    settled(small)
    assert_ends_ready(small, jobs=1)


@PEOPLE
def test_in_a_later_try_too_a_bad_file_counts_only_once_its_owner_was_told(ask: Person) -> None:
    small = SmallWorld(timing=HASTY)
    small.create()
    small.send_file(b"this is a text")
    small.records.confirm(VIDEO_ID)
    live(small)
    ask(small)
    process = Process(small)
    process.begin()
    while small.row.observed.phase is not Phase.UPLOADING or small.row.observed.rejected is None:
        process.step()
    small.records.confirm(VIDEO_ID)
    process.queue.add(VIDEO_ID, Cause.CLIENT)
    process.step()
    assert small.row.observed.rejections == 1, "said to be there for the first time, and told only now"

    small.records.confirm(VIDEO_ID)
    live(small)
    assert_ends_errored(small, FailureCode.NOT_A_VIDEO, jobs=0)


def test_killed_at_any_moment_of_a_retry_it_is_taken_up_once() -> None:
    def errored() -> SmallWorld:
        small = a_world(Script(fates=[Fate.CANNOT_DECODE]))
        live(small)
        by_annotation(small)
        small.fuse.forget()
        return small

    pattern = errored()
    settled(pattern)
    for moment in range(1, pattern.fuse.moments + 1):
        small = errored()
        small.fuse.arm(moment)
        settled(small)
        assert_playable(small)
        assert len(small.transcoder.jobs) == 2, f"killed at {moment}"


def test_a_new_edition_replaces_the_old_one_without_a_gap() -> None:
    small = a_world()
    live(small)
    small.records.ask_for_edition(VIDEO_ID)
    gaps: list[float] = []

    def look() -> None:
        if small.storage.read_playlist(VIDEO_ID) is None or shown(small)["phase"] != Phase.READY:
            gaps.append(small.clock.monotonic())

    settled(small, meanwhile=look)
    assert not gaps
    assert small.row.observed.published is not None
    assert (small.row.observed.published.edition, small.row.observed.published.attempt) == (2, 2)
    assert_ends_ready(small, jobs=2)


def test_a_failed_new_edition_leaves_the_old_one_playing() -> None:
    small = a_world(Script(fates=[Fate.COMPLETES, Fate.CANNOT_DECODE]))
    live(small)
    small.records.ask_for_edition(VIDEO_ID)
    settled(small)
    assert (shown(small)["phase"], shown(small)["work"]["phase"]) == (Phase.READY, Phase.ERRORED)
    assert small.storage.read_playlist(VIDEO_ID) is not None
    assert_at_rest_for_good(small)


@pytest.mark.parametrize(
    ("phase", "answers"),
    [(Phase.UPLOADING, []), (Phase.UPLOADED, [Answer.BUSY] * 3), (Phase.PROCESSING, [])],
    ids=["uploading", "uploaded", "processing"],
)
def test_a_paused_upload_is_left_alone_until_the_annotation_goes(phase: Phase, answers: list[Answer]) -> None:
    small = SmallWorld(Script(list(answers), job_seconds=3600))
    small.create()
    process = Process(small)
    process.begin()
    process.step()
    if phase is not Phase.UPLOADING:
        small.send_file()
    while small.row.observed.phase is not phase or phase != shown(small).get("phase"):
        process.step()
    small.resources.annotate(VIDEO_ID, PAUSED_ANNOTATION, "true")
    small.send_file()
    settled(small)
    jobs, revision = len(small.transcoder.jobs), small.row.observed.revision
    small.pass_time(20 * DAY)
    small.fuse.calls.clear()
    settled(small)
    assert not {"head", "job", "since", "read_playlist"} & set(small.fuse.calls), "nobody is asked about it"
    assert (len(small.transcoder.jobs), small.row.observed.revision) == (jobs, revision)
    assert (shown(small)["reason"], shown(small)["isPaused"], shown(small).get("deadline")) == ("Paused", True, None)

    small.resources.annotate(VIDEO_ID, PAUSED_ANNOTATION, None)
    settled(small)
    assert small.row.observed.phase is Phase.READY
    assert len(small.transcoder.jobs) == 1


def shown(small: SmallWorld) -> Mapping[str, Any]:
    resource = small.resources.by_name.get(VIDEO_ID)
    return (resource.status if resource else None) or {}


@pytest.mark.parametrize("phase", [Phase.UPLOADING, Phase.UPLOADED, Phase.PROCESSING, Phase.READY])
def test_a_video_deleted_in_any_phase_and_restored_plays_without_another_job(phase: Phase) -> None:
    small = a_world()
    process = Process(small)
    process.begin()
    while small.row.observed.phase is not phase:
        process.step()
    small.records.delete(VIDEO_ID)
    settled(small)
    assert small.storage.read_playlist(VIDEO_ID) is None
    assert not small.row.observed.is_playable
    jobs = len(small.transcoder.jobs)

    small.records.restore(VIDEO_ID)
    settled(small)
    assert_ends_ready(small, jobs=max(jobs, 1))


def test_a_deleted_video_is_gone_after_its_grace_with_everything_it_wrote() -> None:
    small = a_world()
    live(small)
    small.records.delete(VIDEO_ID)
    settled(small)
    assert object_keys.original_key(VIDEO_ID, "film.mp4") in small.storage.raw

    small.pass_time(small.timing.delete_grace_seconds)
    settled(small)
    assert not small.records.rows
    assert not small.storage.raw
    assert not small.storage.processed
    assert small.records.tombstones == {VIDEO_ID: 1}
    assert (VIDEO_ID, 1, "video.deleted") in small.records.notifications


def test_a_purge_killed_at_any_moment_ends_all_the_same() -> None:
    def doomed() -> SmallWorld:
        small = a_world()
        live(small)
        small.records.delete(VIDEO_ID)
        settled(small)
        small.pass_time(small.timing.delete_grace_seconds)
        small.fuse.forget()
        return small

    pattern = doomed()
    settled(pattern)
    for moment in range(1, pattern.fuse.moments + 1):
        small = doomed()
        small.fuse.arm(moment)
        settled(small)
        assert (small.records.rows, small.storage.raw, small.storage.processed) == ({}, {}, {}), moment


def test_a_ready_video_leaves_kubernetes_and_comes_back_when_something_is_asked_for() -> None:
    small = a_world()
    live(small)
    small.pass_time(small.timing.retire_ready_seconds)
    settled(small)
    assert VIDEO_ID not in small.resources.by_name
    assert small.row.retired

    small.records.ask_for_edition(VIDEO_ID)
    settled(small)
    assert_ends_ready(small, jobs=2)


def test_every_transition_that_was_shown_is_told_once() -> None:
    small = a_world(Script([Answer.LOST_AFTER]))
    live(small)
    told = [(kind, reason) for _, kind, reason, _ in small.resources.events]
    assert told == list(dict.fromkeys(told)), "no event twice"
    assert told[-1] == ("Normal", Reason.PUBLISHED)
    assert ("Warning", Reason.SUBMISSION_UNCERTAIN) in told


def test_an_owner_is_told_of_each_end_once_for_an_edition() -> None:
    small = a_world(Script(fates=[Fate.CANNOT_DECODE, Fate.CANNOT_DECODE]))
    live(small)
    by_api(small)
    settled(small)
    by_api(small)
    settled(small)
    assert_paid_within_bounds(small)
    assert small.records.notifications == {(VIDEO_ID, 1, "video.errored"), (VIDEO_ID, 1, "video.ready")}
