"""`webapi.wsgi:app` for gunicorn. Importing this module starts the service: it reads settings and opens pools."""

from collections.abc import Callable, Iterable
from typing import Any

from runtime.time_budget import TimeBudget, limited
from webapi.wiring import read_environment, start

# After so long a call begins no further exchange with storage or the issuer of tokens. The last one has its own
# timeouts, 13 seconds by default, so that a client has an answer within about 20 whatever hangs.
_CALL_SECONDS = 8.0

service = start(read_environment())


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer one call, within a time budget of its own."""
    with limited(TimeBudget("the call", seconds=_CALL_SECONDS)):
        return service.app(environ, start_response)
