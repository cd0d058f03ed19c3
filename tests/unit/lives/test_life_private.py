"""A private video: at no moment of its life does a file of it lie where everyone can read it."""

from collections.abc import Callable

import pytest

from domain import object_keys
from domain.captions import CaptionTrack, digest_of
from domain.video import Visibility
from tests.support.fakes.transcoder import JobEnd, Script
from tests.support.world.auditor import Auditor
from tests.support.world.dumps import Dump
from tests.support.world.endings import a_world, assert_ends_ready
from tests.support.world.operator import live, settled
from tests.support.world.world import VIDEO_ID, InMemoryWorld

TEXT = "WEBVTT\n\n00:01.000 --> 00:02.000\nHello\n"


def a_private_world(script: Script | None = None) -> InMemoryWorld:
    """Return a world in which a client has sent the file of a private video, whose bucket notes each public file."""
    world = a_world(script, visibility=Visibility.PRIVATE)
    put = world.storage.put_processed

    def guarded(key: str, body: bytes, content_type: str = "") -> None:
        assert not key.startswith(object_keys.PUBLIC_PREFIX), key
        put(key, body, content_type)

    world.storage.put_processed = guarded  # type: ignore[method-assign]
    return world


def public(world: InMemoryWorld) -> set[str]:
    return {key for key in world.storage.processed if key.startswith(object_keys.PUBLIC_PREFIX)}


def with_captions(world: InMemoryWorld) -> None:
    world.records.put_captions(VIDEO_ID, CaptionTrack("en", "English", True, digest_of(TEXT)), TEXT)


def with_another_edition(world: InMemoryWorld) -> None:
    world.records.ask_for_edition(VIDEO_ID)


def deleted_and_restored(world: InMemoryWorld) -> None:
    world.records.delete(VIDEO_ID)
    settled(world)
    assert all(key.startswith(object_keys.WITHDRAWN_PREFIX) for key in world.storage.processed)
    world.records.restore(VIDEO_ID)


@pytest.mark.parametrize("then", [with_captions, with_another_edition, deleted_and_restored])
def test_its_files_are_private_whatever_happens_to_it(then: Callable[[InMemoryWorld], None]) -> None:
    world = a_private_world()
    live(world)
    then(world)
    live(world)
    assert not public(world)
    assert_ends_ready(world, jobs=2 if then is with_another_edition else 1)
    assert Auditor(world).full().is_clean()


def test_killed_at_any_moment_no_file_is_public() -> None:
    pattern = a_private_world()
    live(pattern)
    for moment in range(1, pattern.kill_switch.moments + 1):
        world = a_private_world()
        world.kill_switch.arm(moment)
        live(world)
        assert not public(world), moment
        assert_ends_ready(world)


def test_an_attempt_that_a_restored_row_does_not_know_is_found_where_it_is_private() -> None:
    world = a_private_world(Script(job_ends=[JobEnd.LEAVES_HOLES]))
    before = Dump(world.records)
    live(world)
    world.resources.by_name.clear()
    world.storage.marked.clear()
    before.restore(world.records)
    live(world)
    assert not public(world)
    folders = [job.order.folder for job in world.transcoder.jobs.values()]
    assert len({folder.partition("-")[0] for folder in folders}) == len(folders)


def test_the_audit_repairs_what_a_private_video_lost_where_it_is_private() -> None:
    world = a_private_world()
    live(world)
    lost = [object_keys.stable_playlist_key, object_keys.stable_poster_key]
    for key_of in lost:
        del world.storage.processed[key_of(VIDEO_ID, is_private=True)]
    Auditor(world).full()
    assert not public(world)
    assert_ends_ready(world)
    assert all(key_of(VIDEO_ID, is_private=True) in world.storage.processed for key_of in lost)


def test_the_purge_of_a_private_video_leaves_no_file() -> None:
    world = a_private_world()
    live(world)
    world.records.delete(VIDEO_ID)
    world.pass_time(world.timing.delete_grace_seconds)
    settled(world)
    assert not world.storage.processed
