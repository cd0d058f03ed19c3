"""The operator without threads: the real queue, workers and resync over a world in memory, in simulated time."""

from collections.abc import Callable, Iterator
from contextlib import suppress

from controller.loop.cache import ResourceCache
from controller.loop.handlers import note_event
from controller.loop.queue import WorkQueue
from controller.loop.reconcile import reconcile
from controller.loop.resync import Resync
from controller.loop.workers import Workers
from crds.resource import Resource
from domain.errors import UpstreamError
from domain.records import Cause
from tests.support.world.kill_switch import KilledError
from tests.support.world.world import InMemoryWorld

SWEEP_SECONDS = 30.0
RESYNC_SECONDS = 300.0
# No life takes longer: the sum of all deadlines.
LONGEST_SECONDS = 30 * 86_400.0
SECONDS_TO_NEXT_LEADER = 5.0
# Of one life: a week of polls and every deadline are fewer.
MOST_PASSES = 20_000
SECONDS_TO_NEXT_LIST = 15.0


class SteppedQueue(WorkQueue):
    """The real queue, which also tells when it would hand out something."""

    def next_due(self) -> float | None:
        """Return the earliest time of any key."""
        return min((entry.due for entry in self._waiting.values()), default=None)


class Process:
    """One process of the operator: what it knows dies with it."""

    def __init__(self, world: InMemoryWorld, *, delivers_claims: bool = True) -> None:
        self._world = world
        self._delivers_claims = delivers_claims
        self._cache = ResourceCache()
        self.queue = SteppedQueue(world.clock.monotonic)
        self._workers = Workers(self.queue, self._cache, world.deps, count=1, clock=world.clock.now)
        self._resync = Resync(world.deps, self._cache, self.queue, clock=world.clock.now)
        world.wake = lambda video_id, seconds: self.queue.add(video_id, Cause.POLL, after_seconds=seconds)
        world.deps.limiter.wake = lambda video_id: self.queue.add(video_id, Cause.POLL)
        self._watched: dict[str, Resource] = {}
        self._resync_at = 0.0
        self._has_begun = False
        self._passes = 0

    def begin(self) -> None:
        """Do what a new leader does first: no pass is made before every resource was read."""
        self._has_begun = self._has_read_all()
        if not self._has_begun:
            return
        for half in (self._resync.all_pending, self._resync.rows):
            with suppress(UpstreamError):
                half()

    def _has_read_all(self) -> bool:
        self._resync_at = self._world.clock.monotonic() + RESYNC_SECONDS
        try:
            self._resync.resources()
        except UpstreamError:
            return False
        return True

    def step(self, *, is_repeated: bool = False) -> None:
        """Make the next pass, and wait for it if need be. ``is_repeated``: a second worker makes it too."""
        if not self._has_begun:
            self._world.pass_time(SECONDS_TO_NEXT_LIST)
            self.begin()
            return
        self._passes += 1
        assert self._passes < MOST_PASSES, f"it goes round and round: {self._world.records.rows}"
        self._wait()
        taken = self.queue.take()
        assert taken is not None
        key, cause = taken
        stale = self._world.records.get(key)
        self._workers.handle(key, cause)
        if is_repeated and stale is not None:
            try:
                reconcile(stale, None, self._world.deps, cause, self._world.clock.now())
            except UpstreamError:
                return
        self.watch()

    def watch(self) -> None:
        """Deliver what the API server would have sent meanwhile."""
        now, signatures = dict(self._world.resources.by_name), self._world.resources.signatures
        for name, resource in now.items():
            if self._watched.get(name) != resource:
                note_event("MODIFIED", body_of(resource), self._cache, self.queue, signatures)
        for name in self._watched.keys() - now.keys():
            note_event("DELETED", body_of(self._watched[name]), self._cache, self.queue, signatures)
        self._watched = now

    def is_idle(self) -> bool:
        """Tell whether nothing is due or planned."""
        return self._has_begun and self.queue.next_due() is None

    def _wait(self) -> None:
        due = self.queue.next_due()
        now = self._world.clock.monotonic()
        sweep_at = now + SWEEP_SECONDS
        while due is None or due > now:
            reports = [report.at for report in self._world.transcoder.reports]
            next_at = min([sweep_at, *([] if due is None else [due]), *(at for at in reports if at > now)])
            self._world.pass_time(max(next_at - now, 1e-6))
            now = self._world.clock.monotonic()
            self._deliver(now)
            self._world.deps.limiter.wake_next()
            if now >= self._resync_at:
                self._has_read_all()
            if now >= sweep_at:
                self._resync.rows()
                sweep_at = now + SWEEP_SECONDS
            due = self.queue.next_due()
            assert now < LONGEST_SECONDS, self._world.row

    def _deliver(self, now: float) -> None:
        """Let the API take the callbacks that are due."""
        transcoder = self._world.transcoder
        for report in [report for report in transcoder.reports if report.at <= now]:
            transcoder.reports.remove(report)
            if self._delivers_claims:
                self._world.records.record(video_id=report.video_id, attempt=report.attempt, job_id=report.job_id)
                self.queue.add(report.video_id, Cause.CLAIM)


