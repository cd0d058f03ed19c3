"""What the runner does with jobs that it cannot run; those that it can are in tests/integration."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from devstack.coconut.callbacks import Callbacks
from devstack.coconut.faults import Fate, Faults
from devstack.coconut.ffmpeg import Ffmpeg
from devstack.coconut.job import Job, OutputState
from devstack.coconut.runner import Runner
from devstack.coconut.store import AcceptedJob, Store
from tests.support.eventually import eventually

NOON = datetime(2026, 2, 16, tzinfo=UTC)
START = Callable[[], Runner]


class NoFfmpeg(Ffmpeg):
    """Is there, and never asked."""

    def __init__(self) -> None:
        """Look for no program: that would run it."""

    def stop(self) -> None:
        """Nothing runs."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path, max_jobs=2)
    yield store
    store.close()


@pytest.fixture
def start(store: Store, tmp_path: Path) -> Iterator[START]:
    started: list[Runner] = []

    def run() -> Runner:
        runner = Runner(store=store, callbacks=Callbacks(Faults()), ffmpeg=NoFfmpeg(), folder=tmp_path)
        started.append(runner)
        runner.start()
        return runner

    yield run
    for runner in started:
        runner.stop()


def accept_unreadable(store: Store, job_id: str, text: str = '{"input": {"url": "gopher://old"}}') -> None:
    output = OutputState(key="hls", kind="httpstream", format_text="httpstream")
    job = Job(id=job_id, created_at=NOON, outputs=(output,))
    store.accept(AcceptedJob(job, Fate(), text), {}, at=NOON)


def test_jobs_that_an_earlier_version_accepted_end_failed_and_hinder_nothing(store: Store, start: START) -> None:
    accept_unreadable(store, "other-rules")
    accept_unreadable(store, "other-form", "not even JSON")
    start()
    eventually(lambda: store.unfinished() == [], every_seconds=0.01)
    for job_id in ("other-rules", "other-form"):
        job = store.job(job_id)
        assert job is not None
        assert (job.body()["status"], job.outputs[0].status) == ("job.failed", "httpstream.aborted")


def test_a_job_that_is_forgotten_while_it_waits_is_passed_over(store: Store, start: START) -> None:
    runner = start()
    runner.submit("forgotten", Fate())
    accept_unreadable(store, "next")
    runner.submit("next", Fate())
    eventually(lambda: store.unfinished() == [], every_seconds=0.01)
    assert store.job("forgotten") is None
