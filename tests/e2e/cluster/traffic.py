"""A steady stream of counted requests during a change, of which none may fail.

Nothing is retried, so every failure of a client counts: no connection, no response in time, an unexpected status.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType

import requests

# Between two requests of one stream.
_PACE_SECONDS = 0.1
_TIMEOUT_SECONDS = 10
TIMEOUT = (3, _TIMEOUT_SECONDS)


@dataclass(frozen=True)
class Stream:
    """A repeated request with its expected statuses and pause."""

    ask: Callable[[], requests.Response]
    expected: frozenset[int]
    pace_seconds: float = _PACE_SECONDS


class Traffic:
    """Several streams, side by side. Use it in a `with`."""

    def __init__(self, streams: Mapping[str, Stream]) -> None:
        self._ended = threading.Event()
        self._began = time.monotonic()
        self.answered: Counter[str] = Counter()
        self.failed: list[str] = []
        self._threads = [
            threading.Thread(target=self._stream, args=(name, stream), name=name, daemon=True)
            for name, stream in streams.items()
        ]

    def __enter__(self) -> "Traffic":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(2 * _TIMEOUT_SECONDS)

    def _stream(self, name: str, stream: Stream) -> None:
        while not self._ended.wait(stream.pace_seconds):
            at = time.monotonic() - self._began
            try:
                response = stream.ask()
            except requests.RequestException as error:
                self.failed.append(f"{name} at {at:.1f} s: {error!r}")
                continue
            if response.status_code in stream.expected:
                self.answered[name] += 1
            else:
                self.failed.append(f"{name} at {at:.1f} s: {response.status_code} {response.text[:200]}")


def kept_connection(method: str, url: str, headers: Mapping[str, str]) -> Callable[[], requests.Response]:
    """Return a request through one persistent connection, as an ingress has."""
    session = requests.Session()
    return lambda: session.request(method, url, headers=headers, timeout=TIMEOUT)


def new_connections(
    method: str, url: str, headers: Mapping[str, str], json: object = None
) -> Callable[[], requests.Response]:
    """Return a request through a new connection each time, which may reach any replica."""
    return lambda: requests.request(method, url, headers=headers, json=json, timeout=TIMEOUT)
