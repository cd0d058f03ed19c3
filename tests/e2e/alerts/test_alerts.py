"""Alerts on the running stack: a fault makes a real Prometheus fire, and its end stops the alert."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.e2e.alerts.prometheus import Prometheus, prometheus
from tests.e2e.uploads.world import Person, World, create, in_phase, uploaded
from tests.support.eventually import eventually

# More than the workers, with as many again that back off.
WAITING = 60
# The shortened windows and the shortened `for` add up to a minute at most.
SOON = 120


@pytest.fixture
def watching(world: World, tmp_path: Path) -> Iterator[Prometheus]:
    """A Prometheus that scrapes both services."""
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

    def is_firing_while_forging_continues() -> bool:
        uploaded(client, clip)
        return "VideoUploadsCallbacksFailing" in watching.firing()

    eventually(is_firing_while_forging_continues, within_seconds=SOON, every_seconds=1)
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

    def has_ended_as_jobs_are_accepted() -> bool:
        uploaded(client, clip)  # the breaker closes after some successes
        return "VideoUploadsSubmissionsPaused" not in watching.firing()

    eventually(has_ended_as_jobs_are_accepted, within_seconds=SOON, every_seconds=1)


def test_a_growing_queue_raises_an_alert_until_it_is_drained(world: World, clip: Path, watching: Prometheus) -> None:
    person = world.person()
    with waiting_uploads(person, clip), all_rows_locked(world):
        eventually(lambda: "VideoUploadsQueueBacklog" in watching.firing(), within_seconds=SOON)
    eventually(lambda: "VideoUploadsQueueBacklog" not in watching.firing(), within_seconds=SOON)


@contextmanager
def waiting_uploads(person: Person, clip: Path) -> Iterator[None]:
    """Create uploads whose file never arrives, which the operator polls. Delete them at the end."""
    made = [create(person.client, clip).video_id for _ in range(WAITING)]
    yield
    for video_id in made:
        person.call("DELETE", f"/videos/{video_id}", expected=204)


@contextmanager
def all_rows_locked(world: World) -> Iterator[None]:
    """Hold a lock that every pass waits for, as a stuck migration would."""
    with psycopg.connect(world.described.database_url) as connection:
        connection.execute("LOCK TABLE videos IN ACCESS EXCLUSIVE MODE")
        yield
        connection.rollback()
