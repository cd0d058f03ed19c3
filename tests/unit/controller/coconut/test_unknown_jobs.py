"""Consecutive looks at a job that Coconut does not know are counted from the first one."""

import pytest

from controller.coconut import unknown_jobs
from controller.coconut.unknown_jobs import MANY, Absence, UnknownJobs


def test_looks_are_counted_and_timed_from_the_first() -> None:
    jobs = UnknownJobs()
    assert jobs.record("a", is_known=False, now=10.0) == Absence(1, 0.0)
    assert jobs.record("a", is_known=False, now=70.0) == Absence(2, 60.0)
    assert jobs.record("b", is_known=False, now=80.0) == Absence(1, 0.0)


def test_a_job_that_is_found_again_is_counted_from_zero() -> None:
    jobs = UnknownJobs()
    jobs.record("a", is_known=False, now=10.0)
    assert jobs.record("a", is_known=True, now=20.0) == Absence()
    assert jobs.record("a", is_known=False, now=30.0) == Absence(1, 0.0)


def test_the_oldest_job_is_forgotten_when_memory_is_full() -> None:
    jobs = UnknownJobs(within_seconds=0)
    for number in range(unknown_jobs._JOBS_MAX + 1):
        jobs.record(str(number), is_known=False, now=0.0)
    assert jobs.record("0", is_known=False, now=9.0) == Absence(1, 0.0)
    assert jobs.record(str(unknown_jobs._JOBS_MAX), is_known=False, now=9.0) == Absence(2, 9.0)


@pytest.mark.parametrize(
    ("known", "unknown", "seconds", "are_many"),
    [
        pytest.param(0, MANY - 1, 0, False, id="few-may-be-chance"),
        pytest.param(0, MANY, 0, True, id="all"),
        pytest.param(MANY, MANY, 0, False, id="as-many-are-known"),
        pytest.param(MANY - 1, MANY, 0, True, id="most"),
        pytest.param(0, MANY, 900, False, id="what-was-seen-long-ago"),
    ],
)
def test_many_unknown_jobs_are_most_of_those_looked_at_lately(
    known: int, unknown: int, seconds: float, *, are_many: bool
) -> None:
    jobs = UnknownJobs(within_seconds=900)
    for number in range(known):
        jobs.record(f"known-{number}", is_known=True, now=0.0)
    for number in range(unknown):
        jobs.record(f"unknown-{number}", is_known=False, now=0.0)
    assert jobs.are_many(seconds) == are_many


def test_a_job_that_was_unknown_together_with_many_is_counted_from_zero_afterwards() -> None:
    jobs = UnknownJobs()
    for look in range(20):
        for number in range(MANY):
            jobs.record(str(number), is_known=False, now=60.0 * look)
    for number in range(1, MANY):
        jobs.record(str(number), is_known=True, now=1200.0)
    assert jobs.record("0", is_known=False, now=1260.0) == Absence(2, 120.0)
