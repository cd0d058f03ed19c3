"""CORS for the browser clients of configured origins. Tokens come in a header, so no cookies are ever allowed."""

from collections.abc import Iterable
from typing import Any

import falcon

# What Chrome keeps a preflight's answer for at most.
_KEPT_SECONDS = 7200
_METHODS = ("GET", "POST", "DELETE")
_SENT = "Authorization, Content-Type, Idempotency-Key, If-None-Match, X-Request-Id"
_SHOWN = "ETag, Location, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate, X-Request-Id"


class Cors:
    """Falcon middleware; before authentication, for a preflight carries no token."""

    def __init__(self, origins: Iterable[str]) -> None:
        self._origins = frozenset(origins)

    def process_resource(
        self, req: falcon.Request, resp: falcon.Response, resource: object, _params: dict[str, Any]
    ) -> None:
        """Answer a preflight: a page asks whether it may make a call."""
        asked = req.get_header("Access-Control-Request-Method")
        if req.method != "OPTIONS" or asked is None or not self._is_known(req):
            return
        allowed = [method for method in _METHODS if hasattr(resource, f"on_{method.lower()}")]
        resp.status = falcon.HTTP_204
        resp.set_headers(
            {
                "Access-Control-Allow-Methods": ", ".join(allowed),
                "Access-Control-Allow-Headers": _SENT,
                "Access-Control-Max-Age": str(_KEPT_SECONDS),
            }
        )
        resp.complete = True

    def process_response(
        self, req: falcon.Request, resp: falcon.Response, _resource: object, _req_succeeded: bool
    ) -> None:
        """Let a known page read the answer, problems too."""
        if not self._origins:
            return
        # Also on answers to others: a cache must not give one page what was meant for another.
        resp.append_header("Vary", "Origin")
        if self._is_known(req):
            resp.set_header("Access-Control-Allow-Origin", str(req.get_header("Origin")))
            resp.set_header("Access-Control-Expose-Headers", _SHOWN)

    def _is_known(self, req: falcon.Request) -> bool:
        return req.get_header("Origin") in self._origins
