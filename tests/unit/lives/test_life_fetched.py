"""A file that is fetched from a URL has the life of one that was sent, however the server behaves."""

from dataclasses import replace
from typing import Any

import pytest

from controller.ports import SourceRefusedError, SourceUnavailableError
from domain.errors import UnavailableError
from domain.failures import FailureCode
from domain.messages import present
from domain.source_fetch import TRIES_MAX
from domain.video import PAUSED_ANNOTATION, Phase, Reason
from tests.support.fakes.videos import mp4
from tests.support.world.endings import HASTY, assert_ends_errored, assert_ends_ready
from tests.support.world.operator import killed_at_each_moment, live, run_until, settled
from tests.support.world.world import MAX_FILE_BYTES, VIDEO_ID, InMemoryWorld

LATER = SourceUnavailableError("the server answered HTTP 503")


def a_fetched_world(body: bytes | None = None) -> InMemoryWorld:
    world = InMemoryWorld(timing=HASTY)
    world.create_fetched(body)
    return world


def kept_files(world: InMemoryWorld) -> list[bytes]:
    return [stored.body for key, stored in world.storage.raw.items() if key.startswith("originals/")]


def test_the_file_is_fetched_and_becomes_a_stream() -> None:
    world = a_fetched_world()
    live(world)
    assert kept_files(world) == [world.sources.body]
    assert world.multipart.uploads == {}
    assert_ends_ready(world)


def test_killed_at_any_moment_the_whole_file_is_fetched_for_one_job() -> None:
    for world in killed_at_each_moment(a_fetched_world):
        assert kept_files(world) == [world.sources.body]
        assert_ends_ready(world)


def test_a_transfer_that_broke_off_is_continued_where_the_parts_end() -> None:
    world = a_fetched_world()
    world.sources.cuts = [1_500, 1_500]
    live(world)
    assert world.sources.requests == [0, 1_000, 2_000]
    assert kept_files(world) == [world.sources.body]
    assert_ends_ready(world)


def test_without_a_version_it_starts_over() -> None:
    world = a_fetched_world()
    world.sources.cuts, world.sources.version = [1_500], None
    live(world)
    assert world.sources.requests == [0, 0]
    assert_ends_ready(world)


def test_another_version_of_the_file_is_not_mixed_with_the_first() -> None:
    world = a_fetched_world()
    world.sources.cuts = [1_500]
    run_until(world, lambda world: world.row.observed.reason is Reason.FETCHING_SOURCE)
    world.sources.body, world.sources.version = mp4(media_bytes=3_500), '"two"'
    live(world)
    assert world.sources.requests == [0, 0]
    assert kept_files(world) == [world.sources.body]
    assert world.multipart.uploads == {}


def test_a_server_that_says_no_size_is_enough() -> None:
    world = a_fetched_world()
    world.sources.says_size, world.sources.cuts = False, [1_500]
    live(world)
    assert kept_files(world) == [world.sources.body]
    assert_ends_ready(world)


def test_a_server_that_comes_back_is_waited_for_and_the_reason_is_shown() -> None:
    world = a_fetched_world()
    world.sources.failures = [LATER, LATER]
    run_until(world, lambda world: world.row.observed.reason is Reason.SOURCE_DELAYED)
    assert "HTTP 503" in world.row.observed.message
    live(world)
    assert_ends_ready(world)


def test_a_server_that_stays_away_is_tried_a_few_times_and_a_retry_fetches_again() -> None:
    world = a_fetched_world()
    world.sources.failures = [LATER] * TRIES_MAX
    settled(world)
    assert world.sources.failures == []
    assert_ends_errored(world, FailureCode.SOURCE_UNREACHABLE, jobs=0)
    world.records.retry(VIDEO_ID)
    live(world)
    assert_ends_ready(world)


@pytest.mark.parametrize(
    ("code", "prepare"),
    [
        pytest.param(FailureCode.SOURCE_REFUSED, {"failures": ["refused"]}, id="no-file"),
        pytest.param(FailureCode.SOURCE_TOO_LARGE, {"body": b"x" * (MAX_FILE_BYTES + 1)}, id="announced"),
        pytest.param(
            FailureCode.SOURCE_TOO_LARGE, {"body": b"x" * (2 * MAX_FILE_BYTES), "says_size": False}, id="endless"
        ),
        pytest.param(FailureCode.FILE_EMPTY, {"body": b""}, id="empty"),
        pytest.param(FailureCode.NOT_A_VIDEO, {"body": b"this is a text"}, id="no-video"),
    ],
)
def test_what_will_not_become_a_file_fails_at_once_and_leaves_nothing(
    code: FailureCode, prepare: dict[str, Any]
) -> None:
    world = a_fetched_world()
    failures = [SourceRefusedError(FailureCode.SOURCE_REFUSED, "HTTP 404") for _ in prepare.get("failures", ())]
    vars(world.sources).update({**prepare, "failures": failures})
    settled(world)
    assert_ends_errored(world, code, jobs=0)
    assert (world.storage.raw, world.multipart.uploads) == ({}, {})


def test_a_file_that_is_corrected_at_its_url_is_fetched_again_by_the_retry_that_is_advised() -> None:
    world = a_fetched_world(b"this is a text")
    settled(world)
    assert_ends_errored(world, FailureCode.NOT_A_VIDEO, jobs=0)
    shown = present(world.row.desired, world.row.observed)
    assert "correct the file at its source URL, then retry" in (shown.what_to_do or "")
    world.sources.body = mp4()
    world.records.retry(VIDEO_ID)
    live(world)
    assert kept_files(world) == [world.sources.body]
    assert_ends_ready(world)


def test_a_file_of_another_size_than_declared_is_refused_before_it_is_fetched() -> None:
    world = a_fetched_world()
    world.records.rows[VIDEO_ID] = replace(world.row, desired=replace(world.row.desired, declared_bytes=9))
    settled(world)
    assert_ends_errored(world, FailureCode.SIZE_MISMATCH, jobs=0)
    assert world.multipart.uploads == {}


def test_storage_that_is_away_counts_against_no_server() -> None:
    world = a_fetched_world()
    world.storage.error = UnavailableError("no answer")
    process = run_until(world, lambda world: world.row.current_fetch.interruptions > 0)
    for _ in range(2 * TRIES_MAX):
        process.step()
    assert world.row.observed.phase is Phase.UPLOADING
    world.storage.error = None
    live(world)
    assert_ends_ready(world)


def test_a_paused_upload_is_fetched_only_after_its_pause() -> None:
    world = a_fetched_world()
    world.sources.failures = [LATER]
    run_until(world, lambda world: world.row.observed.reason is Reason.SOURCE_DELAYED)
    world.resources.annotate(VIDEO_ID, PAUSED_ANNOTATION, "true")
    settled(world)
    assert (world.row.observed.is_paused, world.sources.requests) == (True, [])
    world.resources.annotate(VIDEO_ID, PAUSED_ANNOTATION, None)
    live(world)
    assert_ends_ready(world)
