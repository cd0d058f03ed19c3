"""How a life in a world begins and must end: the invariants of everything that outlives a process."""

from collections import Counter

from domain.failures import FailureCode
from domain.objects import VerifiedOutputs
from domain.schedule import Timing
from domain.stable_playlist import playlist_of
from domain.video import Phase, Visibility
from tests.support.fakes.transcoder import Script
from tests.support.world.operator import idle, live
from tests.support.world.world import VIDEO_ID, InMemoryWorld

WRITES = {"commit", "apply", "write_status", "publish_poster", "write_playlist", "start"}
# Deadlines of a life that goes wrong everywhere, short enough to wait for.
HASTY = Timing(
    uploading_deadline_seconds=1800,
    uploading_longest_seconds=5400,
    uploaded_deadline_seconds=3600,
    processing_deadline_seconds=3600,
)


def a_world(
    script: Script | None = None, timing: Timing | None = None, *, visibility: Visibility = Visibility.PUBLIC
) -> InMemoryWorld:
    """Return a world in which a client has sent its file and vanished."""
    world = InMemoryWorld(script, timing)
    world.visibility = visibility
    world.create()
    world.send_file()
    return world


def a_ready_world(script: Script | None = None) -> InMemoryWorld:
    """Return a world whose one video is ready."""
    world = a_world(script)
    live(world)
    assert_playable(world)
    return world


def assert_paid_within_bounds(world: InMemoryWorld) -> None:
    orders = Counter((job.order.video_id, job.order.attempt) for job in world.transcoder.jobs.values())
    assert all(jobs == 1 for jobs in orders.values()), "one job for each attempt"
    assert len(orders) <= world.deps.policy.max_submissions


def assert_playable(world: InMemoryWorld) -> None:
    published = world.row.observed.published
    assert world.row.observed.phase is Phase.READY
    assert world.row.observed.is_playable
    assert published is not None
    is_private = world.row.desired.visibility is Visibility.PRIVATE
    assert world.row.observed.is_private is is_private
    assert world.storage.read_playlist(VIDEO_ID, is_private=is_private) == playlist_of(world.row, published)
    outputs = world.storage.verify_outputs(
        VIDEO_ID, published.folder, input_seconds=published.duration_seconds, is_private=is_private
    )
    assert isinstance(outputs, VerifiedOutputs)
    assert outputs.renditions == published.renditions


def assert_shown(world: InMemoryWorld) -> None:
    status = world.resources.by_name[VIDEO_ID].status
    assert status is not None
    assert status["phase"] == status["work"]["phase"] == world.row.observed.phase


def assert_at_rest_for_good(world: InMemoryWorld) -> None:
    """Neither a restart nor every callback once more changes or writes anything."""
    jobs = len(world.transcoder.jobs)
    before = world.row, world.resources.by_name[VIDEO_ID], dict(world.storage.processed)
    first = len(world.kill_switch.calls)
    idle(world)
    assert before == (world.row, world.resources.by_name[VIDEO_ID], world.storage.processed)
    assert not WRITES & set(world.kill_switch.calls[first:])
    assert len(world.transcoder.jobs) == jobs


def assert_ends_ready(world: InMemoryWorld, *, jobs: int = 1) -> None:
    assert_playable(world)
    assert len(world.transcoder.jobs) == jobs
    assert_paid_within_bounds(world)
    assert_shown(world)
    assert_at_rest_for_good(world)


def assert_ends_errored(world: InMemoryWorld, code: FailureCode, *, jobs: int) -> None:
    failure = world.row.observed.failure
    assert world.row.observed.phase is Phase.ERRORED
    assert failure is not None
    assert (failure.code, len(world.transcoder.jobs)) == (code, jobs)
    assert_paid_within_bounds(world)
    assert_shown(world)
    assert_at_rest_for_good(world)
