"""URLs among the settings. They are parsed when a process starts, so that a wrong one stops the start with its name."""

import ipaddress
from urllib.parse import urlsplit


def http_url(url: str) -> str:
    """Return the URL. Raises ValueError, which does not quote it, unless it names a host that can be reached."""
    try:
        parts = urlsplit(url)
        is_whole = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_whole = False
    if not is_whole or not url.isprintable() or " " in url:
        raise ValueError("must be an http(s) URL, such as https://host:443/path")
    if "@" in parts.netloc:
        raise ValueError("must be a URL without a user or a password")
    return url


def is_this_machine(url: str) -> bool:
    """Return whether a URL names the loopback."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback
