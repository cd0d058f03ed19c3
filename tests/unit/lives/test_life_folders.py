"""Where an attempt's files lie: a place that the video's id does not lead to, and that a crash does not lose."""

import re
from dataclasses import replace

from domain import object_keys
from domain.video import Phase
from tests.support.fakes.transcoder import Answer, Script
from tests.support.fakes.videos import stream
from tests.support.world.endings import a_world, assert_ends_ready
from tests.support.world.operator import live
from tests.support.world.world import VIDEO_ID, InMemoryWorld

RANDOM = re.compile(r"[1-9][0-9]*-[a-z2-7]{16}")


def folders(world: InMemoryWorld) -> set[str]:
    """Return the names of the folders beside the stable files."""
    prefix = object_keys.video_prefix(VIDEO_ID)
    paths = (key.removeprefix(prefix) for key in world.storage.processed)
    return {path.partition("/")[0] for path in paths if "/" in path}


def test_the_folder_of_an_attempt_cannot_be_guessed_from_the_id_of_its_video() -> None:
    first, second = a_world(), a_world()
    for world in (first, second):
        live(world)
    (one,), (other,) = folders(first), folders(second)
    assert RANDOM.fullmatch(one)
    assert RANDOM.fullmatch(other)
    assert one != other


def test_each_edition_has_a_folder_of_its_own() -> None:
    world = a_world()
    live(world)
    world.records.ask_for_edition(VIDEO_ID)
    live(world)
    assert len(folders(world)) == 2
    assert_ends_ready(world, jobs=2)


def test_outputs_of_a_lost_submission_are_found_in_the_folder_committed_before_it() -> None:
    world = a_world(Script([Answer.LOST_AFTER]))
    live(world, delivers_claims=False)
    assert_ends_ready(world)


def test_a_row_that_learns_from_its_resource_learns_the_folder() -> None:
    world = a_world()
    behind = world.records.rows[VIDEO_ID]
    live(world)
    folder = world.row.observed.folder
    world.records.rows[VIDEO_ID], world.records.attempts = behind, {}
    live(world)
    assert world.row.observed.folder == folder is not None
    assert_ends_ready(world)


def test_an_attempt_of_an_earlier_release_keeps_the_folder_that_is_its_number() -> None:
    world = a_world()
    live(world)
    video_id, published = VIDEO_ID, world.row.observed.published
    assert published is not None
    world.storage.processed.clear()
    world.storage.put_outputs(video_id, "1", stream())
    outputs = world.storage.verify_outputs(video_id, "1", input_seconds=None)
    observed = replace(world.row.observed, folder=None, phase=Phase.PROCESSING, published=None, is_playable=False)
    world.records.rows[video_id] = replace(world.row, observed=observed)
    live(world)
    assert world.row.observed.published is not None
    assert world.row.observed.published.renditions == outputs.renditions  # type: ignore[union-attr]
    assert world.row.observed.published.folder == "1"
