"""Alerts on the running stack: trouble is made, a real Prometheus says so, and says that it is over."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.e2e.alerts.prometheus import Prometheus, prometheus
from tests.e2e.uploads.world import Person, World, create, in_phase, uploaded
from tests.support.eventually import eventually

# More than there are workers, with as many again that back off.
WAITING = 60
# Each wait is bounded by the shortened windows and the shortened `for`, a minute in all.
SOON = 120


@pytest.fixture
def watching(world: World, tmp_path: Path) -> Iterator[Prometheus]:
    """A Prometheus that sees both processes, and no alert that the test is about to raise."""
    described = world.described
    with prometheus(
        tmp_path, api_url=described.api_url, operator_metrics_url=described.operator_metrics_url
    ) as running:
        eventually(lambda: running.targets() == {"api": "up", "operator": "up"})
        yield running


def test_forged_callbacks_raise_an_alert_until_they_stop(world: World, clip: Path, watching: Prometheus) -> None:
    world.faults(canned=1, forge=1)
    client = world.client()
    assert "VideoUploadsCallbacksFailing" not in watching.firing()

    def is_told_while_forgers_go_on() -> bool:
        uploaded(client, clip)
        return "VideoUploadsCallbacksFailing" in watching.firing()

    eventually(is_told_while_forgers_go_on, within_seconds=SOON, every_seconds=1)
    world.faults(canned=1, forge=0)
    eventually(lambda: "VideoUploadsCallbacksFailing" not in watching.firing(), within_seconds=SOON)


def test_paused_submissions_raise_an_alert_until_coconut_accepts_jobs(
    world: World, clip: Path, watching: Prometheus
) -> None:
    world.faults(canned=1, http_429=1)
    client = world.client()
    video_id = uploaded(client, clip)
    eventually(lambda: "VideoUploadsSubmissionsPaused" in watching.firing(), within_seconds=SOON)
    world.faults(canned=1, http_429=0)
    eventually(lambda: in_phase(client, video_id, "ready"), within_seconds=SOON)

    def is_over_as_orders_are_taken() -> bool:
        uploaded(client, clip)  # the breaker closes after some successes
        return "VideoUploadsSubmissionsPaused" not in watching.firing()

    eventually(is_over_as_orders_are_taken, within_seconds=SOON, every_seconds=1)


def test_a_growing_queue_raises_an_alert_until_it_is_drained(world: World, clip: Path, watching: Prometheus) -> None:
    person = world.person()
    with waiting_uploads(person, clip), nobody_reads_rows(world):
        eventually(lambda: "VideoUploadsQueueBacklog" in watching.firing(), within_seconds=SOON)
    eventually(lambda: "VideoUploadsQueueBacklog" not in watching.firing(), within_seconds=SOON)


@contextmanager
def waiting_uploads(person: Person, clip: Path) -> Iterator[None]:
    """Have uploads whose file never comes: each is looked at again and again. At the end they are deleted."""
    made = [create(person.client, clip).video_id for _ in range(WAITING)]
    yield
    for video_id in made:
        person.call("DELETE", f"/videos/{video_id}", expected=204)


@contextmanager
def nobody_reads_rows(world: World) -> Iterator[None]:
    """Hold a lock that every pass waits for, as a migration gone wrong would."""
    with psycopg.connect(world.described.database_url) as connection:
        connection.execute("LOCK TABLE videos IN ACCESS EXCLUSIVE MODE")
        yield
        connection.rollback()