def live(
    world: InMemoryWorld,
    *,
    delivers_claims: bool = True,
    is_repeated: bool = False,
    dies_after_each_pass: bool = False,
    meanwhile: Callable[[], None] = lambda: None,
) -> None:
    """Run processes, each beginning where the last was killed, until the video rests and its resource shows it."""
    is_at_rest, passes = False, 0
    while not is_at_rest:
        process = Process(world, delivers_claims=delivers_claims)
        try:
            process.begin()
            # The one before may have been killed just after its last effect.
            is_at_rest = world.is_at_rest() and process.is_idle()
            while not is_at_rest:
                process.step(is_repeated=is_repeated)
                meanwhile()
                passes += 1
                assert passes < MOST_PASSES, f"it goes round and round: {world.records.rows}"
                is_at_rest = world.is_at_rest() and (process.is_idle() or dies_after_each_pass)
                if dies_after_each_pass:
                    break
        except KilledError:
            pass
        world.pass_time(SECONDS_TO_NEXT_LEADER)


def settled(world: InMemoryWorld, *, meanwhile: Callable[[], None] = lambda: None) -> None:
    """Run processes, each beginning where the last was killed, until one finds and plans nothing more."""
    is_settled = False
    while not is_settled:
        process = Process(world)
        try:
            process.begin()
            while not process.is_idle():
                process.step()
                meanwhile()
            is_settled = True
        except KilledError:
            pass
        world.pass_time(SECONDS_TO_NEXT_LEADER)


def run_until(world: InMemoryWorld, is_reached: Callable[[InMemoryWorld], bool]) -> Process:
    """Run one process until a condition holds, and return it."""
    process = Process(world)
    process.begin()
    while not is_reached(world):
        process.step()
    return process


def killed_at_each_moment(
    begin: Callable[[], InMemoryWorld], run: Callable[[InMemoryWorld], None] = settled
) -> Iterator[InMemoryWorld]:
    """Yield the ends of as many lives as one life has moments, each killed once, at the next moment."""
    pattern = begin()
    pattern.kill_switch.forget()
    run(pattern)
    for moment in range(1, pattern.kill_switch.moments + 1):
        world = begin()
        world.kill_switch.arm(moment)
        run(world)
        assert not world.kill_switch.gaps, f"it was not killed at {moment}"
        yield world


def idle(world: InMemoryWorld) -> None:
    """Run one more process until it plans nothing: a restart, with every callback delivered again."""
    process = Process(world)
    process.begin()
    for job in world.transcoder.jobs.values():
        order = job.order
        world.records.record(video_id=order.video_id, attempt=order.attempt, job_id=job.job_id)
        process.queue.add(order.video_id, Cause.CLAIM)
    while not process.is_idle():
        process.step()


def body_of(resource: Resource) -> dict[str, object]:
    """Return a resource as the API server sends it."""
    return {
        "metadata": {
            "name": resource.name,
            "namespace": resource.namespace,
            "uid": resource.uid,
            "resourceVersion": resource.resource_version,
            "generation": resource.generation,
            "labels": dict(resource.labels),
            "annotations": dict(resource.annotations),
            "deletionTimestamp": resource.deletion_timestamp,
        },
        "spec": dict(resource.spec),
        "status": None if resource.status is None else dict(resource.status),
    }
