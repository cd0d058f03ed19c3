"""Pages for viewers: `/watch/{video_id}`, `/embed/{video_id}` in frames of other sites, and `/oembed`.

They need no token and show a video whose stream is public by its id already, with its poster and its title. Vite builds
their template from webui/watch.html. Without WATCH_BASE_URL there are none.
"""

import html
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode, urlsplit

import falcon

from database.queries import VideoQueries
from domain.video import Visibility, is_video_id
from webapi.schemas.responses import VideoBody
from webapi.videos.embed_origins import EmbedOrigins
from webapi.videos.serializers import Serializer

HEAD, BODY = "<!--head-->", "<!--body-->"
# A deletion withdraws the stream within a minute; the page follows as fast as the playlist.
_CACHED = "public, max-age=10"
_NAME = "Video uploads"
# Of a video whose renditions say nothing, and of players that are asked for no size.
_WIDTH, _HEIGHT = 1280, 720
_PIXELS_MAX = 10_000
_GONE = "<title>This video is not available</title>"
_GONE_BODY = (
    "<main><h1>This video is not available</h1><p>It does not exist, is not ready yet, or was deleted.</p></main>"
)
_PLAY = '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M7 4v16l13-8z"/></svg>'


@dataclass(frozen=True)
class WatchOptions:
    """Where the pages are, and who may frame them. ``template``: what Vite built, with places for head and body.

    ``headers``: returns those of a page that these origins may frame.
    """

    base_url: str
    embed_origins: EmbedOrigins
    template: str
    headers: Callable[[Sequence[str]], Sequence[tuple[str, str]]]


class PublicVideos:
    """Finds videos that anyone may watch."""

    def __init__(self, queries: VideoQueries, serializer: Serializer, clock: Callable[[], datetime]) -> None:
        self._queries = queries
        self._serializer = serializer
        self._clock = clock

    def get(self, video_id: str) -> VideoBody | None:
        """Return a video that plays; None for every other one, which all look alike."""
        row = self._queries.get(video_id) if is_video_id(video_id) else None
        # The URLs of a private video are for its owner: what the owner wants must be public, and where the files are.
        if row is None or row.desired.visibility is not Visibility.PUBLIC or row.observed.is_private:
            return None
        body = self._serializer.video(row, self._clock())
        return body if body.is_playable and body.playback_url and body.deleted_at is None else None


class WatchPage:
    """`/watch/{video_id}`, and with ``is_embedded`` `/embed/{video_id}`."""

    is_public = True

    def __init__(self, videos: PublicVideos, options: WatchOptions, *, is_embedded: bool) -> None:
        self._videos = videos
        self._options = options
        self._is_embedded = is_embedded

    def on_get(self, _req: falcon.Request, resp: falcon.Response, video_id: str) -> None:
        """Respond with the page, or with a page that says that there is no such video."""
        video = self._videos.get(video_id)
        wanted = None if video is None else video.embed_origins
        framing = self._options.embed_origins.frame_ancestors(wanted) if self._is_embedded else ()
        resp.set_headers([*self._options.headers(framing)])
        resp.set_header("X-Robots-Tag", "noindex")
        resp.content_type = falcon.MEDIA_HTML
        if video is None:
            resp.status = falcon.HTTP_404
            resp.set_header("Cache-Control", "no-store")
            resp.text = _filled(self._options.template, _GONE, _GONE_BODY)
            return
        resp.set_header("Cache-Control", _CACHED)
        head = _head(video, self._options)
        resp.text = _filled(self._options.template, head, _body(video, is_embedded=self._is_embedded))


