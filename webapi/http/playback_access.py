"""Decides whether a request may open a private video: by a token of ours, or by one that an app signed for a viewer."""

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

import falcon
import jwt

from webapi.http.client_address import Address, client_address
from webapi.http.playback_tokens import Grant, Limits, PlaybackTokens, Use, refused
from webapi.http.viewer_tokens import ViewerTokens


@dataclass(frozen=True)
class PlaybackAccess:
    """Reads the token of a request. ``viewers``: None if no app may sign.

    ``hops``: the proxies in front of the API; None if that is not known, so no client's address is.
    """

    tokens: PlaybackTokens
    viewers: ViewerTokens | None = None
    hops: int | None = None

    def grant(self, req: falcon.Request, token: str, *, video_id: str, use: Use) -> Grant:
        """Return what the request may open, if that is this use of this video. Raises HttpProblemError."""
        verify = self.tokens.verify if self.viewers is None or not _is_of_an_app(token) else self.viewers.verify
        grant = verify(token, video_id=video_id, use=use)
        check_limits(
            grant.limits,
            address=None
            if self.hops is None
            else client_address(req.remote_addr, req.get_header("X-Forwarded-For"), hops=self.hops),
            page=page_of(req.get_header("Origin"), req.get_header("Referer")),
        )
        return grant


def page_of(origin: str | None, referer: str | None) -> str | None:
    """Return the origin of the page that makes a request, by the headers of its browser; None if they name none.

    Programs can send what they like.
    """
    return origin or _origin_of(referer)


def check_limits(limits: Limits, *, address: Address | None, page: str | None) -> None:
    """Raise HttpProblemError unless a request comes from where a link may be opened.

    ``address``: the client's, None if it is not known. ``page``: see `page_of`.
    """
    if limits.networks and not any(_is_in(address, network) for network in limits.networks):
        raise refused("ip")
    if limits.origins and page not in limits.origins:
        raise refused("origin")


def _is_of_an_app(token: str) -> bool:
    """Return whether a token names its key, as those of an app do and our own do not."""
    try:
        return "kid" in jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError):
        return False


def _is_in(address: Address | None, network: str) -> bool:
    return address is not None and address in ipaddress.ip_network(network)


def _origin_of(url: str | None) -> str | None:
    if not url:
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return "null"
    return f"{parts.scheme}://{parts.netloc}".lower()
