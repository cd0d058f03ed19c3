"""Captions reach the stream whenever they are put, and leave nothing behind when they go."""

from dataclasses import replace
from typing import Any

import pytest

from controller.audit.findings import FindingType
from domain import object_keys
from domain.captions import CaptionTrack, digest_of
from domain.errors import UnavailableError
from domain.records import Cause
from domain.video import PAUSED_ANNOTATION, Phase
from tests.support.world.auditor import Auditor, entry_of, kinds
from tests.support.world.endings import HASTY, a_ready_world, a_world, assert_at_rest_for_good, assert_ends_ready
from tests.support.world.operator import live, run_until, settled
from tests.support.world.world import PLAYLIST, VIDEO_ID, InMemoryWorld

PREFIX = object_keys.captions_prefix(VIDEO_ID)


def put(world: InMemoryWorld, language: str = "en", words: str = "Hello", *, is_default: bool = False) -> CaptionTrack:
    """Play the API: the owner puts captions."""
    text = f"WEBVTT\n\n00:00:01.000 --> 00:00:02.000\n{words}\n"
    track = CaptionTrack(language, language, is_default, digest_of(text))
    world.records.put_captions(VIDEO_ID, track, text)
    return track


def files(world: InMemoryWorld) -> dict[str, str]:
    """Return the public files of captions by name."""
    stored = world.storage.processed
    return {key.removeprefix(PREFIX): stored[key].body.decode() for key in stored if key.startswith(PREFIX)}


def languages(world: InMemoryWorld) -> list[str]:
    """Return the languages that the stable playlist offers."""
    lines = (world.storage.read_playlist(VIDEO_ID) or "").splitlines()
    return [line.partition('LANGUAGE="')[2].partition('"')[0] for line in lines if line.startswith("#EXT-X-MEDIA")]


def names(*tracks: CaptionTrack) -> set[str]:
    """Return the names of the files that these tracks have."""
    return {name for track in tracks for name in (f"{track.language}.m3u8", f"{track.language}-{track.digest}.vtt")}


def test_captions_put_before_the_video_is_ready_are_published_with_it() -> None:
    world = a_world()
    track = put(world)
    run_until(world, lambda world: world.row.observed.phase is Phase.READY)

    assert languages(world) == ["en"]
    assert set(files(world)) == names(track)
    assert_ends_ready(world)


def test_captions_put_later_are_added_and_changed_without_a_job() -> None:
    world = a_ready_world()
    first = put(world)
    settled(world)
    assert (languages(world), set(files(world))) == (["en"], names(first))

    second, german = put(world, words="Good day"), put(world, "de", is_default=True)
    settled(world)
    assert (languages(world), set(files(world))) == (["de", "en"], names(second, german))
    assert "Good day" in files(world)[f"en-{second.digest}.vtt"]
    assert "X-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:126000" in files(world)[f"en-{second.digest}.vtt"]
    assert 'LANGUAGE="de",NAME="de",DEFAULT=YES' in world.storage.processed[PLAYLIST].body.decode()

    for language in ("en", "de"):
        world.records.remove_captions(VIDEO_ID, language)
    settled(world)
    assert (languages(world), files(world)) == ([], {})
    assert_ends_ready(world)


def test_a_retired_video_gets_its_captions_too() -> None:
    world = a_ready_world()
    world.pass_time(2 * world.timing.retire_ready_seconds)
    settled(world)
    assert world.row.retired
    put(world)
    settled(world)
    assert languages(world) == ["en"]


def test_a_paused_video_gets_its_captions_too() -> None:
    world = a_ready_world()
    world.resources.annotate(VIDEO_ID, PAUSED_ANNOTATION, "true")
    settled(world)
    put(world)
    settled(world)
    assert languages(world) == ["en"]


