"""`python -m bench.memory`: the memory of the API while large files go to storage through URLs that it signed.

Not a byte of a file passes the API, so its memory must not depend on how many come at once, or how large they are.
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


class Client:
    """One person with one file."""

    def __init__(self, api_url: str, token: str) -> None:
        self._videos = f"{api_url}/api/v1/videos"
        self._session = requests.Session()
        self._session.trust_env = False
        self._headers = {"Authorization": f"Bearer {token}"}

    def upload(self, file_bytes: int) -> None:
        """Send a file of so many bytes in parts, and confirm it."""
        wanted = {"title": "Large", "filename": "large.mp4", "content_type": "video/mp4", "size_bytes": file_bytes}
        created = self._call("POST", "", {**wanted, "upload_mode": "multipart"})
        video_id, plan = created["video_id"], created["upload"]
        numbers = range(1, plan["part_count"] + 1)
        for first in range(0, len(numbers), _AT_ONCE):
            asked = {"part_numbers": list(numbers[first : first + _AT_ONCE])}
            for part in self._call("POST", f"/{video_id}/parts", asked)["parts"]:
                self._session.put(part["upload_url"], data=bytes(part["size_bytes"]), timeout=120).raise_for_status()
        self._call("POST", f"/{video_id}/upload_complete")

    def _call(self, method: str, path: str, body: object = None) -> Any:
        answer = self._session.request(method, self._videos + path, json=body, headers=self._headers, timeout=120)
        answer.raise_for_status()
        return answer.json()


def main() -> None:
    """Measure, and print what belongs into docs/performance.md."""
    parser = argparse.ArgumentParser(prog="python -m bench.memory", description=__doc__)
    parser.add_argument("--files", type=int, default=4, help="sent at once")
    parser.add_argument("--mebibytes", type=int, default=1000, help="of each file")
    chosen = parser.parse_args()
    file_bytes = chosen.mebibytes * _MEBIBYTE
    with bench(with_storage=True) as running, ExitStack() as ending:
        service = started(running.service(), ending)
        identity = service.process.identity()
        assert identity is not None  # noqa: S101 - it was started above
        key, url = running.paths.secrets().jwt_signing_key, f"http://{HOST}:{running.port_of(service)}"
        people = [Client(url, tokens.mint(key, user=f"person-{number}")) for number in range(chosen.files)]
        # Pools, clients and caches are made by the first calls.
        Client(url, tokens.mint(key, user="first")).upload(_MEBIBYTE)
        before = resident_bytes(identity.pid)
        with watched(identity.pid) as seen, ThreadPoolExecutor(chosen.files) as pool:
            list(pool.map(lambda person: person.upload(file_bytes), people))
        after = resident_bytes(identity.pid)
    print(
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {chosen.files} files of {chosen.mebibytes} MiB at once"
    )
    print("\n| API, resident | MiB | to before |\n|---|---|---|")
    for name, figure in {"before": before, "most": max(seen), "after": after}.items():
        print(f"| {name} | {figure / _MEBIBYTE:.1f} | {figure / before:.3f} |")


@contextmanager
def watched(pid: int) -> Iterator[list[int]]:
    """Look at a process and its children again and again until the end of the block."""
    seen: list[int] = []
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.wait(_LOOK_EVERY_SECONDS):
            seen.append(resident_bytes(pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        is_over.set()
        watcher.join()


def resident_bytes(pid: int) -> int:
    """Return what a process and its children hold in memory."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return pages * os.sysconf("SC_PAGE_SIZE") + sum(resident_bytes(int(child)) for child in children)


if __name__ == "__main__":
    main()
