"""The client's errors, named by what to do next. Messages never contain a signed URL or a token."""

from dataclasses import dataclass


class ClientError(Exception):
    """Base of all errors; the message is for people. ``is_retryable``: the same call may succeed later."""

    is_retryable = False


class UnreachableError(ClientError):
    """The server did not respond, or responded only that it failed."""

    is_retryable = True

    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class SettingError(ClientError):
    """An address, a proxy, a secret or an argument of the caller cannot be used. Waiting does not help."""


class UnexpectedAnswerError(ClientError):
    """A response that this API never sends: it came from another server, or from a much newer one."""


@dataclass(frozen=True)
class Problem:
    """Why the service refused a call: the fields of its response, and two of its headers."""

    status: int
    code: str
    detail: str
    is_retryable: bool
    what_to_do: str = ""
    request_id: str | None = None
    # The path of the video that the call is about, if the response names one.
    location: str | None = None
    retry_after_seconds: float | None = None


class ProblemError(ClientError):
    """The service refused a call. Programs decide by ``code``; docs/api.md, "Problems", lists the codes."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem
        self.code = problem.code
        self.detail = problem.detail
        self.is_retryable = problem.is_retryable
        self.retry_after_seconds = problem.retry_after_seconds


class StorageRefusedError(ClientError):
    """Storage refused the bytes: the URL expired, or the upload is no longer open. A new URL may help."""


class FileChangedError(ClientError):
    """The file changed after its upload began."""


class UploadRefusedError(ClientError):
    """The video does not accept this file."""


class WebhookRefusedError(ClientError):
    """A request to a webhook's receiver that the service did not sign, or not just now. Answer it with 400."""
