"""The interfaces of what others run: the transcoding vendor, and the servers of source URLs.

All other dependencies are our own classes (dependencies.py).
"""

from contextlib import AbstractContextManager
from typing import Protocol

from domain.failures import FailureCode
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


class SourceUnavailableError(Exception):
    """A server gave no file, or not all of it, and may do so later. The message holds no part of the URL."""

    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class SourceRefusedError(Exception):
    """There will be no file at this URL, or we must not fetch it. The message holds no part of the URL."""

    def __init__(self, code: FailureCode, message: str) -> None:
        super().__init__(message)
        self.code = code


class SourceFile(Protocol):
    """A file that a server is sending.

    ``offset``: where in the file it began. ``file_bytes``: of the whole file, None if the server did not say.
    ``version``: by which a later request can continue this very file, None if none can.
    """

    @property
    def offset(self) -> int: ...

    @property
    def file_bytes(self) -> int | None: ...

    @property
    def version(self) -> str | None: ...

    def read(self, at_most: int) -> bytes:
        """Return the next bytes: so many of them, and fewer only at the end. Raises SourceUnavailableError."""


class Sources(Protocol):
    """The servers of source URLs."""

    def open(self, url: str, *, offset: int, version: str | None) -> AbstractContextManager[SourceFile]:
        """Begin to read a file at ``offset``, if it is still of this version, and else at its beginning.

        Raises SourceUnavailableError, SourceRefusedError.
        """
