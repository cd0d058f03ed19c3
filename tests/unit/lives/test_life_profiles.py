"""Lives with transcode profiles: what a job was ordered with counts, whatever becomes of the profile."""

from dataclasses import replace

import pytest

from domain.failures import FailureCode
from domain.messages import present
from domain.profiles import DEFAULT_PROFILE, ORIGINAL, ORIGINAL_HASH, ProfileRendition, ProfileSpec, ProfileStoryboard
from domain.records import VideoRow
from domain.video import Phase, Reason
from tests.support.fakes.transcoder import Answer, JobEnd, Script
from tests.support.world.endings import assert_ends_errored, assert_ends_ready
from tests.support.world.operator import live, run_until
from tests.support.world.world import VIDEO_ID, InMemoryWorld

RICH = ProfileSpec((ProfileRendition(360, 800),), storyboard=ProfileStoryboard(), mp4_heights=(360,))
PLAIN = ProfileSpec((ProfileRendition(360, 800),))


def a_world(name: str = "ours", script: Script | None = None, **profiles: ProfileSpec) -> InMemoryWorld:
    """Return a world in which the file of a video that names a profile has arrived."""
    world = InMemoryWorld(script)
    world.profiles.by_name |= profiles
    row = world.create()
    world.records.rows[VIDEO_ID] = replace(row, desired=replace(row.desired, profile=name))
    world.send_file()
    return world


def processing(world: InMemoryWorld) -> bool:
    return world.row.observed.phase is Phase.PROCESSING


def made_with(row: VideoRow) -> tuple[str | None, str | None]:
    assert row.observed.published is not None
    return row.observed.published.profile, row.observed.published.profile_hash


def test_a_job_is_ordered_with_the_profile_and_the_edition_records_it() -> None:
    world = a_world(ours=RICH)
    live(world)
    assert [order.profile for order in world.transcoder.orders] == [RICH]
    assert made_with(world.row) == ("ours", RICH.hash)
    assert world.row.observed.published is not None
    assert (world.row.observed.published.has_storyboard, world.row.observed.published.mp4_heights) == (True, (360,))
    assert_ends_ready(world, jobs=1)


def test_the_default_profile_is_the_original_specification() -> None:
    world = a_world(DEFAULT_PROFILE)
    live(world)
    assert [order.profile for order in world.transcoder.orders] == [ORIGINAL]
    assert made_with(world.row) == (DEFAULT_PROFILE, ORIGINAL_HASH)


@pytest.mark.parametrize(
    "later",
    [pytest.param({"ours": RICH}, id="changed"), pytest.param({}, id="deleted")],
)
def test_a_profile_that_is_changed_or_deleted_while_a_job_runs_changes_nothing_of_it(
    later: dict[str, ProfileSpec],
) -> None:
    world = a_world(ours=PLAIN)
    run_until(world, processing)
    world.profiles.define(later)
    live(world)
    assert made_with(world.row) == ("ours", PLAIN.hash)
    assert_ends_ready(world, jobs=1)


def test_what_was_ordered_must_be_there_although_the_profile_asks_for_it_no_more() -> None:
    world = a_world(ours=RICH)
    run_until(world, processing)
    world.profiles.define({"ours": PLAIN})
    (job,) = world.transcoder.jobs.values()
    job.order = replace(job.order, profile=PLAIN)  # the provider makes less than it was asked for
    live(world)
    first, second = world.transcoder.orders
    assert (first.profile, second.profile) == (RICH, PLAIN)
    assert made_with(world.row) == ("ours", PLAIN.hash)


def test_an_attempt_whose_answer_was_lost_is_judged_by_what_it_was_ordered_with() -> None:
    world = a_world(script=Script(answers=[Answer.LOST_AFTER]), ours=PLAIN)
    run_until(world, lambda world: world.row.observed.reason is Reason.SUBMISSION_UNCERTAIN)
    world.profiles.define({"ours": RICH})
    live(world)
    assert made_with(world.row) == ("ours", PLAIN.hash)
    assert_ends_ready(world, jobs=1)


def test_the_next_attempt_is_ordered_with_the_profile_as_it_is_then() -> None:
    world = a_world(script=Script(job_ends=[JobEnd.BREAKS]), ours=PLAIN)
    run_until(world, processing)
    world.profiles.define({"ours": RICH})
    live(world)
    assert [order.profile for order in world.transcoder.orders] == [PLAIN, RICH]
    assert made_with(world.row) == ("ours", RICH.hash)


def test_a_video_waits_for_a_profile_that_there_never_was_and_says_so() -> None:
    world = a_world("theirs")
    run_until(world, lambda world: world.row.observed.reason is Reason.WAITING_FOR_PROFILE)
    assert world.transcoder.orders == []
    shown = present(world.row.desired, world.row.observed)
    assert (shown.reason, shown.what_to_do is not None) == ("WaitingForProfile", True)
    world.profiles.define({"theirs": PLAIN})
    live(world)
    assert made_with(world.row) == ("theirs", PLAIN.hash)


def test_waiting_for_a_profile_ends_at_the_deadline() -> None:
    world = a_world("theirs")
    live(world)
    assert_ends_errored(world, FailureCode.PROVIDER_REFUSED, jobs=0)
    assert world.row.observed.failure is not None
    assert "no TranscodeProfile" in world.row.observed.failure.message
