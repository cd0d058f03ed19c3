"""The recorder of Events: it holds up no pass, loses no Event that the API server will take, and stays bounded."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from crds.events import EventRecorder, EventResult, ResourceEvent
from crds.resource import Resource
from domain.errors import ConflictError, RefusedError, UnavailableError, UpstreamError
from runtime.heartbeats import Heartbeats
from tests.support.eventually import eventually
from tests.support.world.clock import MORNING

PATIENCE_SECONDS = 10
RESOURCE = Resource("video", "default", "uid", "1", 1)


@dataclass
class FakeEvents:
    """The API server's Events. ``errors``: what the next calls raise; it answers only while ``answers`` is set."""

    posted: list[ResourceEvent] = field(default_factory=list)
    errors: list[UpstreamError | ValueError] = field(default_factory=list)
    calls: int = 0
    answers: threading.Event = field(default_factory=threading.Event)

    def post(self, event: ResourceEvent) -> None:
        self.calls += 1
        assert self.answers.wait(PATIENCE_SECONDS)
        if self.errors:
            raise self.errors.pop(0)
        self.posted.append(event)


@dataclass
class Scene:
    """A recorder that runs, and what became of the Events."""

    server: FakeEvents = field(default_factory=FakeEvents)
    results: Counter[EventResult] = field(default_factory=Counter)
    recorder: EventRecorder = field(init=False)

    def __post_init__(self) -> None:
        def count(result: EventResult, number: int) -> None:
            self.results[result] += number

        self.recorder = EventRecorder(self.server.post, on_result=count, capacity=3, first_pause_seconds=0.001)

    def record(self, *reasons: str) -> None:
        for reason in reasons:
            self.recorder.record(an_event(reason))

    def reasons(self) -> list[str]:
        return [event.reason for event in self.server.posted]


def an_event(reason: str, resource: Resource = RESOURCE) -> ResourceEvent:
    return ResourceEvent.about(resource, type="Normal", reason=reason, message="", at=MORNING)


@pytest.fixture
def scene() -> Iterator[Scene]:
    made = Scene()
    made.server.answers.set()
    made.recorder.start(Heartbeats())
    yield made
    made.server.answers.set()
    made.recorder.stop(within_seconds=PATIENCE_SECONDS)


def test_events_are_posted_in_their_order(scene: Scene) -> None:
    scene.record("A", "B", "C")
    eventually(lambda: scene.reasons() == ["A", "B", "C"], within_seconds=PATIENCE_SECONDS)
    assert len({event.name for event in scene.server.posted}) == 3


def test_while_the_api_server_is_frozen_recording_returns_and_the_newest_are_kept(scene: Scene) -> None:
    scene.server.answers.clear()
    scene.record("A")
    eventually(lambda: scene.server.calls == 1, within_seconds=PATIENCE_SECONDS)
    scene.record(*"BCDEFG")
    assert scene.results == {EventResult.DROPPED: 3}
    scene.server.answers.set()
    eventually(lambda: scene.reasons() == ["A", "E", "F", "G"], within_seconds=PATIENCE_SECONDS)


def test_what_the_api_server_did_not_answer_is_posted_later_under_its_name(scene: Scene) -> None:
    scene.server.errors += [UnavailableError("away"), UnavailableError("busy", retry_after_seconds=0.001)]
    event = an_event("A")
    scene.recorder.record(event)
    eventually(lambda: scene.server.posted == [event], within_seconds=PATIENCE_SECONDS)
    assert scene.server.calls == 3


@pytest.mark.parametrize(
    ("error", "result"),
    [
        pytest.param(ConflictError("there is one"), EventResult.POSTED, id="posted-before"),
        pytest.param(RefusedError("HTTP 403"), EventResult.REFUSED, id="refused"),
        pytest.param(ValueError("a bug"), EventResult.REFUSED, id="a-bug"),
    ],
)
def test_one_that_is_not_created_delays_no_other(
    error: UpstreamError | ValueError, result: EventResult, scene: Scene
) -> None:
    scene.server.errors.append(error)
    scene.record("A", "B")
    eventually(lambda: scene.reasons() == ["B"], within_seconds=PATIENCE_SECONDS)
    eventually(lambda: scene.results == Counter([result, EventResult.POSTED]), within_seconds=PATIENCE_SECONDS)


def test_at_a_stop_what_waits_is_posted(scene: Scene) -> None:
    scene.record("A", "B", "C")
    scene.recorder.stop(within_seconds=PATIENCE_SECONDS)
    assert scene.reasons() == ["A", "B", "C"]


def freeze(scene: Scene) -> None:
    scene.server.answers.clear()


def leave(scene: Scene) -> None:
    scene.server.errors += [UnavailableError("away")] * 9


@pytest.mark.parametrize("fail", [freeze, leave])
def test_a_stop_waits_no_longer_than_its_time_for_an_api_server_that_fails(
    fail: Callable[[Scene], None], scene: Scene
) -> None:
    fail(scene)
    scene.record("A", "B", "C")
    eventually(lambda: scene.server.calls > 0, within_seconds=PATIENCE_SECONDS)
    scene.recorder.stop(within_seconds=0.1)
    assert scene.results[EventResult.DROPPED] >= 2
    assert not scene.reasons()


@pytest.mark.parametrize("name", ["v", "a" * 253, "a." * 126 + "a"], ids=["short", "long", "many-labels"])
def test_an_event_has_a_name_that_kubernetes_accepts(name: str) -> None:
    event = an_event("A", Resource(name, "default", "uid", "1", 1))
    assert len(event.name) <= 253
    assert all(label and label.strip("-") == label for label in event.name.split("."))
    assert event.resource_name == name
