"""Ten thousand uploads: a restart makes no unneeded pass and writes nothing, and polls are spread evenly."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

from controller.loop.cache import ResourceCache
from controller.loop.queue import WorkQueue
from controller.loop.resync import Resync
from crds.resource import Resource
from crds.signature import SIGNATURE_ANNOTATION
from crds.spec import manifest_of
from domain.schedule import Timing, next_check_at
from domain.video import Phase, new_video_id
from tests.support.builders.resources import SIGNATURES, a_status
from tests.support.builders.rows import NOON, a_desired_state, a_row
from tests.support.fakes.resources import NAMESPACE
from tests.support.world.world import InMemoryWorld

MANY = 10_000


def test_a_restart_over_unchanged_resources_asks_for_no_pass_and_writes_nothing() -> None:
    world = a_world_at_rest()
    cache, queue = ResourceCache(), WorkQueue(world.clock.monotonic)
    resync = Resync(world.deps, cache, queue, clock=lambda: NOON)

    assert (resync.resources(), resync.all_pending(), resync.rows(), resync.resources()) == (0, 0, 0, 0)
    assert queue.state().depth == 0
    assert set(world.kill_switch.calls) <= {"working", "pages", "rows_of", "expired", "purgeable", "forget_old"}


def test_polls_of_uploads_that_began_together_are_spread_evenly() -> None:
    timing, began = Timing(), NOON
    row = a_row(Phase.PROCESSING)
    checks: Counter[int] = Counter()
    # The same ids every time: of random ones one draw in some hundreds is uneven by chance.
    for number in range(MANY):
        check = next_check_at(
            a_desired_state(video_id=f"{number:026d}"), row.observed, began + timedelta(hours=1), timing
        )
        assert check is not None
        checks[int((check - began).total_seconds()) % int(timing.processing_last_check_seconds)] += 1
    mean = MANY / timing.processing_last_check_seconds
    assert max(checks.values()) / mean < 1.5


def a_world_at_rest() -> InMemoryWorld:
    world, pattern = InMemoryWorld(), a_row(Phase.READY)
    body = manifest_of(pattern.desired, namespace=NAMESPACE, signatures=SIGNATURES)
    resource = Resource("", NAMESPACE, "uid", "1", 1, labels=body["metadata"]["labels"], spec=body["spec"])
    status = a_status(pattern.desired, pattern.observed, resource=resource, policy=world.deps.policy)
    for _ in range(MANY):
        video_id = new_video_id()
        world.records.rows[video_id] = replace(pattern, desired=replace(pattern.desired, video_id=video_id))
        spec = resource.spec
        world.resources.by_name[video_id] = replace(
            resource,
            name=video_id,
            annotations={SIGNATURE_ANNOTATION: SIGNATURES.of_spec(video_id, spec)},
            status=status | {"signature": SIGNATURES.of_status(video_id, spec, status)},
        )
    return world
