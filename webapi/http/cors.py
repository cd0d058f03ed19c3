"""CORS for pages of configured origins. Tokens come in a header, so cookies are never allowed.

Why this is not falcon.CORSMiddleware: docs/decisions/0019-own-cors.md.
"""

from collections.abc import Iterable
from typing import Any

import falcon

# The longest that Chrome keeps a preflight.
_MAX_AGE_SECONDS = 7200
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_ALLOWED_HEADERS = "Authorization, Content-Type, Idempotency-Key, If-None-Match, X-Request-Id"
_EXPOSED_HEADERS = "ETag, Location, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate, X-Request-Id"


class Cors:
    """Falcon middleware. It runs before authentication, since a preflight carries no token."""

    def __init__(self, origins: Iterable[str]) -> None:
        self._origins = frozenset(origins)

    def process_resource(
        self, req: falcon.Request, resp: falcon.Response, resource: object, _params: dict[str, Any]
    ) -> None:
        """Answer a preflight, in which a browser asks what a page may send."""
        requested = req.get_header("Access-Control-Request-Method")
        if req.method != "OPTIONS" or requested is None or not self._is_allowed(req):
            return
        allowed = [method for method in _METHODS if hasattr(resource, f"on_{method.lower()}")]
        resp.status = falcon.HTTP_204
        resp.set_headers(
            {
                "Access-Control-Allow-Methods": ", ".join(allowed),
                "Access-Control-Allow-Headers": _ALLOWED_HEADERS,
                "Access-Control-Max-Age": str(_MAX_AGE_SECONDS),
            }
        )
        resp.complete = True

    def process_response(
        self, req: falcon.Request, resp: falcon.Response, _resource: object, _req_succeeded: bool
    ) -> None:
        """Let an allowed page read the response, problems included."""
        if not self._origins:
            return
        # On every response: a cache must not give one page what was meant for another.
        resp.append_header("Vary", "Origin")
        if self._is_allowed(req):
            resp.set_header("Access-Control-Allow-Origin", str(req.get_header("Origin")))
            resp.set_header("Access-Control-Expose-Headers", _EXPOSED_HEADERS)

    def _is_allowed(self, req: falcon.Request) -> bool:
        return req.get_header("Origin") in self._origins
