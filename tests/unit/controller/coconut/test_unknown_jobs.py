"""Consecutive looks at a job that Coconut does not know are counted from the first one."""

from controller.coconut import unknown_jobs
from controller.coconut.unknown_jobs import Absence, UnknownJobs


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
    jobs = UnknownJobs()
    for number in range(unknown_jobs._JOBS_MAX + 1):
        jobs.record(str(number), is_known=False, now=0.0)
    assert jobs.record("0", is_known=False, now=9.0) == Absence(1, 0.0)
    assert jobs.record(str(unknown_jobs._JOBS_MAX), is_known=False, now=9.0) == Absence(2, 9.0)
