"""LISTEN through a connection that stands while nothing comes any more: silence is noticed, and so is its end."""

import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import psycopg
import pytest

from database.wakeups import Wakeup, listen
from devstack.fault_proxy import fault_proxy
from domain.errors import UnavailableError
from domain.records import Cause

# Connecting takes three seconds at most, and a statement six.
NOTICED_SECONDS = 9


def drain(nudges: Iterator[Wakeup | None], *, until: float) -> None:
    """Listen until this time on the monotonic clock."""
    while time.monotonic() < until:
        next(nudges)


def test_a_connection_through_which_nothing_comes_any_more_is_lost(database_url: str) -> None:
    parts = urlsplit(database_url)
    with fault_proxy(str(parts.hostname), int(parts.port or 0)) as proxy:
        url = parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{proxy.port}").geturl()
        nudges = listen(url, quiet_seconds=0.1, check_seconds=0.2)
        assert next(nudges) is None
        with proxy.frozen():
            began = time.monotonic()
            with pytest.raises(UnavailableError):
                drain(nudges, until=began + NOTICED_SECONDS)
            with pytest.raises(UnavailableError):
                next(listen(url, quiet_seconds=0.1))
            assert time.monotonic() - began < 2 * NOTICED_SECONDS

        again = listen(url, quiet_seconds=5)
        assert next(again) is None
        with psycopg.connect(database_url) as connection:
            connection.execute("NOTIFY video_uploads, 'claim a'")
        assert next(again) == Wakeup("a", Cause.CLAIM)
