"""Requests on the wire, to the API and to storage; the home of requests. What they mean is in client.py.

Redirects are not followed: no other host may see a token or the bytes. `~/.netrc` is not used either, since it
would replace the token; proxies of the environment are used, but not to reach this machine itself.
"""

import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

# To connect, and to send any 16 KiB.
_CONNECT_SECONDS = 30
_ANSWER_SECONDS = 30
# Storage answers a part only after it has put all of it away.
_STORED_SECONDS = 120
_POOL_SIZE = 16


class Body(Protocol):
    """Bytes to send, read as they leave. Its length becomes Content-Length: without one, chunks would be sent."""

    content_md5: str

    def __len__(self) -> int:
        """Return how many bytes there are."""
        ...

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes."""
        ...


@dataclass(frozen=True)
class HttpResponse:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    def json(self) -> Any:
        """Return the body. Raises ValueError."""
        return json.loads(self.content)


class NoResponseError(Exception):
    """The connection failed; the message has no URL in it."""


class Transport:
    """Connections to the API and to storage. May be used by several threads."""

    def __init__(self, token: str) -> None:
        self._api = _session(_Bearer(token))
        self._storage = _session(_Unsigned())

    def call(
        self, method: str, url: str, *, json: object = None, headers: Mapping[str, str] | None = None
    ) -> HttpResponse:
        """Make a call of the API. Raises NoResponseError."""
        how = {"json": json, "headers": dict(headers or {}), "timeout": (_CONNECT_SECONDS, _ANSWER_SECONDS)}
        return _sent(self._api, method, url, how)

    def send(self, method: str, url: str, body: Body, *, headers: Mapping[str, str]) -> HttpResponse:
        """Send bytes to a signed URL. Raises NoResponseError, and what reading ``body`` raises."""
        how = {"data": body, "headers": dict(headers), "timeout": (_CONNECT_SECONDS, _STORED_SECONDS)}
        return _sent(self._storage, method, url, how)


class _Bearer(AuthBase):
    def __init__(self, token: str) -> None:
        self._value = f"Bearer {token}"

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._value
        return request


class _Unsigned(AuthBase):
    """Adds nothing: the signature is in the URL."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


def _session(auth: AuthBase) -> requests.Session:
    session = requests.Session()
    session.auth = auth
    adapter = HTTPAdapter(pool_connections=_POOL_SIZE, pool_maxsize=_POOL_SIZE)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


def _sent(session: requests.Session, method: str, url: str, how: dict[str, Any]) -> HttpResponse:
    proxies = {"http": None, "https": None} if _is_this_machine(url) else None
    try:
        answer = session.request(method, url, allow_redirects=False, proxies=proxies, **how)  # type: ignore[arg-type]
    except requests.RequestException as error:
        # Without its cause: the library's words quote the URL, and a signed one is a secret.
        raise NoResponseError(_kind(error)) from None
    return HttpResponse(answer.status_code, answer.headers, answer.content)


def _kind(error: requests.RequestException) -> str:
    match error:
        case requests.exceptions.SSLError():
            return "the certificate is not trusted, or it is not TLS"
        case requests.exceptions.Timeout():
            return "no answer in time"
        case requests.exceptions.ProxyError():
            return "the proxy does not answer"
        case (
            requests.exceptions.InvalidURL() | requests.exceptions.MissingSchema() | requests.exceptions.InvalidSchema()
        ):
            return "that is no address"
        case _:
            return "no connection, or it was cut"


def _is_this_machine(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
