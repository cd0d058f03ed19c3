"""The interface of the transcoding vendor. All other dependencies are our own classes (dependencies.py)."""

from typing import Protocol

from domain.jobs import Job, JobOrder


class Transcoder(Protocol):
    """The transcoding provider, Coconut."""

    def start(self, order: JobOrder) -> str:
        """Start a paid job and return its id. Not repeatable: the intent is committed before.

        Raises UnavailableError (certainly no job, try later), RefusedError (certainly no job, ever),
        UncertainError.
        """

    def probe(self) -> None:
        """Make a call that costs nothing, to learn whether the provider answers and accepts our key.

        Raises UnavailableError.
        """

    def job(self, job_id: str) -> Job | None:
        """Return a job, None if there is no such job. Raises UnavailableError, RefusedError."""

    def picture_seconds(self, job_id: str) -> float | None:
        """Return the duration that the input's picture track states, None if it states none. Raises like `job`."""
