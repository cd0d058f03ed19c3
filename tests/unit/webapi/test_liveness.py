"""Each long-lived part of the API: when it hangs, `/livez` says 503 with its name; slow or in an outage it does not."""

import threading
from collections.abc import Callable, Iterator
from typing import Any, cast

import orjson
import pytest

from database.pool import Database
from domain.errors import UnavailableError
from runtime.heartbeats import Heartbeats
from tests.support.builders.rows import a_desired_state
from tests.support.eventually import eventually
from webapi.health import Liveness, Readiness
from webapi.metrics import ApiMetrics
from webapi.publisher import QueuedPublisher

PATIENCE_SECONDS = 10


class HangingUpstream:
    """Kubernetes or Postgres: it hangs until ``may_answer``, and is away then."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.may_answer = threading.Event()
        self.calls = 0

    def __call__(self, *_: object) -> None:
        self.calls += 1
        self.entered.set()
        assert self.may_answer.wait(PATIENCE_SECONDS)
        raise UnavailableError("no answer")


class ApiThreads:
    """The API's threads, each alone, and a clock."""

    def __init__(self) -> None:
        self.now = 0.0
        self.beats = Heartbeats(lambda: self.now)
        self.liveness = Liveness(self.beats)
        self.upstream = HangingUpstream()
        self.stop: Callable[[], None] = lambda: None

    def publisher(self) -> None:
        publisher = QueuedPublisher(
            self.upstream, ApiMetrics(), capacity=9, threads=1, beats=self.beats, pause_seconds=0
        )
        publisher.enqueue(a_desired_state())
        self.stop = lambda: publisher.stop(within_seconds=PATIENCE_SECONDS)

    def readiness(self) -> None:
        postgres: Any = type("Postgres", (), {"check": lambda _: self.upstream()})()
        readiness = Readiness(cast("Database", postgres), lambda: self.now, self.beats)
        readiness.start()
        self.stop = readiness.stop


@pytest.fixture
def scene() -> Iterator[ApiThreads]:
    made = ApiThreads()
    yield made
    made.upstream.may_answer.set()
    made.stop()


@pytest.mark.parametrize("part", ["publisher", "readiness"])
def test_a_part_that_hangs_makes_liveness_fail_with_its_name(part: str, scene: ApiThreads) -> None:
    getattr(scene, part)()
    assert scene.upstream.entered.wait(PATIENCE_SECONDS)
    scene.now += 100
    assert orjson.loads(scene.liveness.health().body) == {"status": "alive"}
    scene.now += 21
    health = scene.liveness.health()
    assert health.status.startswith("503")
    assert orjson.loads(health.body) == {
        "status": "stuck",
        "parts": [f"{part}: no beat for 121 s, at most 120 s are usual"],
    }


@pytest.mark.parametrize("part", ["publisher", "readiness"])
def test_a_part_whose_upstream_is_away_keeps_beating(part: str, scene: ApiThreads) -> None:
    getattr(scene, part)()
    assert scene.upstream.entered.wait(PATIENCE_SECONDS)
    scene.now += 100
    scene.upstream.may_answer.set()
    eventually(lambda: scene.beats.ages()[part][0] == 0)
    scene.now += 100
    assert scene.liveness.health().status.startswith("200")
