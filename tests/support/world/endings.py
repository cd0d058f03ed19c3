"""How a life in a small world may begin and must end: the invariants, asked of everything that outlives a process."""

from collections import Counter

from domain.failures import FailureCode
from domain.objects import VerifiedOutputs
from domain.schedule import Timing
from domain.stable_playlist import stable_playlist
from domain.video import Phase
from tests.support.fakes.transcoder import Script
from tests.support.world.operator import idle
from tests.support.world.world import VIDEO_ID, SmallWorld

WRITES = {"commit", "apply", "write_status", "publish_poster", "write_playlist", "start"}
# Deadlines of a life that goes wrong everywhere, short enough to wait for.
HASTY = Timing(uploading_deadline_seconds=1800, uploaded_deadline_seconds=3600, processing_deadline_seconds=3600)


def a_world(script: Script | None = None, timing: Timing | None = None) -> SmallWorld:
    """Return a world in which a client has sent its file and vanished."""
    small = SmallWorld(script, timing)
    small.create()
    small.send_file()
    return small


def assert_paid_within_bounds(small: SmallWorld) -> None:
    orders = Counter((job.order.video_id, job.order.attempt) for job in small.transcoder.jobs.values())
    assert all(jobs == 1 for jobs in orders.values()), "one job for each attempt"
    assert len(orders) <= small.world.policy.max_submissions


def assert_playable(small: SmallWorld) -> None:
    published = small.row.observed.published
    assert small.row.observed.phase is Phase.READY
    assert small.row.observed.is_playable
    assert published is not None
    assert small.storage.read_playlist(VIDEO_ID) == stable_playlist(published)
    outputs = small.storage.verify_outputs(VIDEO_ID, published.attempt, input_seconds=published.duration_seconds)
    assert isinstance(outputs, VerifiedOutputs)
    assert outputs.renditions == published.renditions


def assert_shown(small: SmallWorld) -> None:
    status = small.resources.by_name[VIDEO_ID].status
    assert status is not None
    assert status["phase"] == status["work"]["phase"] == small.row.observed.phase


def assert_at_rest_for_good(small: SmallWorld) -> None:
    """Neither a restart nor every callback once more changes or writes anything."""
    jobs = len(small.transcoder.jobs)
    before = small.row, small.resources.by_name[VIDEO_ID], dict(small.storage.processed)
    first = len(small.fuse.calls)
    idle(small)
    assert before == (small.row, small.resources.by_name[VIDEO_ID], small.storage.processed)
    assert not WRITES & set(small.fuse.calls[first:])
    assert len(small.transcoder.jobs) == jobs


def assert_ends_ready(small: SmallWorld, *, jobs: int = 1) -> None:
    assert_playable(small)
    assert len(small.transcoder.jobs) == jobs
    assert_paid_within_bounds(small)
    assert_shown(small)
    assert_at_rest_for_good(small)


def assert_ends_errored(small: SmallWorld, code: FailureCode, *, jobs: int) -> None:
    failure = small.row.observed.failure
    assert small.row.observed.phase is Phase.ERRORED
    assert failure is not None
    assert (failure.code, len(small.transcoder.jobs)) == (code, jobs)
    assert_paid_within_bounds(small)
    assert_shown(small)
    assert_at_rest_for_good(small)
