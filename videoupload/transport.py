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
from requests.utils import get_environ_proxies, select_proxy
from urllib3.exceptions import HTTPError, InvalidHeader
from urllib3.util import Retry

# For connecting, and for sending each 16 KiB.
_CONNECT_SECONDS = 30
_ANSWER_SECONDS = 30
# Storage responds to a part only when it has stored all of it.
_STORED_SECONDS = 120
_POOL_SIZE = 16
_NO_ADDRESS = (
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidURL,
    # What urllib3 and the standard library raise for an address that requests does not check, such as a proxy's.
    HTTPError,
    ValueError,
)
_UNUSABLE_PROXY = (requests.exceptions.ProxyError, *_NO_ADDRESS)


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
    """The connection failed. The message contains no URL. ``is_lasting``: trying again does not help."""

    def __init__(self, message: str, *, is_lasting: bool = False) -> None:
        super().__init__(message)
        self.is_lasting = is_lasting


class Transport:
    """Connections to the API and to storage. Thread-safe."""

    def __init__(self, token: str) -> None:
        self._api = _session(_Bearer(token))
        self._storage = _session(_Unsigned())
        self._has_used_proxy = False

    def call(
        self,
        method: str,
        url: str,
        *,
        json: object = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> HttpResponse:
        """Call the API, with a body of JSON or of bytes. Raises NoResponseError."""
        timeout = (_CONNECT_SECONDS, _ANSWER_SECONDS)
        how = {"json": json, "data": data, "headers": dict(headers or {}), "timeout": timeout}
        return self._sent(self._api, method, url, how)

    def send(self, method: str, url: str, body: Body, *, headers: Mapping[str, str]) -> HttpResponse:
        """Send bytes to a signed URL. Raises NoResponseError, and what reading ``body`` raises."""
        how = {"data": body, "headers": dict(headers), "timeout": (_CONNECT_SECONDS, _STORED_SECONDS)}
        return self._sent(self._storage, method, url, how)

    def _sent(self, session: requests.Session, method: str, url: str, how: dict[str, Any]) -> HttpResponse:
        # As an exception to all proxies: an empty entry for one scheme would leave ALL_PROXY in force.
        proxies = {"no_proxy": urlsplit(url).hostname or ""} if is_this_machine(url) else {}
        proxy = None if proxies else select_proxy(url, get_environ_proxies(url))
        try:
            answer = session.request(method, url, allow_redirects=False, proxies=proxies, **how)
        except (requests.RequestException, HTTPError, ValueError) as error:
            # Without its cause, because the library's message quotes the URL, and a signed URL is a secret.
            raise self._error_for(error, proxy) from None
        self._has_used_proxy |= proxy is not None
        return HttpResponse(answer.status_code, answer.headers, answer.content)

    def _error_for(self, error: Exception, proxy: str | None) -> NoResponseError:
        if proxy is not None and isinstance(error, _UNUSABLE_PROXY):
            # One that has worked may work again. One that never did is a wrong setting, unless it names another fault.
            is_lasting = not self._has_used_proxy and "Tunnel connection failed: 5" not in str(error)
            return NoResponseError(f"the proxy {_shown(proxy)} {_flaw(error)}", is_lasting=is_lasting)
        return NoResponseError(_kind(error), is_lasting=isinstance(error, _NO_ADDRESS))


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


def _shown(proxy: str) -> str:
    """Return a proxy's address without its password."""
    scheme, _, rest = proxy.rpartition("://")
    return f"{scheme or 'http'}://{rest.rpartition('@')[2]}"


def _flaw(error: Exception) -> str:
    """Return what is wrong with a proxy of the environment, and what to do."""
    advice = "set HTTPS_PROXY, HTTP_PROXY, ALL_PROXY or NO_PROXY"
    if isinstance(error, requests.exceptions.ProxyError):
        return f"cannot be reached, or refuses; {advice}"
    if "SOCKS" in str(error):
        return f"needs SOCKS, which is not installed: pip install 'requests[socks]', or {advice}"
    return f"is not the address of a proxy; {advice}"


def _kind(error: Exception) -> str:
    match error:
        case requests.exceptions.SSLError():
            return "the certificate is not trusted, or it is not TLS"
        case requests.exceptions.Timeout():
            return "no response in time"
        case requests.exceptions.InvalidURL() | requests.exceptions.InvalidSchema() | HTTPError():
            return "this is not a valid address"
        case _:
            return "no connection, or it broke"


def is_this_machine(url: str) -> bool:
    """Return whether a URL names the loopback."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback
