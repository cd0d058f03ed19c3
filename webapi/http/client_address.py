"""The address that a request comes from, as far as the proxies in front of the API can be believed.

A proxy appends the address that connected to it to `X-Forwarded-For`, and everything left of what our own proxies
appended may be made up by the client. So only the entry that the outermost of them wrote is read.
"""

import ipaddress
import re
from functools import lru_cache

_CACHED = 4096
# Some proxies append the port: `192.0.2.7:4711`, `[2001:db8::1]:4711`.
_WITH_PORT = re.compile(r"\[([^]]*)\](?::\d{1,5})?|(\d+\.\d+\.\d+\.\d+):\d{1,5}")
# A household or a server gets at least as much, and can use any address in it.
_IPV6_PREFIX = 64
_ADDRESS_CHARACTERS_MAX = 64

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def client_key(peer: str, forwarded_for: str | None, *, hops: int) -> str:
    """Return the key under which the calls of a client's address are counted.

    ``peer``: what connected to us. ``hops``: how many proxies stand in front of the API, 0 if clients connect to it.
    A request with fewer entries than that did not pass all of them, and counts for its peer.
    """
    return _network(_entry_of_client(forwarded_for, hops)) or _network(peer) or peer


def client_address(peer: str, forwarded_for: str | None, *, hops: int) -> Address | None:
    """Return the address itself, by the same rules; None if even the peer has none."""
    return _address(_entry_of_client(forwarded_for, hops)) or _address(peer)


def passed_proxies(forwarded_for: str | None, *, hops: int) -> bool:
    """Return whether a request passed all ``hops`` proxies in front of the API; False if there are none."""
    return hops > 0 and forwarded_for is not None and len(forwarded_for.rsplit(",", hops)) >= hops


def _entry_of_client(forwarded_for: str | None, hops: int) -> str:
    """Return what the outermost proxy of ours wrote; empty if the request did not pass all of them."""
    if not hops or not forwarded_for:
        return ""
    entries = forwarded_for.rsplit(",", hops)
    entry = entries[-hops].strip() if len(entries) >= hops else ""
    return entry if len(entry) <= _ADDRESS_CHARACTERS_MAX else ""


@lru_cache(maxsize=_CACHED)
def _network(text: str) -> str | None:
    """Return an IPv4 address, or the network of an IPv6 address; None if it is none."""
    address = _address(text)
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((int(address), _IPV6_PREFIX), strict=False))
    return None if address is None else str(address)


def _address(text: str) -> Address | None:
    match = _WITH_PORT.fullmatch(text)
    try:
        address = ipaddress.ip_address(match[1] or match[2] if match else text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
