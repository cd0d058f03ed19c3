"""Lives of a video that a rollout makes anew: no owner's limits, last in the queue, and held with its rollout."""

from controller.coconut.limiter import Denied
from controller.rules.submission import ROLLOUT_HELD
from domain.policy import LifecyclePolicy
from domain.profiles import ProfileRendition, ProfileSpec
from domain.spending import SpendingLimits
from domain.video import Phase, Reason
from tests.support.fakes.transcoder import JobEnd, Script
from tests.support.fakes.videos import mp4
from tests.support.world.endings import a_ready_world, assert_playable
from tests.support.world.operator import live, run_until
from tests.support.world.world import VIDEO_ID, InMemoryWorld

NEW = ProfileSpec((ProfileRendition(360, 800),))


def a_rolled_out_world(script: Script | None = None) -> InMemoryWorld:
    """Return a world whose one video is ready, made with a profile that has changed since."""
    world = a_ready_world(script)
    world.profiles.define({world.row.desired.profile: NEW})
    world.records.roll_out(VIDEO_ID)
    return world


def test_the_new_edition_is_made_with_the_new_profile_and_counts_for_no_owner() -> None:
    world = a_rolled_out_world()
    live(world)
    assert_playable(world)
    assert world.transcoder.orders[-1].profile == NEW
    owners = [world.records.intents[key].owner for key in sorted(world.records.intents)]
    assert owners == [world.row.desired.owner, None]


def test_a_rollout_buys_although_its_owners_day_is_spent() -> None:
    world = InMemoryWorld(rules=LifecyclePolicy(spending=SpendingLimits(submissions_per_owner=1)))
    world.create()
    world.send_file()
    live(world)
    world.records.roll_out(VIDEO_ID)
    live(world)
    first, second = world.transcoder.jobs.values()
    assert second.started_at - first.started_at < 600


def test_a_rollout_that_is_held_buys_nothing_and_the_old_edition_plays_on() -> None:
    world = a_rolled_out_world()
    name = world.row.desired.profile
    world.profiles.held.add(name)
    run_until(world, lambda world: world.row.observed.message == ROLLOUT_HELD)
    assert (len(world.transcoder.jobs), world.row.observed.reason) == (1, Reason.SPENDING_STOPPED)
    assert world.row.observed.is_playable
    world.profiles.held.clear()
    live(world)
    assert_playable(world)
    assert len(world.transcoder.jobs) == 2


def test_an_owners_edition_is_not_held_with_the_rollout() -> None:
    world = a_ready_world()
    world.profiles.held.add(world.row.desired.profile)
    world.records.ask_for_edition(VIDEO_ID)
    live(world)
    assert len(world.transcoder.jobs) == 2


def test_a_rollout_that_fails_takes_nothing_off_line_and_its_retry_is_the_owners() -> None:
    world = a_rolled_out_world(Script(job_ends=[JobEnd.COMPLETES, *[JobEnd.BREAKS] * 3]))
    live(world)
    observed = world.row.observed
    assert (observed.phase, observed.is_playable, observed.published and observed.published.edition) == (
        Phase.ERRORED,
        True,
        1,
    )
    world.records.retry(VIDEO_ID)
    live(world)
    assert_playable(world)
    assert world.records.intents[VIDEO_ID, world.row.observed.attempt].owner == world.row.desired.owner


def test_the_installations_day_holds_a_rollout_too() -> None:
    rules = LifecyclePolicy(spending=SpendingLimits(minutes_per_day=4.2))
    world = InMemoryWorld(rules=rules)
    world.create()
    world.send_file(mp4(seconds=60))
    live(world)
    world.records.roll_out(VIDEO_ID)
    run_until(world, lambda world: world.row.observed.reason is Reason.SPENDING_STOPPED)
    assert (len(world.transcoder.jobs), world.row.observed.message) == (1, Denied.DAY.message)
