"""`/openapi.json`, the document for programs, and what `/docs` says where the page that shows it was not built."""

from collections.abc import Mapping
from typing import Any

import falcon
import orjson

# Both change only with a release.
_CACHED = "public, max-age=300"
_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_NO_DOCS = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Video uploads: the HTTP API</title>
<p>This service runs without its page, which would show <a href="/openapi.json">openapi.json</a> here.</p>
</html>
"""


class OpenApi:
    """`/openapi.json`."""

    is_public = True

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._bytes = orjson.dumps(document)

    def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
        """Respond with the document."""
        resp.data = self._bytes
        resp.set_header("Cache-Control", _CACHED)


class NoDocs:
    """`/docs` without WEB_DIR; with it, webapi/site.py serves docs.html there."""

    is_public = True

    def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
        """Respond with a line that leads to the document."""
        resp.text = _NO_DOCS
        resp.content_type = falcon.MEDIA_HTML
        resp.set_headers(
            {
                "Cache-Control": _CACHED,
                "Content-Security-Policy": _POLICY,
                "X-Content-Type-Options": "nosniff",
                "Referrer-Policy": "no-referrer",
            }
        )
