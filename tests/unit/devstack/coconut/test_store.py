"""The jobs and the ledger on disk."""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

import devstack.coconut
from devstack.coconut.faults import Fate
from devstack.coconut.job import Job, OutputState
from devstack.coconut.store import MAX_JOBS, AcceptedJob, Store

NOON = datetime(2026, 2, 16, 12, 0, 0, 123_456, tzinfo=UTC)


def an_accepted(job_id: str) -> AcceptedJob:
    output = OutputState(key="hls", kind="httpstream", format_text="httpstream")
    return AcceptedJob(Job(id=job_id, created_at=NOON, outputs=(output,)), Fate(is_canned=True), '{"secret": "HUSH"}')


def accept(store: Store, job_id: str, **reference: str) -> Job:
    store.accept(an_accepted(job_id), reference, at=NOON)
    return an_accepted(job_id).job


def test_the_ledger_names_video_and_attempt_in_order_of_acceptance(tmp_path: Path) -> None:
    store = Store(tmp_path)
    accept(store, "one", video="v1", attempt="1", sig="s")
    accept(store, "two", attempt="second")
    assert store.ledger() == [
        {
            "job_id": "one",
            "video": "v1",
            "attempt": 1,
            "accepted_at": "2026-02-16T12:00:00.123+00:00",
            "status": "job.starting",
        },
        {
            "job_id": "two",
            "video": None,
            "attempt": "second",
            "accepted_at": "2026-02-16T12:00:00.123+00:00",
            "status": "job.starting",
        },
    ]


def test_jobs_survive_a_restart_and_the_unfinished_are_found(tmp_path: Path) -> None:
    store = Store(tmp_path)
    done = accept(store, "done").model_copy(update={"status": "job.completed"})
    accept(store, "waiting")
    store.save(done)
    store.close()
    again = Store(tmp_path)
    assert again.job("done") == done
    assert again.unfinished() == [("waiting", Fate(is_canned=True))]
    assert again.accepted("waiting") == an_accepted("waiting")
    assert again.accepted("done") is None
    assert [entry["status"] for entry in again.ledger()] == ["job.completed", "job.starting"]
    assert again.job("unknown") is None


def test_credentials_are_forgotten_when_a_job_ends(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.save(accept(store, "done").model_copy(update={"status": "job.failed"}))
    store.close()
    rows = sqlite3.connect(tmp_path / "jobs.sqlite3").execute("SELECT * FROM jobs").fetchall()
    assert rows
    assert "HUSH" not in str(rows)


@pytest.mark.parametrize("accepted", [3, 4, 9])
def test_only_the_newest_jobs_are_kept(tmp_path: Path, accepted: int) -> None:
    store = Store(tmp_path, max_jobs=3)
    for number in range(accepted):
        accept(store, f"job-{number}")
    kept = [f"job-{number}" for number in range(accepted - 3, accepted)]
    assert [entry["job_id"] for entry in store.ledger()] == kept
    assert [job_id for job_id, _ in store.unfinished()] == kept
    assert store.job("job-0") == (None if accepted > 3 else an_accepted("job-0").job)


def test_readers_are_told_how_many_jobs_are_kept() -> None:
    assert (
        f"The newest {MAX_JOBS:,} jobs are kept" in Path(devstack.coconut.__file__).with_name("README.md").read_text()
    )


def test_the_bound_holds_across_restarts(tmp_path: Path) -> None:
    for number in range(5):
        store = Store(tmp_path, max_jobs=2)
        accept(store, f"job-{number}")
        store.close()
    assert [entry["job_id"] for entry in Store(tmp_path, max_jobs=2).ledger()] == ["job-3", "job-4"]


def test_the_file_is_private(tmp_path: Path) -> None:
    Store(tmp_path)
    assert (tmp_path / "jobs.sqlite3").stat().st_mode & 0o077 == 0
