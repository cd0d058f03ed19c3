"""The jobs in memory and the ledger."""

from dataclasses import replace
from datetime import UTC, datetime

from devstack.coconut.job import JobRecord
from devstack.coconut.store import JobStore

NOON = datetime(2026, 2, 16, 12, 0, 0, 123_456, tzinfo=UTC)


def accept(store: JobStore, job_id: str, **reference: str) -> JobRecord:
    job = JobRecord(id=job_id, created_at=NOON, outputs=())
    store.accept(job, reference, at=NOON)
    return job


def test_the_ledger_names_video_and_attempt_in_order_of_acceptance() -> None:
    store, at = JobStore(), "2026-02-16T12:00:00.123+00:00"
    store.save(replace(accept(store, "one", video="v1", attempt="1", sig="s"), status="job.completed"))
    accept(store, "two", attempt="second")
    assert store.ledger() == [
        {"job_id": "one", "video": "v1", "attempt": 1, "accepted_at": at, "status": "job.completed"},
        {"job_id": "two", "video": None, "attempt": "second", "accepted_at": at, "status": "job.starting"},
    ]


def test_only_the_newest_jobs_are_kept_but_the_ledger_names_all() -> None:
    store = JobStore(max_jobs=2)
    oldest, *kept = [accept(store, f"job-{number}") for number in range(3)]
    store.save(replace(oldest, status="job.failed"))
    assert [store.job(f"job-{number}") for number in range(3)] == [None, *kept]
    assert [entry["status"] for entry in store.ledger()] == ["job.failed", "job.starting", "job.starting"]
