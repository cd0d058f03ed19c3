"""A limit on calls that change something: each is a row version, a NOTIFY, a write to etcd and a pass.

A signed download of an original counts as well: each can carry gigabytes.

A token bucket for each owner, in memory: a process limits what it serves, so N processes, of one replica or of several,
allow up to N times as much. What costs money has exact limits of its own in Postgres.
"""

import math
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import falcon

from webapi.http.auth import caller_of
from webapi.http.problems import HttpProblemError, ProblemCode

_READING = frozenset({"GET", "HEAD", "OPTIONS"})
# An owner that is forgotten has a full bucket again. Each needs a token of its own.
_OWNERS_MAX = 10_000


class ChangeLimit:
    """Falcon middleware, behind Authentication. Thread-safe."""

    def __init__(self, per_minute: int, monotonic: Callable[[], float], *, owners_max: int = _OWNERS_MAX) -> None:
        self._per_minute = per_minute
        self._monotonic = monotonic
        self._owners_max = owners_max
        self._lock = threading.Lock()
        # The tokens of each owner and when they were counted, least recently used first.
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def process_resource(
        self, req: falcon.Request, _resp: falcon.Response, resource: object, _params: dict[str, Any]
    ) -> None:
        """Count the call. Raises HttpProblemError if the owner's bucket is empty."""
        if getattr(resource, "is_public", False) or not _is_counted(req.method, resource):
            return
        missing = self._take(caller_of(req).owner)
        if missing > 0:
            seconds = str(math.ceil(missing * 60 / self._per_minute))
            detail = (
                f"{self._per_minute} calls of this kind in a minute are allowed; repeat this one in {seconds} seconds"
            )
            raise HttpProblemError(ProblemCode.CHANGE_LIMIT_REACHED, detail, headers={"Retry-After": seconds})

    def _take(self, owner: str) -> float:
        """Take one token; return how much of it is missing. A call that is refused costs none."""
        with self._lock:
            now = self._monotonic()
            tokens, counted_at = self._buckets.get(owner, (float(self._per_minute), now))
            tokens = min(self._per_minute, tokens + (now - counted_at) * self._per_minute / 60)
            missing = max(0.0, 1 - tokens)
            self._buckets[owner] = (tokens if missing else tokens - 1, now)
            self._buckets.move_to_end(owner)
            if len(self._buckets) > self._owners_max:
                self._buckets.popitem(last=False)
            return missing


def _is_counted(method: str, resource: object) -> bool:
    signs_a_download = method in {"GET", "HEAD"} and getattr(resource, "signs_downloads", False)
    return signs_a_download or method not in _READING
