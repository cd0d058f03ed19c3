"""The browser page: the built files of webui/, read once at the start and served from memory.

Each file has a route, so no request path is ever used as a file name. Without WEB_DIR there is no page. Why this is not
WhiteNoise: docs/decisions/0020-own-static-page.md.
"""

import gzip
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import falcon

from webapi.http.encodings import accepts_gzip

INDEX = "index.html"
DOCS_ROUTE = "/docs"
_ROUTES = {INDEX: "/", "docs.html": DOCS_ROUTE}
# Not served as it is: webapi/videos/watch.py fills it for each video.
_TEMPLATE = "watch.html"
# Vite puts a hash of the content into these names, so a name never changes its content.
HASHED_DIRECTORY = "assets"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
# Files are in memory twice, plain and compressed: a wrong directory must not fill it.
_FILES_MAX = 100
_BYTES_MAX = 20 * 1024**2
_IMMUTABLE = "public, max-age=31536000, immutable"
_REVALIDATE = "no-cache"


class NoPageError(Exception):
    """The directory contains no page. The message says what is wrong with it."""


@dataclass(frozen=True)
class PageFile:
    """One file of the page, and the route that serves it."""

    route: str
    content_type: str
    cache_control: str
    content: bytes
    compressed: bytes
    tag: str


@dataclass(frozen=True)
class SitePage:
    """All files, the headers that all of them carry, and the template of the pages for viewers."""

    files: tuple[PageFile, ...]
    headers: tuple[tuple[str, str], ...]
    playback_origins: tuple[str, ...]
    template: str = ""

    def viewer_headers(self, frame_ancestors: Sequence[str] = ()) -> tuple[tuple[str, str], ...]:
        """Return the headers of a page that plays only, and that these origins may frame."""
        policy = content_security_policy(
            upload_origins=(), playback_origins=self.playback_origins, frame_ancestors=frame_ancestors
        )
        return tuple(_headers(policy, may_be_framed=bool(frame_ancestors)).items())


def read_page(
    directory: Path, *, upload_urls: Iterable[str], playback_urls: Iterable[str], private_urls: Iterable[str] = ()
) -> SitePage:
    """Read what Vite built. The URLs name the other origins that a browser must reach. Raises NoPageError.

    ``private_urls``: where the playlists and the files of private videos are, none if there are none.
    """
    paths = sorted(path for path in directory.rglob("*") if path.is_file())
    if not (directory / INDEX).is_file():
        raise NoPageError(f"it contains no {INDEX}; `npm run build` in webui/ makes one")
    if len(paths) > _FILES_MAX or sum(path.stat().st_size for path in paths) > _BYTES_MAX:
        raise NoPageError("it contains more than a page; is this the directory that `npm run build` made?")
    template = directory / _TEMPLATE
    files = tuple(_file(directory, path) for path in paths if path != template)
    playback_origins = [origin_of(url) for url in playback_urls]
    policy = content_security_policy(
        upload_origins=[origin_of(url) for url in upload_urls],
        playback_origins=playback_origins,
        private_origins=[origin_of(url) for url in private_urls],
    )
    filled = template.read_text() if template in paths else ""
    return SitePage(files, tuple(_headers(policy).items()), tuple(playback_origins), filled)


def content_security_policy(
    *,
    upload_origins: Sequence[str],
    playback_origins: Sequence[str],
    private_origins: Sequence[str] = (),
    frame_ancestors: Sequence[str] = (),
) -> str:
    """Return the policy: the page may reach itself, the buckets it sends to and the hosts it plays from."""
    connect = _sources("'self'", *upload_origins, *playback_origins, *private_origins)
    rules = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        # Uppy's style sheet draws its icons as data: URLs.
        "img-src": _sources("'self'", "data:", *playback_origins, *private_origins),
        "font-src": "'none'",
        "connect-src": connect,
        # hls.js hands the stream to the video element as blob:, and each track of captions an empty text as data:;
        # browsers with native HLS fetch both themselves.
        "media-src": _sources("blob:", "data:", *playback_origins, *private_origins),
        "worker-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": " ".join(frame_ancestors) or "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "default",
    }
    return "; ".join(f"{name} {allowed}" for name, allowed in rules.items())


def _sources(*sources: str) -> str:
    return " ".join(dict.fromkeys(sources))


def page_routes(page: SitePage | None) -> Mapping[str, "PageResource"]:
    """Return a resource for each file of the page, by its route."""
    return {file.route: PageResource(file, page.headers) for file in page.files} if page else {}


class PageResource:
    """One file of the page; public."""

    is_public = True

    def __init__(self, file: PageFile, headers: tuple[tuple[str, str], ...]) -> None:
        self._file = file
        self._headers = [*headers, ("Cache-Control", file.cache_control), ("Vary", "Accept-Encoding")]

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Respond with the file, or with 304 if it has not changed."""
        resp.set_headers(self._headers)
        tag = falcon.ETag(self._file.tag)
        resp.etag = tag
        if any(sent in ("*", tag) for sent in req.if_none_match or ()):
            resp.status = falcon.HTTP_304
            return
        resp.content_type = self._file.content_type
        if accepts_gzip(req.get_header("Accept-Encoding")):
            resp.set_header("Content-Encoding", "gzip")
            resp.data = self._file.compressed
        else:
            resp.data = self._file.content


def _file(directory: Path, path: Path) -> PageFile:
    name = path.relative_to(directory).as_posix()
    content_type = _TYPES.get(path.suffix)
    if content_type is None:
        raise NoPageError(f"{name} has a file type that the page does not use")
    content = path.read_bytes()
    return PageFile(
        route=_ROUTES.get(name, f"/{name}"),
        content_type=content_type,
        cache_control=_IMMUTABLE if name.startswith(f"{HASHED_DIRECTORY}/") else _REVALIDATE,
        content=content,
        compressed=gzip.compress(content, mtime=0),
        tag=hashlib.blake2b(content, digest_size=12).hexdigest(),
    )


def _headers(policy: str, *, may_be_framed: bool = False) -> dict[str, str]:
    framing = {} if may_be_framed else {"X-Frame-Options": "DENY", "Cross-Origin-Opener-Policy": "same-origin"}
    return framing | {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    }


def origin_of(url: str) -> str:
    """Return the scheme, host and port of a URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
