"""The variables that a child process inherits: few, so that a restart from another shell starts the same process."""

import os
from collections.abc import Mapping

_NAMES = ("PATH", "HOME", "LANG", "TMPDIR", "HTTP_PROXY", "HTTPS_PROXY", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
_NOT_PROXIED = "127.0.0.1,localhost,::1"


def child_environment(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the inherited variables."""
    inherited = {name: environment[name] for name in _NAMES if name in environment}
    return inherited | {"NO_PROXY": _exceptions(environment)}


def bypass_proxies() -> None:
    """Keep this process's own requests to the loopback from every proxy of the environment, ALL_PROXY included."""
    # Libraries differ in which spelling they prefer.
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = _exceptions(os.environ)


def _exceptions(environment: Mapping[str, str]) -> str:
    given = [environment.get(name) for name in ("NO_PROXY", "no_proxy")]
    return ",".join(dict.fromkeys(filter(None, ",".join(filter(None, [_NOT_PROXIED, *given])).split(","))))
