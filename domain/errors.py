"""The two kinds of trouble with a neighbour, named by what to do next.

Here because every room that talks to a neighbour (Kubernetes, Postgres, S3, Coconut) raises them and
every loop that drives one catches them. What trouble means for an upload is decided in
controller/rules/machine.py; how it reads in HTTP in webapi/http/problems.py.
"""


class UpstreamError(Exception):
    """A neighbour did not do what we asked. The message says what we were doing, to whom, what came back.

    ``retry_after_seconds`` is the neighbour's own wish, if it stated one.
    """

    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class UnavailableError(UpstreamError):
    """Ask again later: no answer, overload, or an answer that says so."""


class RefusedError(UpstreamError):
    """Asking again will not help until somebody changes something."""


class ConflictError(UpstreamError):
    """Somebody else wrote first: what we concluded is about a version that is gone. Look again, then decide."""
