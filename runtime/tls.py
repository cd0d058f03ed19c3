"""TLS contexts that connections share: reading the authorities costs more than all else of a short exchange."""

import os
import ssl
from functools import lru_cache

from urllib3.util.ssl_ import create_urllib3_context

# The system's bundle and that of a setting, each before and after a change, with and without a check of the name.
_CONTEXTS_MAX = 8


def shared_context(authorities: str, *, checks_name: bool) -> ssl.SSLContext:
    """Return a context that trusts the certificates in a file, which is read again once it has changed.

    ``checks_name``: OpenSSL checks the server's name; otherwise urllib3 does, which sets that on the context.
    """
    file = os.stat(authorities)
    return _loaded(authorities, (file.st_ino, file.st_mtime_ns, file.st_size), checks_name)


@lru_cache(maxsize=_CONTEXTS_MAX)
def _loaded(authorities: str, _version: tuple[int, int, int], _checks_name: bool) -> ssl.SSLContext:
    context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED)
    context.load_verify_locations(authorities)
    return context
