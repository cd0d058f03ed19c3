"""Errors of upstreams (Kubernetes, Postgres, S3, Coconut), named by what to do next.

    UpstreamError
    ├── UnavailableError   ask again later
    ├── RefusedError       asking again will not help until something is changed
    │   └── KeyRefusedError    our credentials are not accepted, which concerns every call
    └── ConflictError      read again, then decide

Every adapter raises these or subclasses of them. controller/rules/machine.py decides what an error means for an
upload; webapi/http/problems.py translates it to HTTP.
"""


class UpstreamError(Exception):
    """An upstream did not do what we asked. The message says what we were doing, to whom, and what came back.

    ``retry_after_seconds``: how long the upstream asked us to wait, None if it did not say.
    """

    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class UnavailableError(UpstreamError):
    """Ask again later: there was no response, or it reported overload or another passing failure."""


class RefusedError(UpstreamError):
    """Asking again will not help until something is changed."""


class KeyRefusedError(RefusedError):
    """Our credentials are not accepted, or may not do this: the same would happen to every call."""


class ConflictError(UpstreamError):
    """Another writer came first, so our conclusions are about an old version. Read again, then decide."""
