"""The publisher: desired states reach Kubernetes soon or never, and never delay a request."""

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from domain.errors import RefusedError, UnavailableError
from domain.video import DesiredState
from runtime.heartbeats import Heartbeats
from tests.support.builders.rows import a_desired_state
from webapi.metrics import ApiMetrics
from webapi.publisher import QueuedPublisher

PATIENCE_SECONDS = 10


class Kubernetes:
    """Applies desired states when the gate is open; ``error`` is raised instead, once."""

    def __init__(self) -> None:
        self.may_answer = threading.Event()
        self.entered = threading.Event()
        self.applied: list[DesiredState] = []
        self.error: Exception | None = None

    def apply(self, desired: DesiredState) -> None:
        self.entered.set()
        assert self.may_answer.wait(PATIENCE_SECONDS)
        if self.error is not None:
            error, self.error = self.error, None
            raise error
        self.applied.append(desired)


class PublisherHarness:
    """A publisher of one thread, its Kubernetes and its counters."""

    def __init__(self) -> None:
        self.kubernetes = Kubernetes()
        self.metrics = ApiMetrics()
        self.now = 100.0
        self.publisher = QueuedPublisher(
            self.kubernetes.apply,
            self.metrics,
            capacity=2,
            threads=1,
            beats=Heartbeats(),
            pause_seconds=0,
            monotonic=lambda: self.now,
        )

    def count(self, result: str) -> float:
        value = self.metrics.registry.get_sample_value("video_uploads_publish_total", {"result": result})
        assert value is not None
        return value

    def exported(self, name: str) -> float | None:
        """Return a gauge as the next scrape shows it."""
        self.metrics.sample()
        return self.metrics.registry.get_sample_value(name)

    def occupy(self) -> None:
        """Let the thread take a desired state and wait at the gate."""
        self.publisher.enqueue(a_desired_state(video_id="first"))
        assert self.kubernetes.entered.wait(PATIENCE_SECONDS)

    def finish(self) -> None:
        """Open the gate and stop."""
        self.kubernetes.may_answer.set()
        self.publisher.stop(within_seconds=PATIENCE_SECONDS)


@pytest.fixture
def publishing() -> Iterator[PublisherHarness]:
    """A running publisher whose gate is shut."""
    running = PublisherHarness()
    yield running
    running.finish()


def test_an_offered_state_is_applied(publishing: PublisherHarness) -> None:
    publishing.publisher.enqueue(a_desired_state())
    publishing.finish()

    assert publishing.kubernetes.applied == [a_desired_state()]
    assert publishing.count("applied") == 1


def test_a_full_queue_drops_and_counts_instead_of_waiting(publishing: PublisherHarness) -> None:
    publishing.occupy()
    for name in ("second", "third", "fourth", "fifth"):
        publishing.publisher.enqueue(a_desired_state(video_id=name))

    assert publishing.count("dropped") == 2
    publishing.finish()
    assert [desired.video_id for desired in publishing.kubernetes.applied] == ["first", "second", "third"]


@pytest.mark.parametrize("revisions", [(1, 2), (2, 1)])
def test_only_the_newest_state_of_a_video_waits(publishing: PublisherHarness, revisions: tuple[int, int]) -> None:
    publishing.occupy()
    for revision in revisions:
        publishing.publisher.enqueue(a_desired_state(revision=revision))
    publishing.publisher.enqueue(a_desired_state(video_id="another"))
    publishing.finish()

    assert publishing.kubernetes.applied == [
        a_desired_state(video_id="first"),
        a_desired_state(revision=2),
        a_desired_state(video_id="another"),
    ]
    assert publishing.count("dropped") == 0


