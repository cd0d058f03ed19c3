"""What holds for every route: GET answers HEAD, and a path has no slash at its end."""

from typing import Any

import falcon
from falcon.routing import CompiledRouter

from webapi.http.problems import HttpProblemError, ProblemCode


class Router(CompiledRouter):
    """Falcon's router, in which every GET answers HEAD too (RFC 9110, 9.1). Falcon leaves the body out."""

    def map_http_methods(self, resource: object, **kwargs: Any) -> dict[str, Any]:
        """Map the methods of a resource, and HEAD to its GET."""
        methods = super().map_http_methods(resource, **kwargs)
        get = {"GET": methods["GET"], "HEAD": methods["GET"]} if "GET" in methods else {}
        return {**get, **methods}


class ExactPaths:
    """Falcon middleware that refuses a path with a slash at its end, which would be another path for an ingress."""

    def process_request(self, req: falcon.Request, _resp: falcon.Response) -> None:
        """Raise HttpProblemError. Otherwise `/api/v1/videos/` would be the video with an empty id."""
        if req.path.endswith("/") and req.path != "/":
            raise HttpProblemError(ProblemCode.NOT_FOUND, "there is no such path; leave out the slash at its end")
