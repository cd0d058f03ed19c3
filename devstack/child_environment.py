"""The variables that a child process inherits: few, so that a restart from another shell starts the same process."""

import os
from collections.abc import Mapping

_NAMES = ("PATH", "HOME", "LANG", "TMPDIR", "HTTP_PROXY", "HTTPS_PROXY", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
_NOT_PROXIED = "127.0.0.1,localhost"


def child_environment(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the inherited variables."""
    inherited = {name: environment[name] for name in _NAMES if name in environment}
    return inherited | {"NO_PROXY": ",".join(filter(None, [_NOT_PROXIED, environment.get("NO_PROXY")]))}
