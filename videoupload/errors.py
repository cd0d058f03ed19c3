"""What can go wrong, named by what to do next. Messages never hold a signed URL or a token."""

from dataclasses import dataclass


class ClientError(Exception):
    """Something is not as it should be; the message is for people. ``is_retryable``: later it may be."""

    is_retryable = False


class UnreachableError(ClientError):
    """The server did not answer, or answered only that it has failed."""

    is_retryable = True

    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class UnexpectedAnswerError(ClientError):
    """An answer that this API never gives: another server, or one that is much newer."""


@dataclass(frozen=True)
class Problem:
    """Why the service declined a call: the members of its answer, and two of its headers."""

    status: int
    code: str
    detail: str
    is_retryable: bool
    what_to_do: str = ""
    request_id: str | None = None
    # The path of the video that the call is about, if the answer names one.
    location: str | None = None
    retry_after_seconds: float | None = None


class ProblemError(ClientError):
    """The service declined a call. ``code`` is one of docs/api.md, "Problems"; programs decide by it."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem
        self.code = problem.code
        self.detail = problem.detail
        self.is_retryable = problem.is_retryable
        self.retry_after_seconds = problem.retry_after_seconds


class StorageRefusedError(ClientError):
    """Storage declined the bytes: an expired URL, or an upload that is no longer open. Another URL may help."""


class FileChangedError(ClientError):
    """The file changed after its upload began."""


class UploadRefusedError(ClientError):
    """The video takes no more files, and did not take this one."""
