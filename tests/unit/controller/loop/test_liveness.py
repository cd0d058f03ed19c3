"""Each long-lived part of the operator: when it hangs, liveness fails with its name; busy or in an outage it does not.

Each part runs in its real thread, alone; what it calls hangs, is slow, or is away.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import pytest

from controller.__main__ import _Leader
from controller.leader.election import Leadership, LeaseTiming
from controller.loop.cache import ResourceCache
from controller.loop.queue import WorkQueue
from controller.loop.workers import Workers
from controller.metrics.registry import OperatorMetrics
from controller.notify.backoff import Backoff
from controller.notify.deliver import Channels
from controller.notify.dispatcher import Dispatcher
from controller.settings import OperatorSettings
from controller.wiring import Wiring
from crds.client import Cluster
from crds.events import EventRecorder, ResourceEvent
from crds.resource import Resource
from database import wakeups
from domain.errors import UnavailableError
from domain.notifications import VIDEO_NOTIFICATION_KINDS
from domain.records import Cause
from runtime.heartbeats import Heartbeats
from runtime.probes import ProcessHealth
from runtime.secret_files import SecretFiles, on_change
from storage.multipart import Multipart
from tests.support.builders.notifications import a_notification
from tests.support.fakes.outbox import FakeOutbox
from tests.support.world.world import VIDEO_ID, InMemoryWorld

PATIENCE_SECONDS = 10
TURNS = 5
AWAY = UnavailableError("no answer")


class Hanging(SimpleNamespace):
    """An upstream's method that hangs until it is freed."""

    def __init__(self) -> None:
        super().__init__(entered=threading.Event(), free=threading.Event())

    def __call__(self, *_: object, **__: object) -> Any:
        self.entered.set()
        assert self.free.wait(PATIENCE_SECONDS)
        raise AWAY


@dataclass
class Slow:
    """An upstream's method that takes long each time, and then is away; each round must find the process alive."""

    scene: "OperatorParts"
    turns: int = 0
    is_done: threading.Event = field(default_factory=threading.Event)
    late: list[str] = field(default_factory=list)

    def __call__(self, *_: object, **__: object) -> Any:
        self.scene.now += 100
        self.late += self.scene.health.stuck()
        self.turns += 1
        if self.turns >= TURNS:
            self.is_done.set()
        raise AWAY


