"""The SSRF guard of webhooks and source URLs: which URLs, and which addresses behind their hosts, we may connect to.

The API checks an endpoint when it is registered, and the operator again at each delivery, because DNS may have changed
by then. A connection must be made to the very address that was checked here, not resolve the host again.
"""

import ipaddress
import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

URL_MAX = 2048
# Visible ASCII, without the characters that URL parsers disagree about.
URL_PATTERN = r"^https?://[!-.0-Z_a-z~:\[\]]+([/?][!-\[\]-~]*)?$"
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}|[0-9A-Fa-f:.]{2,45}")
# IPv6 addresses that embed an IPv4 address (RFC 6052).
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve = Callable[[str, int], Sequence[str]]
_PORTS = {"https": 443, "http": 80}


class TargetError(Exception):
    """We must not connect there. The message is for the owner of the URL, and holds no part of it."""


class HostNotFoundError(TargetError):
    """The name may be found later."""

    def __init__(self) -> None:
        super().__init__("its host cannot be found")


@dataclass(frozen=True)
class Target:
    """A parsed URL that may be connected to. ``path`` includes the query."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """Return host and port as in a Host header."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == _PORTS[self.scheme] else f"{name}:{self.port}"

    @classmethod
    def parse(cls, url: str, *, allow_private: bool) -> Self:
        """Parse a URL without resolving its host. Raises TargetError."""
        if len(url) > URL_MAX or not re.fullmatch(URL_PATTERN, url):
            raise TargetError("must be a URL of visible ASCII characters")
        try:
            parts = urlsplit(url)
            port = _PORTS[parts.scheme] if parts.port is None else parts.port
        except ValueError:
            raise TargetError("must be a URL with a valid host and port") from None
        if port == 0:
            raise TargetError("must be a URL with a valid host and port")
        if parts.scheme != "https" and not allow_private:
            raise TargetError("must begin with https://")
        if "@" in parts.netloc or "#" in url:
            raise TargetError("must have no user, no password and no fragment")
        host = parts.hostname or ""
        if not _HOST.fullmatch(host):
            raise TargetError("must name a host")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return cls(parts.scheme, host, port, path)


def resolve_public(target: Target, *, allow_private: bool, resolve: Resolve | None = None) -> str:
    """Return the address to connect to. Raises TargetError unless all addresses of the host are allowed."""
    try:
        addresses = (resolve or _resolve)(target.host, target.port)
    except (OSError, UnicodeError):
        raise HostNotFoundError from None
    if not addresses:
        raise HostNotFoundError
    # One private address is enough to refuse: DNS must not choose which one we connect to.
    if not allow_private and not all(is_public(address) for address in addresses):
        raise TargetError("its host leads to an address that is private, local or reserved")
    return addresses[0]


def resolve_within(target: Target, networks: Sequence[Network], *, resolve: Resolve | None = None) -> str:
    """Return the address to connect to. Raises TargetError unless all addresses of the host are allowed.

    Public addresses are, by https, and those in ``networks``.
    """
    try:
        addresses = (resolve or _resolve)(target.host, target.port)
    except (OSError, UnicodeError):
        raise HostNotFoundError from None
    if not addresses:
        raise HostNotFoundError
    are_inside = all(_is_inside(address, networks) for address in addresses)
    if not are_inside and not all(is_public(address) or _is_inside(address, networks) for address in addresses):
        raise TargetError("its host leads to an address that is private, local or reserved")
    if target.scheme != "https" and not are_inside:
        raise TargetError("must begin with https://")
    return addresses[0]


def _is_inside(address: str, networks: Sequence[Network]) -> bool:
    parsed = ipaddress.ip_address(address)
    return any(parsed in network for network in networks)


def is_public(address: str) -> bool:
    """Return whether an address belongs to the public Internet."""
    parsed: Address = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        embedded = _embedded_ipv4(parsed)
        if embedded is not None:
            return is_public(str(embedded))
        if parsed.teredo or parsed.is_site_local:
            return False
    return parsed.is_global and not (parsed.is_multicast or parsed.is_reserved or parsed.is_unspecified)


def _embedded_ipv4(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


def _resolve(host: str, port: int) -> list[str]:
    return [str(address[0]) for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
