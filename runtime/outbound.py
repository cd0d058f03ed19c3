"""Where webhooks may go: which URLs, and which addresses behind their names.

Asked by the API when an endpoint is registered, and again by the operator at each delivery: a name may lead elsewhere
by then. Whoever sends has to connect to the very address that was checked here.
"""

import ipaddress
import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

URL_MAX = 2048
# Visible ASCII without what parsers of URLs disagree about.
URL_PATTERN = r"^https?://[!-.0-Z_a-z~:\[\]]+([/?][!-\[\]-~]*)?$"
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}|[0-9A-Fa-f:.]{2,45}")
# Behind these an IPv4 address is written as an IPv6 one: RFC 6052 and RFC 3056.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Sequence[str]]


class TargetError(Exception):
    """Nothing may be sent there. The message is for whoever registered it, and holds no part of the URL."""


@dataclass(frozen=True)
class Target:
    """A URL taken apart. ``path`` includes the query."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """Return host and port as a Host header names them."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == _PORTS[self.scheme] else f"{name}:{self.port}"


_PORTS = {"https": 443, "http": 80}


def target_of(url: str, *, allow_private: bool) -> Target:
    """Take a URL apart; asks nobody. Raises TargetError."""
    if len(url) > URL_MAX or not re.fullmatch(URL_PATTERN, url):
        raise TargetError("must be a URL of visible ASCII characters")
    try:
        parts = urlsplit(url)
        port = _PORTS[parts.scheme] if parts.port is None else parts.port
    except ValueError:
        raise TargetError("must be a URL with a host and a port that there can be") from None
    if port == 0:
        raise TargetError("must be a URL with a host and a port that there can be")
    if parts.scheme != "https" and not allow_private:
        raise TargetError("must begin with https://")
    if "@" in parts.netloc or "#" in url:
        raise TargetError("must have no user, no password and no fragment")
    host = parts.hostname or ""
    if not _HOST.fullmatch(host):
        raise TargetError("must name a host")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port, path)


def resolve_public(target: Target, *, allow_private: bool, resolve: Resolve | None = None) -> str:
    """Return the address to connect to. Raises TargetError unless every address of the name may be connected to."""
    try:
        found = (resolve or _resolved)(target.host, target.port)
    except (OSError, UnicodeError):
        raise TargetError("its host cannot be found") from None
    if not found:
        raise TargetError("its host cannot be found")
    # One that leads inside is enough: which one is taken must not be a matter of chance.
    if not allow_private and not all(is_public(address) for address in found):
        raise TargetError("its host leads to an address that is private, local or reserved")
    return found[0]


def is_public(address: str) -> bool:
    """Tell whether an address is one of the open Internet."""
    parsed: Address = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = _embedded_ipv4(parsed)
        if inner is not None:
            return is_public(str(inner))
        if parsed.teredo or parsed.is_site_local:
            return False
    return parsed.is_global and not (parsed.is_multicast or parsed.is_reserved or parsed.is_unspecified)


def _embedded_ipv4(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


def _resolved(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]