class OperatorParts:
    """One operator without its upstreams, whose parts can be started one by one."""

    def __init__(self) -> None:
        self.now = 0.0
        self.beats = Heartbeats(lambda: self.now)
        self.health = ProcessHealth(self.beats)
        self.stop = threading.Event()
        self.world = InMemoryWorld()
        self.world.create()
        self.outbox = FakeOutbox(self.world.clock.now)
        self.webhooks: Any = SimpleNamespace(send=None)
        self.audit: Any = SimpleNamespace(light=None, full=None)
        self.rollouts: Any = SimpleNamespace(settle=None)
        self.cluster: Any = SimpleNamespace(namespace="n", request=None)
        self._joins: list[Callable[[], object]] = []

    def background(self, part: str, stats: Callable[..., int] = lambda: 0) -> None:
        """Start one of the leader's background threads."""
        (thread,) = [thread for thread in self.threads(stats) if thread.name == part]
        thread.start()
        self._joins.append(lambda: thread.join(PATIENCE_SECONDS))

    def threads(self, stats: Callable[..., int] = lambda: 0) -> list[threading.Thread]:
        """Return all of the leader's background threads."""
        channels = Channels(self.outbox, self.webhooks, None)
        wiring = SimpleNamespace(
            dependencies=self.world.deps,
            rollouts=self.rollouts,
            metrics=OperatorMetrics(workers=1, prices=settings().prices),
            dispatcher=Dispatcher(channels, Backoff(), clock=self.world.clock.now, beats=self.beats),
            audit=self.audit,
            clock=self.world.clock.now,
            collect_stats=stats,
            cluster=self.cluster,
        )
        leader = _Leader(settings(), cast("Wiring", wiring), self.stop, self.beats)
        return leader._background_threads(self.stop)

    def worker(self) -> None:
        """Start a worker that has work again and again."""
        queue = WorkQueue(time.monotonic, scale=0.001)
        workers = Workers(queue, ResourceCache(), self.world.deps, count=1, clock=self.world.clock.now)
        for number in range(TURNS):  # no waiting between two passes
            queue.add(f"{VIDEO_ID}-{number}", Cause.POLL)
        workers.start(self.beats)
        self._joins.append(lambda: workers.stop(grace_seconds=PATIENCE_SECONDS))

    def events(self, post: Callable[..., Any]) -> None:
        """Start the recorder of Events, for which one waits."""
        recorder = EventRecorder(post, first_pause_seconds=0.01)
        resource = Resource(VIDEO_ID, "default", "uid", "1", 1)
        recorder.record(ResourceEvent.about(resource, type="Normal", reason="R", message="", at=datetime.now(UTC)))
        recorder.start(self.beats)
        self._joins.append(lambda: recorder.stop(within_seconds=PATIENCE_SECONDS))

    def lease(self, request: Callable[..., Any]) -> None:
        """Start a candidate for the Lease."""
        cluster = cast("Cluster", SimpleNamespace(namespace="n", request=request))
        timing = LeaseTiming(duration_seconds=0.03, renew_deadline_seconds=0.02, retry_seconds=0.01)
        leadership = Leadership(cluster, name="lease", identity="us", timing=timing, beats=self.beats)
        leadership.start(on_lost=lambda: None)
        self._joins.append(leadership.stop)

    def credentials(self, changed: Callable[..., Any]) -> None:
        """Watch the mounted credentials."""

        def until_stopped() -> bool:
            if self.stop.is_set():
                return True
            with suppress(UnavailableError):
                changed()
            return False

        files = cast("SecretFiles", SimpleNamespace(changed=until_stopped))
        on_change(files, lambda: None, beats=self.beats, poll_seconds=0.01)

    def end(self) -> None:
        """Let everything end."""
        self.stop.set()
        for join in self._joins:
            join()


def settings() -> OperatorSettings:
    """Return settings with which every part has a round at once."""
    return OperatorSettings.model_validate(
        {
            "database_url": "postgresql://127.0.0.1:1/none",
            "coconut_url": "http://127.0.0.1:1/v2",
            "coconut_api_key": "k",
            "webhook_base_url": "http://127.0.0.1:1",
            "webhook_signing_keys": "k",
            "time_scale": 0.0001,
            "outbox_seconds": 0.01,
        }
    )


@pytest.fixture
def scene() -> Iterator[OperatorParts]:
    made = OperatorParts()
    yield made
    made.end()


def listen(scene: OperatorParts, call: Callable[..., Any], patch: pytest.MonkeyPatch) -> None:
    patch.setattr(wakeups, "listen", call)
    patch.setattr("controller.loop.threads._LISTEN_AGAIN_SECONDS", 0.01)
    scene.background("listen")


def resync(scene: OperatorParts, call: Callable[..., Any], patch: pytest.MonkeyPatch) -> None:
    patch.setattr(scene.world.records, "working", call)
    scene.background("resync")


def abandoned_uploads(scene: OperatorParts, call: Callable[..., Any], _: pytest.MonkeyPatch) -> None:
    # Not through the breaker of storage, which soon lets no call pass.
    scene.world.deps = replace(scene.world.deps, parts=cast("Multipart", SimpleNamespace(open_uploads=call)))
    scene.background("abandoned_uploads")


def stats(scene: OperatorParts, call: Callable[..., Any], _: pytest.MonkeyPatch) -> None:
    scene.background("stats", call)


