"""What clients that wait cost: memory, threads and the time of an ordinary GET, with them and without them in one run.

    python -m bench.waiters URL VIDEO_ID PID < token

URL: of a running API whose `WAITS` and `WAITS_PER_OWNER` are above the number of clients, and whose limits of calls are
off or high; VIDEO_ID: a video of the token's user that is at rest; PID: of the gunicorn worker. Rounds with and without
waiting clients alternate, and the ratio of their times is what counts: other work on the machine affects both alike.
"""

import argparse
import http.client
import json
import resource
import socket
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

_WAIT_SECONDS = 50


class Api:
    """A running API, one of its videos and one of its processes."""

    def __init__(self, url: str, path: str, token: str, pid: int) -> None:
        parts = urlsplit(url)
        self._address = (str(parts.hostname), parts.port or 80)
        self._headers = {"Authorization": f"Bearer {token}"}
        self._path = path
        self._process = Path(f"/proc/{pid}")

    def get_seconds(self, count: int) -> list[float]:
        """Return how long each of so many GETs took, one after the other on one connection."""
        connection = http.client.HTTPConnection(*self._address, timeout=60)
        taken = []
        for _ in range(count):
            began = time.perf_counter()
            connection.request("GET", self._path, headers=self._headers)
            with connection.getresponse() as answer:
                answer.read()
            taken.append(time.perf_counter() - began)
        connection.close()
        return taken

    def revision(self) -> str:
        """Return the revision of the video."""
        connection = http.client.HTTPConnection(*self._address, timeout=60)
        connection.request("GET", self._path, headers=self._headers)
        with connection.getresponse() as answer:
            return str(json.load(answer)["revision"])

    def wait(self, revision: str) -> socket.socket:
        """Open a connection on which a client waits for a change."""
        connection = socket.create_connection(self._address, timeout=60)
        head = f"GET {self._path}?wait={_WAIT_SECONDS}&since={revision} HTTP/1.1\r\nHost: x\r\n"
        fields = "".join(f"{name}: {value}\r\n" for name, value in self._headers.items())
        connection.sendall(f"{head}{fields}\r\n".encode())
        return connection

    @property
    def threads(self) -> int:
        """Return the number of threads of the process."""
        return len(list((self._process / "task").iterdir()))

    @property
    def resident_bytes(self) -> int:
        """Return the memory of the process."""
        return int((self._process / "statm").read_text().split()[1]) * resource.getpagesize()


def measure(api: Api, *, clients: int, rounds: int, gets: int) -> dict[str, float]:
    """Alternate rounds without and with waiting clients; return the figures of both."""
    before_bytes, before_threads = api.resident_bytes, api.threads
    alone: list[float] = []
    beside: list[float] = []
    after_bytes, after_threads = before_bytes, before_threads
    for _ in range(rounds):
        alone += api.get_seconds(gets)
        revision = api.revision()
        waiting = [api.wait(revision) for _ in range(clients)]
        api.get_seconds(gets // 10)
        beside += api.get_seconds(gets)
        after_bytes, after_threads = max(after_bytes, api.resident_bytes), max(after_threads, api.threads)
        for connection in waiting:
            connection.close()
    return {
        "clients": clients,
        "p50_ratio": statistics.median(beside) / statistics.median(alone),
        "p99_ratio": _p99(beside) / _p99(alone),
        "p99_alone_ms": _p99(alone) * 1000,
        "p99_beside_ms": _p99(beside) * 1000,
        "kib_per_client": (after_bytes - before_bytes) / 1024 / clients,
        "more_threads": after_threads - before_threads,
    }


def _p99(seconds: Sequence[float]) -> float:
    return statistics.quantiles(seconds, n=100)[98]


def main() -> None:
    """Print the figures as one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("video_id")
    parser.add_argument("pid", type=int)
    parser.add_argument("--clients", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--gets", type=int, default=500)
    options = parser.parse_args()
    needed = options.clients + 64
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, max(needed, hard)))
    path = f"/api/v1/videos/{options.video_id}"
    api = Api(options.url, path, sys.stdin.read().strip(), options.pid)
    figures = measure(api, clients=options.clients, rounds=options.rounds, gets=options.gets)
    sys.stdout.write(json.dumps({name: round(value, 3) for name, value in figures.items()}) + "\n")


if __name__ == "__main__":
    main()