@pytest.mark.parametrize(
    ("error", "result"),
    [
        pytest.param(UnavailableError("no answer"), "unavailable", id="away"),
        pytest.param(RefusedError("HTTP 422"), "refused", id="refused"),
        pytest.param(RuntimeError("a bug"), "failed", id="a-bug"),
    ],
)
def test_a_failure_is_counted_and_the_next_state_is_applied(
    publishing: PublisherHarness, error: Exception, result: str
) -> None:
    publishing.kubernetes.error = error
    publishing.publisher.enqueue(a_desired_state(video_id="unlucky"))
    publishing.publisher.enqueue(a_desired_state(video_id="next"))
    publishing.finish()

    assert publishing.count(result) == 1
    assert [desired.video_id for desired in publishing.kubernetes.applied] == ["next"]


def test_while_kubernetes_is_away_not_every_state_causes_a_call() -> None:
    kubernetes, metrics = Kubernetes(), ApiMetrics()
    kubernetes.error = UnavailableError("no answer")
    publisher = QueuedPublisher(
        kubernetes.apply, metrics, capacity=9, threads=1, beats=Heartbeats(), pause_seconds=PATIENCE_SECONDS
    )
    publisher.enqueue(a_desired_state(video_id="unlucky"))
    kubernetes.may_answer.set()
    while not metrics.registry.get_sample_value("video_uploads_publish_total", {"result": "unavailable"}):
        assert kubernetes.entered.wait(PATIENCE_SECONDS)
    kubernetes.entered.clear()
    publisher.enqueue(a_desired_state(video_id="next"))

    assert not kubernetes.entered.wait(0.2)
    publisher.stop(within_seconds=PATIENCE_SECONDS / 2)
    assert [desired.video_id for desired in kubernetes.applied] == ["next"]


def test_stopping_applies_the_waiting_resources(publishing: PublisherHarness) -> None:
    publishing.occupy()
    publishing.publisher.enqueue(a_desired_state(video_id="second"))
    publishing.finish()

    assert [desired.video_id for desired in publishing.kubernetes.applied] == ["first", "second"]


def test_stopping_does_not_wait_for_a_kubernetes_that_hangs(publishing: PublisherHarness) -> None:
    publishing.occupy()
    publishing.publisher.enqueue(a_desired_state(video_id="second"))
    publishing.publisher.stop(within_seconds=0)

    assert publishing.count("dropped") == 1


def test_after_the_stop_states_are_dropped(publishing: PublisherHarness) -> None:
    publishing.finish()
    publishing.publisher.enqueue(a_desired_state())

    assert publishing.count("dropped") == 1
    assert not publishing.kubernetes.applied


def test_the_number_of_waiting_states_is_exported(publishing: PublisherHarness) -> None:
    publishing.occupy()
    publishing.publisher.enqueue(a_desired_state(video_id="second"))

    assert publishing.exported("video_uploads_publish_waiting") == 1


def test_the_oldest_resource_is_the_one_that_is_being_applied(publishing: PublisherHarness) -> None:
    def oldest() -> float | None:
        return publishing.exported("video_uploads_publish_waiting_seconds")

    assert oldest() == 0
    publishing.occupy()
    publishing.now += 7
    publishing.publisher.enqueue(a_desired_state(video_id="second"))
    publishing.now += 1
    publishing.publisher.enqueue(a_desired_state(video_id="second", revision=2))
    assert oldest() == 8
    publishing.finish()
    assert oldest() == 0


def test_uploads_of_a_region_in_another_cluster_are_left_to_its_operator() -> None:
    kubernetes, metrics = Kubernetes(), ApiMetrics()
    kubernetes.may_answer.set()
    publisher = QueuedPublisher(
        kubernetes.apply, metrics, capacity=2, threads=1, beats=Heartbeats(), elsewhere=["fra1"]
    )
    ours = a_desired_state(region="tor1")
    publisher.enqueue(replace(ours, video_id="elsewhere", region="fra1"))
    publisher.enqueue(ours)
    publisher.stop(within_seconds=PATIENCE_SECONDS)

    assert kubernetes.applied == [ours]