def profiles(scene: OperatorParts, call: Callable[..., Any], _: pytest.MonkeyPatch) -> None:
    scene.cluster.request = call
    scene.background("profiles")


def rollouts(scene: OperatorParts, call: Callable[..., Any], _: pytest.MonkeyPatch) -> None:
    scene.rollouts.settle = call
    scene.background("rollouts")


def outbox(scene: OperatorParts, call: Callable[..., Any], patch: pytest.MonkeyPatch) -> None:
    patch.setattr(scene.outbox, "dispatch", call)
    scene.background("outbox")


def delivery(scene: OperatorParts, call: Callable[..., Any], _patch: pytest.MonkeyPatch) -> None:
    scene.outbox.create(
        url="https://hooks.example.com", description="", kinds=VIDEO_NOTIFICATION_KINDS, secret="whsec_c2VjcmV0"
    )
    for _ in range(TURNS):
        scene.outbox.tell(replace(a_notification(), notification_id=uuid4()))
    scene.webhooks.send = call
    scene.background("outbox")


def audit_light(scene: OperatorParts, call: Callable[..., Any], _: pytest.MonkeyPatch) -> None:
    scene.audit.light = call
    scene.background("audit-light")


def audit_full(scene: OperatorParts, call: Callable[..., Any], _: pytest.MonkeyPatch) -> None:
    scene.audit.full = call
    scene.background("audit-full")


def events(scene: OperatorParts, call: Callable[..., Any], _: pytest.MonkeyPatch) -> None:
    scene.events(call)


def worker(scene: OperatorParts, call: Callable[..., Any], patch: pytest.MonkeyPatch) -> None:
    patch.setattr(scene.world.records, "get", call)
    scene.worker()


def lease(scene: OperatorParts, call: Callable[..., Any], _: pytest.MonkeyPatch) -> None:
    scene.lease(call)


def credentials(scene: OperatorParts, call: Callable[..., Any], _: pytest.MonkeyPatch) -> None:
    scene.credentials(call)


Start = Callable[[OperatorParts, Callable[..., Any], pytest.MonkeyPatch], None]
PARTS = pytest.mark.parametrize(
    ("part", "start"),
    [
        pytest.param(start.__name__.replace("audit_", "audit-"), start, id=start.__name__)
        for start in cast(
            "tuple[Start, ...]",
            (
                listen,
                resync,
                abandoned_uploads,
                stats,
                profiles,
                rollouts,
                outbox,
                delivery,
                audit_light,
                audit_full,
                events,
                worker,
                lease,
                credentials,
            ),
        )
    ],
)


@PARTS
def test_a_part_that_hangs_makes_liveness_fail_with_its_name(
    part: str, start: Start, scene: OperatorParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = Hanging()
    try:
        start(scene, call, monkeypatch)
        assert call.entered.wait(PATIENCE_SECONDS)
        assert scene.health.stuck() == []
        scene.now += 601
        assert part in [line.partition(":")[0] for line in scene.health.stuck()]
    finally:
        call.free.set()


@PARTS
def test_a_part_whose_upstream_is_slow_and_away_keeps_beating(
    part: str, start: Start, scene: OperatorParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = Slow(scene)
    start(scene, call, monkeypatch)
    assert call.is_done.wait(PATIENCE_SECONDS), (part, call.turns)
    assert call.late == []


def test_every_background_thread_of_the_leader_is_tried_here(scene: OperatorParts) -> None:
    tried = {parameters.values[0] for parameters in PARTS.args[1]}
    assert {thread.name for thread in scene.threads()} <= tried


def test_a_process_that_is_stopping_is_not_restarted(scene: OperatorParts) -> None:
    with scene.beats.during("event-loop", at_most_seconds=60):
        scene.now += 61
        assert [line.partition(":")[0] for line in scene.health.obstacles()] == ["event-loop"]
        scene.health.is_stopping = True
        assert scene.health.stuck() == []
        assert scene.health.obstacles() == ["stopping"]
