"""A limit on calls that change something: each is a row version, a NOTIFY, a write to etcd and a pass.

A signed download of an original counts as well: each can carry gigabytes.

Counted for each owner in the memory of a process: N processes, of one replica or of several, allow up to N times as
much. What costs money has exact limits of its own in Postgres.
"""

from collections.abc import Callable
from typing import Any

import falcon

from webapi.http.auth import caller_of
from webapi.http.call_limiter import CallLimiter
from webapi.http.problems import ProblemCode
from webapi.http.rate_limit import refusal, spend

_READING = frozenset({"GET", "HEAD", "OPTIONS"})


class ChangeLimit:
    """Falcon middleware, behind Authentication."""

    def __init__(self, owners: CallLimiter, *, count_refused: Callable[[str], object] = lambda _limit: None) -> None:
        self._owners = owners
        self._count_refused = count_refused

    def process_resource(
        self, req: falcon.Request, _resp: falcon.Response, resource: object, _params: dict[str, Any]
    ) -> None:
        """Count the call. Raises HttpProblemError if the owner has no calls left."""
        if getattr(resource, "is_public", False) or not _is_counted(req.method, resource):
            return
        taken = spend(req, self._owners, "changes", caller_of(req).owner)
        if taken.is_refused:
            self._count_refused("changes")
            what = "calls of this kind"
            raise refusal(ProblemCode.CHANGE_LIMIT_REACHED, self._owners.per_minute, what, taken)


def _is_counted(method: str, resource: object) -> bool:
    signs_a_download = method in {"GET", "HEAD"} and getattr(resource, "signs_downloads", False)
    return signs_a_download or method not in _READING
