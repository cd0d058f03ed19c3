"""`python -m bench.memory`: the API's memory while clients send large files to storage through URLs that it signed.

No byte of a file passes through the API, so its memory must not depend on their number or size.
"""

import argparse
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests

from bench.servers import bench, started
from devstack import tokens
from devstack.ports import HOST

_LOOK_EVERY_SECONDS = 0.2
_AT_ONCE = 50
_MEBIBYTE = 1024**2


class BenchUser:
    """One user with one file."""

    def __init__(self, api_url: str, token: str) -> None:
        self._videos = f"{api_url}/api/v1/videos"
        self._session = requests.Session()
        self._session.trust_env = False
        self._headers = {"Authorization": f"Bearer {token}"}

    def upload(self, file_bytes: int) -> None:
        """Send a file of this size in parts, and confirm it."""
        video = {"title": "Large", "filename": "large.mp4", "content_type": "video/mp4", "size_bytes": file_bytes}
        created = self._call("POST", "", {**video, "upload_mode": "multipart"})
        video_id, plan = created["video_id"], created["upload"]
        numbers = range(1, plan["part_count"] + 1)
        for first in range(0, len(numbers), _AT_ONCE):
            body = {"part_numbers": list(numbers[first : first + _AT_ONCE])}
            for part in self._call("POST", f"/{video_id}/parts", body)["parts"]:
                self._session.put(part["upload_url"], data=bytes(part["size_bytes"]), timeout=120).raise_for_status()
        self._call("POST", f"/{video_id}/upload_complete")

    def _call(self, method: str, path: str, body: object = None) -> Any:
        response = self._session.request(method, self._videos + path, json=body, headers=self._headers, timeout=120)
        response.raise_for_status()
        return response.json()


def main() -> None:
    """Measure, and print the table for docs/performance.md."""
    parser = argparse.ArgumentParser(prog="python -m bench.memory", description=__doc__)
    parser.add_argument("--files", type=int, default=4, help="number of files sent at once")
    parser.add_argument("--mebibytes", type=int, default=1000, help="size of each file")
    chosen = parser.parse_args()
    file_bytes = chosen.mebibytes * _MEBIBYTE
    with bench(with_storage=True) as running, ExitStack() as ending:
        service = started(running.service(), ending)
        identity = service.process.identity()
        assert identity is not None  # noqa: S101 - it was started above
        key, url = running.paths.secrets().jwt_signing_key, f"http://{HOST}:{running.port_of(service)}"
        people = [BenchUser(url, tokens.mint(key, user=f"person-{number}")) for number in range(chosen.files)]
        # The first upload fills pools and caches.
        BenchUser(url, tokens.mint(key, user="first")).upload(_MEBIBYTE)
        before = resident_bytes(identity.pid)
        with watched(identity.pid) as sizes, ThreadPoolExecutor(chosen.files) as pool:
            list(pool.map(lambda person: person.upload(file_bytes), people))
        after = resident_bytes(identity.pid)
    print(
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {chosen.files} files of {chosen.mebibytes} MiB at once"
    )
    print("\n| API, resident | MiB | relative to before |\n|---|---|---|")
    for name, figure in {"before": before, "most": max(sizes), "after": after}.items():
        print(f"| {name} | {figure / _MEBIBYTE:.1f} | {figure / before:.3f} |")


@contextmanager
def watched(pid: int) -> Iterator[list[int]]:
    """Sample the memory of a process and its children until the end of the block."""
    sizes: list[int] = []
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.wait(_LOOK_EVERY_SECONDS):
            sizes.append(resident_bytes(pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield sizes
    finally:
        is_over.set()
        watcher.join()


def resident_bytes(pid: int) -> int:
    """Return the resident memory of a process and its children."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return pages * os.sysconf("SC_PAGE_SIZE") + sum(resident_bytes(int(child)) for child in children)


if __name__ == "__main__":
    main()
