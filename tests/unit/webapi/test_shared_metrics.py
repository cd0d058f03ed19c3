"""The metrics of several workers on one page, and a worker that has a stuck part."""

import os
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from prometheus_client import values

from runtime.heartbeat_metrics import HeartbeatGauges
from runtime.heartbeats import Heartbeat, Heartbeats
from webapi.metrics import ApiMetrics
from webapi.server.shared_metrics import SharedMetrics, lowest_free
from webapi.server.worker import DrainingWorker
from webapi.wiring import Service


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SharedMetrics:
    """The files of this process, as if it were an arbiter and each of its workers."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(values, "ValueClass", values.ValueClass)
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")
    metrics = SharedMetrics(os.getpid())
    metrics.create()
    return metrics


class OneWorker:
    """A worker's metrics."""

    def __init__(self, shared: SharedMetrics, number: int) -> None:
        shared.begin_worker(number)
        self._values = values.ValueClass
        self._metrics = ApiMetrics()
        self._metrics.export(shared.registry())

    @property
    def metrics(self) -> ApiMetrics:
        """Its metrics; values that are made from now on are this worker's, as they are in a process of its own."""
        values.ValueClass = self._values
        return self._metrics

    def waits_for(self, resources: int) -> None:
        self.metrics.samplers.append(lambda: self.metrics.waiting.set(resources))
        self.metrics.sample()

    def shows(self, line: str) -> bool:
        return line in self.metrics.text().decode().splitlines()


def test_counters_of_all_workers_are_summed_and_survive_their_worker(shared: SharedMetrics, tmp_path: Path) -> None:
    first, second = OneWorker(shared, 0), OneWorker(shared, 1)
    for worker, count in ((first, 3), (second, 4)):
        worker.metrics.published.labels("applied").inc(count)
        worker.metrics.request_seconds.labels("GET", "/", "200").observe(0.003)
    assert {path.name for path in tmp_path.rglob("counter_*.db")} == {"counter_0.db", "counter_1.db"}
    for worker in (first, second):
        assert worker.shows('video_uploads_publish_total{result="applied"} 7.0')
        assert worker.shows('video_uploads_http_request_seconds_count{method="GET",route="/",status="200"} 2.0')
        assert worker.shows(
            'video_uploads_http_request_seconds_bucket{le="0.005",method="GET",route="/",status="200"} 2.0'
        )
    files = {path.name for path in tmp_path.rglob("*.db")}
    for _ in range(5):
        shared.end_worker(0)
        first = OneWorker(shared, 0)
        first.metrics.published.labels("applied").inc()
    assert second.shows('video_uploads_publish_total{result="applied"} 12.0')
    assert {path.name for path in tmp_path.rglob("*.db")} == files


def test_gauges_are_those_of_the_workers_that_live(shared: SharedMetrics) -> None:
    first, second = OneWorker(shared, 0), OneWorker(shared, 1)
    first.waits_for(3)
    second.waits_for(4)
    first.metrics.last_callback.set(2000)
    second.metrics.last_callback.set(1000)
    assert second.shows("video_uploads_publish_waiting 7.0")
    shared.end_worker(0)
    assert second.shows("video_uploads_publish_waiting 4.0")
    assert second.shows("video_uploads_callback_last_timestamp_seconds 2000.0")


def test_the_oldest_heartbeat_of_all_workers_is_shown(shared: SharedMetrics) -> None:
    now = 0.0
    workers = []
    for number in range(2):
        worker, beats = OneWorker(shared, number), Heartbeats()
        workers.append(worker)
        beats.begin(Heartbeat("publisher", at_most_seconds=120, monotonic=lambda: now))  # noqa: B023 - one clock for both
        worker.metrics.samplers.append(HeartbeatGauges(beats, worker.metrics.registry).sample)
        now += 50
    workers[0].metrics.sample()
    assert workers[1].shows('video_uploads_heartbeat_age_seconds{part="publisher"} 100.0')
    assert workers[1].shows('video_uploads_heartbeat_limit_seconds{part="publisher"} 120.0')


@pytest.mark.parametrize(
    ("taken", "number"),
    [
        pytest.param([], 0, id="the-first"),
        pytest.param([0, 1], 2, id="one-more"),
        pytest.param([0, 2, 3], 1, id="after-one-has-ended"),
    ],
)
def test_a_worker_takes_the_lowest_free_number(taken: list[int], number: int) -> None:
    assert lowest_free(taken) == number


def test_what_an_earlier_container_left_behind_is_removed(shared: SharedMetrics, tmp_path: Path) -> None:
    OneWorker(shared, 0).metrics.published.labels("applied").inc()
    shared.create()
    assert not list(tmp_path.rglob("*.db"))
    shared.remove()
    assert not list(tmp_path.iterdir())


def test_a_directory_of_someone_else_is_not_used(shared: SharedMetrics, tmp_path: Path) -> None:
    shared.remove()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / f"video-uploads-metrics-{os.getpid()}").symlink_to(elsewhere)
    with pytest.raises(FileExistsError):
        shared.create()


@pytest.mark.parametrize(("is_alive", "notifications"), [(True, 1), (False, 0)])
def test_a_worker_with_a_stuck_part_no_longer_says_that_it_is_well(*, is_alive: bool, notifications: int) -> None:
    said: list[None] = []
    worker = DrainingWorker.__new__(DrainingWorker)
    worker.tmp = SimpleNamespace(notify=lambda: said.append(None))
    service = SimpleNamespace(metrics=ApiMetrics(), liveness=SimpleNamespace(is_alive=is_alive))
    worker.service = cast("Service", service)
    for _ in range(3):
        worker.notify()
    assert len(said) == notifications
