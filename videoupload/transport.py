"""HTTP requests to the API and to storage, made with `requests`. client.py interprets the responses.

Redirects are not followed, so no other host gets the token or the bytes. `~/.netrc` is not used, because it would
replace the token. Proxies of the environment are used, except for this machine itself.
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
from urllib3.exceptions import InvalidHeader
from urllib3.util import Retry

# For connecting, and for sending each 16 KiB.
_CONNECT_SECONDS = 30
_ANSWER_SECONDS = 30
# Storage responds to a part only when it has stored all of it.
_STORED_SECONDS = 120
_POOL_SIZE = 16


class Body(Protocol):
    """Bytes that are read while they are sent. The length becomes Content-Length; without it, chunks are sent."""

    content_md5: str

    def __len__(self) -> int:
        """Return the number of bytes."""
        ...

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes."""
        ...


@dataclass(frozen=True)
class HttpResponse:
    """An HTTP response."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    def json(self) -> Any:
        """Return the body as JSON. Raises ValueError."""
        return json.loads(self.content)

    @property
    def retry_after_seconds(self) -> float | None:
        """How long the server asks us to wait; None if it does not say, or not legibly."""
        try:
            return float(Retry().parse_retry_after(self.headers["Retry-After"]))
        except (KeyError, InvalidHeader, ValueError):
            return None


class NoResponseError(Exception):
    """The connection failed. The message contains no URL."""


class Transport:
    """Connections to the API and to storage. Thread-safe."""

    def __init__(self, token: str) -> None:
        self._api = _session(_Bearer(token))
        self._storage = _session(_Unsigned())

    def call(
        self, method: str, url: str, *, json: object = None, headers: Mapping[str, str] | None = None
    ) -> HttpResponse:
        """Call the API. Raises NoResponseError."""
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
    """Adds nothing, because the signature is in the URL."""

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
        # Without its cause, because the library's message quotes the URL, and a signed URL is a secret.
        raise NoResponseError(_kind(error)) from None
    return HttpResponse(answer.status_code, answer.headers, answer.content)


def _kind(error: requests.RequestException) -> str:
    match error:
        case requests.exceptions.SSLError():
            return "the certificate is not trusted, or it is not TLS"
        case requests.exceptions.Timeout():
            return "no response in time"
        case requests.exceptions.ProxyError():
            return "the proxy does not respond"
        case (
            requests.exceptions.InvalidURL() | requests.exceptions.MissingSchema() | requests.exceptions.InvalidSchema()
        ):
            return "this is not a valid address"
        case _:
            return "no connection, or it broke"


def _is_this_machine(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
