"""A limit on all calls, for each address before its token is verified and for each user behind it.

It keeps one client from taking the threads of all others. What costs money has exact limits of its own in Postgres,
and calls that change something a lower one (change_limit.py). The quotas are counted in the memory of each process: N
processes, of one replica or of several, allow up to N times as much (docs/decisions/0025-request-limits.md).
"""

from collections.abc import Callable
from typing import Any

import falcon

from domain.callback_url import CALLBACK_PATH
from webapi.http.auth import Caller
from webapi.http.call_limiter import CallLimiter
from webapi.http.client_address import client_key
from webapi.http.problems import ProblemCode
from webapi.http.rate_limit import refusal, spend, write_limits
from webapi.http.waiting import is_repeated

# Callbacks are signed, and all come from the few addresses of one provider. Probes and metrics are read from inside.
UNLIMITED = frozenset({CALLBACK_PATH, "/livez", "/readyz", "/metrics"})


class RequestLimit:
    """Falcon middleware, behind Authentication; addresses are counted before that, since no route is found yet.

    ``hops``: how many proxies stand in front of the API. If it is None, addresses are not limited: behind a proxy that
    is not known, all clients have one.
    """

    def __init__(
        self,
        users: CallLimiter | None,
        addresses: CallLimiter | None,
        *,
        hops: int | None = None,
        count_refused: Callable[[str], object] = lambda _limit: None,
    ) -> None:
        self._users = users
        self._addresses = addresses if hops is not None else None
        self._hops = hops or 0
        self._count_refused = count_refused

    def process_request(self, req: falcon.Request, _resp: falcon.Response) -> None:
        """Count the call for its address. Raises HttpProblemError if that has no calls left."""
        # Answering a preflight takes no more than refusing it, and a page could not read the refusal.
        if self._addresses is None or req.path in UNLIMITED or req.method == "OPTIONS" or is_repeated(req):
            return
        key = client_key(req.remote_addr, req.get_header("X-Forwarded-For"), hops=self._hops)
        self._take(req, self._addresses, "address", key, "from this address")

    def process_resource(
        self, req: falcon.Request, _resp: falcon.Response, _resource: object, _params: dict[str, Any]
    ) -> None:
        """Count the call for its user. Raises HttpProblemError if that has no calls left."""
        caller = getattr(req.context, "caller", None)
        if self._users is not None and isinstance(caller, Caller) and not is_repeated(req):
            self._take(req, self._users, "user", caller.owner, "of one user")

    def process_response(
        self, req: falcon.Request, resp: falcon.Response, _resource: object, _req_succeeded: bool
    ) -> None:
        """Say what is left of each quota that the call counted for, problems included."""
        write_limits(req, resp)

    def _take(self, req: falcon.Request, limiter: CallLimiter, name: str, key: str, whose: str) -> None:
        taken = spend(req, limiter, name, key)
        if taken.is_refused:
            self._count_refused(name)
            what = f"calls {whose}"
            raise refusal(ProblemCode.REQUEST_LIMIT_REACHED, limiter.per_minute, what, taken)
