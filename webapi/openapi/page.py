"""`/openapi.json`, the document for programs, and `/docs`, a static page (docs.html) that shows it to people."""

import base64
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import falcon
import orjson

# Both change only with a release.
_CACHED = "public, max-age=300"


class OpenApi:
    """`/openapi.json`."""

    is_public = True

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._bytes = orjson.dumps(document)

    def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
        """Respond with the document."""
        resp.data = self._bytes
        resp.set_header("Cache-Control", _CACHED)


class Docs:
    """`/docs`. It is part of the package, so it needs no WEB_DIR."""

    is_public = True

    def __init__(self) -> None:
        page = (Path(__file__).parent / "docs.html").read_text()
        self._bytes = page.encode()
        self._headers = {
            "Cache-Control": _CACHED,
            "Content-Security-Policy": _policy(page),
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
        }

    def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
        """Respond with the page."""
        resp.data = self._bytes
        resp.content_type = falcon.MEDIA_HTML
        resp.set_headers(self._headers)


def _policy(page: str) -> str:
    """Return the policy: only the page's inline style and script, and requests to this API."""
    return (
        f"default-src 'none'; script-src {_hash_of('script', page)}; style-src {_hash_of('style', page)};"
        " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
        " require-trusted-types-for 'script'"
    )


def _hash_of(tag: str, page: str) -> str:
    (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