class OEmbed:
    """`/oembed` (https://oembed.com): how another site shows the page of a video."""

    is_public = True

    def __init__(self, videos: PublicVideos, options: WatchOptions) -> None:
        self._videos = videos
        self._options = options

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Respond with a player of the size that is asked for, or with a link if no site may frame one."""
        if req.get_param("format", default="json") != "json":
            resp.status = falcon.HTTP_501
            return
        video = self._videos.get(_id_of(req.get_param("url") or "", self._options.base_url))
        if video is None:
            resp.status = falcon.HTTP_404
            return
        base_url = self._options.base_url
        answer = {"version": "1.0", "title": video.title, "provider_name": _NAME, "provider_url": base_url}
        if not self._options.embed_origins.frame_ancestors(video.embed_origins):
            resp.media = {**answer, "type": "link"}
        else:
            width, height = _fitted(video, req.get_param("maxwidth"), req.get_param("maxheight"))
            source = f"{base_url}/embed/{video.id}"
            frame = (
                f'<iframe src="{_text(source)}" width="{width}" height="{height}" title="{_text(video.title)}"'
                ' frameborder="0" allow="autoplay; fullscreen; picture-in-picture" allowfullscreen></iframe>'
            )
            resp.media = {**answer, "type": "video", "html": frame, "width": width, "height": height}
        resp.set_header("Cache-Control", _CACHED)
        resp.set_header("X-Content-Type-Options", "nosniff")
        # Sites read it from their own servers, and editors from a browser; it says nothing that is not public.
        resp.set_header("Access-Control-Allow-Origin", "*")


def _filled(template: str, head: str, body: str) -> str:
    """Fill the template in one pass: a title may spell one of its marks."""
    before, _, rest = template.partition(HEAD)
    between, _, after = rest.partition(BODY)
    return f"{before}{head}{between}{body}{after}"


def _head(video: VideoBody, options: WatchOptions) -> str:
    url = f"{options.base_url}/watch/{video.id}"
    oembed = f"{options.base_url}/oembed?{urlencode({'url': url})}"
    width, height = _size(video)
    properties = {
        "og:type": "video.other",
        "og:site_name": _NAME,
        "og:title": video.title,
        "og:url": url,
        "og:image": video.thumbnail_url,
        "og:video": video.playback_url,
        "og:video:type": "application/vnd.apple.mpegurl",
        "og:video:width": str(width),
        "og:video:height": str(height),
        "og:video:duration": str(math.ceil(video.duration_seconds)) if video.duration_seconds else None,
    }
    lines = [
        f"<title>{_text(video.title)}</title>",
        *(f'<meta property="{name}" content="{_text(value)}" />' for name, value in properties.items() if value),
        f'<link rel="canonical" href="{_text(url)}" />',
        f'<link rel="alternate" type="application/json+oembed" href="{_text(oembed)}" />',
    ]
    return "\n    ".join(lines)


def _body(video: VideoBody, *, is_embedded: bool) -> str:
    title = _text(video.title)
    look = "embedded" if is_embedded else "page"
    stream = _text(video.playback_url or "")
    poster = _text(video.thumbnail_url or "")
    picture = f'<img src="{poster}" alt="" />' if poster else ""
    heading = "" if is_embedded else f"<h1>{title}</h1>"
    return (
        f'<main class="{look}">{heading}'
        f'<div class="stage" data-stream="{stream}" data-poster="{poster}" data-name="{title}">'
        f'{picture}<button type="button" aria-label="Play: {title}">{_PLAY}</button></div>'
        "<noscript><p>This page needs JavaScript to play videos.</p></noscript></main>"
    )


def _id_of(url: str, base_url: str) -> str:
    """Return the id in the address of one of our pages, or nothing."""
    try:
        parts, base = urlsplit(url), urlsplit(base_url)
    except ValueError:
        return ""
    if (parts.scheme, parts.netloc) != (base.scheme, base.netloc):
        return ""
    for page in ("/watch/", "/embed/"):
        if parts.path.startswith(base.path + page):
            return parts.path.removeprefix(base.path + page)
    return ""


def _size(video: VideoBody) -> tuple[int, int]:
    known = [(one.width, one.height) for one in video.renditions if one.width and one.height]
    return max(known, default=(_WIDTH, _HEIGHT))


def _fitted(video: VideoBody, max_width: str | None, max_height: str | None) -> tuple[int, int]:
    """Return the size of a player that is at most so large, in the shape of the video."""
    width, height = _size(video)
    scale = min(1.0, _pixels(max_width) / width, _pixels(max_height) / height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _pixels(text: str | None) -> int:
    is_number = text is not None and text.isascii() and text.isdigit() and 0 < len(text) <= len(str(_PIXELS_MAX))
    return max(1, int(text)) if is_number and text else _PIXELS_MAX


def _text(value: str) -> str:
    return html.escape(value, quote=True)