def test_a_new_edition_keeps_the_captions_on_its_own_clock() -> None:
    world = a_ready_world()
    track = put(world)
    settled(world)
    world.storage.timestamp = 900_000
    world.records.ask_for_edition(VIDEO_ID)
    live(world)

    assert world.row.observed.published is not None
    assert world.row.observed.published.attempt == 2
    assert (languages(world), set(files(world))) == (["en"], names(track))
    assert "MPEGTS:900000" in files(world)[f"en-{track.digest}.vtt"]
    assert_ends_ready(world, jobs=2)


def test_captions_do_not_wait_for_a_new_edition() -> None:
    world = a_ready_world()
    world.records.ask_for_edition(VIDEO_ID)
    process = run_until(world, lambda world: world.row.observed.phase is Phase.PROCESSING)
    put(world)
    process.queue.add(VIDEO_ID, Cause.PERSON)
    process.step()
    assert languages(world) == ["en"]
    assert world.row.observed.phase is Phase.PROCESSING
    live(world)
    assert_ends_ready(world, jobs=2)


def test_a_deleted_video_has_no_public_captions_and_a_restore_brings_them_back() -> None:
    world = a_ready_world()
    track = put(world)
    settled(world)
    world.records.delete(VIDEO_ID)
    settled(world)
    assert files(world) == {}

    world.records.restore(VIDEO_ID)
    settled(world)
    assert (languages(world), set(files(world))) == (["en"], names(track))
    assert_ends_ready(world)


def test_killed_at_any_moment_the_stream_has_exactly_the_captions_that_are_wanted() -> None:
    def changed() -> tuple[InMemoryWorld, CaptionTrack]:
        world = a_ready_world()
        put(world)
        put(world, "de")
        settled(world)
        track = put(world, words="Good day")
        world.records.remove_captions(VIDEO_ID, "de")
        world.kill_switch.forget()
        return world, track

    pattern, _ = changed()
    settled(pattern)
    for moment in range(1, pattern.kill_switch.moments + 1):
        world, track = changed()
        world.kill_switch.arm(moment)
        settled(world)
        assert (languages(world), set(files(world))) == (["en"], names(track)), moment
        assert_ends_ready(world)


def test_a_text_replaced_while_a_pass_writes_it_leaves_no_file() -> None:
    world = a_ready_world()
    first = put(world)
    newer = replace(first)

    def replaced(video_id: str, track: CaptionTrack, **written: Any) -> None:
        nonlocal newer
        write(video_id, track, **written)
        if track == first:
            newer = put(world, words="Good day")

    write = world.storage.write_captions
    world.storage.write_captions = replaced  # type: ignore[method-assign]
    settled(world)
    assert newer != first
    assert set(files(world)) == names(newer)


def test_while_storage_is_away_captions_hold_up_no_deadline() -> None:
    world = a_world(timing=HASTY)
    put(world)
    run_until(world, lambda world: world.row.observed.phase is Phase.PROCESSING)
    world.storage.error = UnavailableError("storage: HTTP 503")
    live(world)
    assert world.row.observed.phase is Phase.ERRORED


@pytest.mark.parametrize("name", ["en.m3u8", "text"])
def test_the_audit_has_lost_files_of_captions_written_again(name: str) -> None:
    world = a_ready_world()
    track = put(world)
    settled(world)
    before = files(world)
    del world.storage.processed[PREFIX + (f"en-{track.digest}.vtt" if name == "text" else name)]

    assert entry_of(Auditor(world).full(), FindingType.CAPTIONS_MISSING).finding.count == 1
    settled(world)
    assert files(world) == before
    assert not kinds(Auditor(world).full())
    assert_at_rest_for_good(world)


def test_the_audit_removes_no_captions_that_an_older_dump_does_not_know() -> None:
    world = a_ready_world()
    put(world)
    settled(world)
    world.storage.put_processed(f"{PREFIX}fr-{'f' * 32}.vtt", b"WEBVTT\n")

    assert kinds(Auditor(world).full()) == {FindingType.OUTPUTS_UNKNOWN}
    assert f"fr-{'f' * 32}.vtt" in files(world)
