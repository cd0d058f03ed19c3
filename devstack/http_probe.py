"""A readiness probe for servers on this machine."""

from pathlib import Path

import requests

_TIMEOUT_SECONDS = 2


def is_serving(url: str, *, ca: Path | None = None, client: tuple[Path, Path] | None = None) -> bool:
    """Return whether GET ``url`` answers 2xx. ``client`` is a certificate and its key."""
    with requests.Session() as session:
        # A proxy from the environment would receive requests for our own loopback.
        session.trust_env = False
        try:
            return session.get(
                url,
                verify=str(ca) if ca else True,
                cert=(str(client[0]), str(client[1])) if client else None,
                timeout=_TIMEOUT_SECONDS,
            ).ok
        except (requests.RequestException, OSError):
            # OSError: the certificate files do not exist yet.
            return False
