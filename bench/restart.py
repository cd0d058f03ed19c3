"""`python -m bench.restart`: restarts the operator over ten thousand uploads that wait for their file.

It runs on a whole stack of real servers. The first start creates every resource from its row. The second start shows
how long the operator needs for one pass over each upload, its peak memory, and its writes, which should be none.
"""

import argparse
import os
import platform
import re
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import requests

from bench.figures import percentile
from database.commands import VideoCommands
from database.creation import NewRow
from database.observations import Observations
from database.pool import Database
from devstack.options import StackOptions
from devstack.paths import Paths
from devstack.stack import Stack
from devstack.waiting import until
from domain import object_keys
from domain.schedule import Timing, next_check_at
from domain.video import new_video_id

UPLOADS = 10_000
_THREADS = 8
_PATIENCE_SECONDS = 1800
_TIMEOUT_SECONDS = 20

# Completed passes; failed and requeued ones are not counted.
_PASSES = re.compile(
    r'^controller_runtime_reconcile_total\{controller="videoupload",result="(?:success|requeue_after)"\} (\S+)$',
    re.MULTILINE,
)
_DUE = re.compile(r'^workqueue_depth\{name="videoupload"\} (\S+)$', re.MULTILINE)
_WRITES = re.compile(
    r'^etcd_request_duration_seconds_count\{group="video\.uploads\.dev",'
    r'operation="(?:create|update|delete)",resource="videouploads"\} (\d+)$',
    re.MULTILINE,
)


@dataclass(frozen=True)
class Start:
    """The costs of one start of the operator until it settled."""

    seconds: float
    peak_mib: float
    writes: int


def main() -> None:
    """Measure, and print the table for docs/performance.md."""
    parser = argparse.ArgumentParser(prog="python -m bench.restart", description=__doc__)
    parser.add_argument("--uploads", type=int, default=UPLOADS)
    count: int = parser.parse_args().uploads
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as directory:
        Path(directory).chmod(0o755)  # as root, Postgres runs as another user
        stack = Stack(Paths(Path(directory)))
        try:
            stack.up(StackOptions())
            stack.stop("operator")
            video_ids = _fill(stack, count)
            print(f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, Python {platform.python_version()}")
            print(f"\n{count} uploads that wait for their file\n")
            print("| start | settled after s | peak MiB | writes to etcd |", "|---|---|---|---|", sep="\n")
            for name, writes in (("first, creates every resource", 2 * count), ("next", 0)):
                start = _started(stack, passes=count, writes=writes)
                print(f"| {name} | {start.seconds:.0f} | {start.peak_mib:.0f} | {start.writes} |", flush=True)
            print(f"\nmost polls in one second / mean: {_spread(stack, video_ids):.2f}")
        finally:
            stack.down()


def _fill(stack: Stack, count: int) -> list[str]:
    """Create rows as the API does, and return their ids."""
    video_ids = [new_video_id() for _ in range(count)]
    database = Database(stack.description.database_url, max_size=_THREADS)

    def create(video_id: str) -> None:
        key = object_keys.original_key(video_id, "film.mp4")
        new = NewRow(video_id, f"owner-{video_id}", "A film", "film.mp4", "video/mp4", None, "tor1", key)
        VideoCommands(database, Timing()).create(new, per_hour=1)

    try:
        with ThreadPoolExecutor(_THREADS) as threads:
            list(threads.map(create, video_ids))
    finally:
        database.close()
    return video_ids


def _started(stack: Stack, *, passes: int, writes: int) -> Start:
    """Start the operator, wait for this many passes and writes and an empty queue, and stop it."""
    before, began = _writes(stack), time.monotonic()
    stack.start("operator")
    until(lambda: _is_settled(stack, passes), within_seconds=_PATIENCE_SECONDS, what="a pass over every upload")
    until(lambda: _writes(stack) >= before + writes, within_seconds=_PATIENCE_SECONDS, what="every status")
    seconds = time.monotonic() - began
    status = Path(f"/proc/{stack.description.pids['operator']}/status").read_text()
    peak = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    stack.stop("operator")
    return Start(seconds, int(peak[1]) / 1024 if peak else 0, _writes(stack) - before)


def _is_settled(stack: Stack, passes: int) -> bool:
    metrics = requests.get(stack.description.operator_metrics_url, timeout=_TIMEOUT_SECONDS).text
    return _sum(_PASSES.findall(metrics)) >= passes and _sum(_DUE.findall(metrics)) == 0


def _writes(stack: Stack) -> int:
    return int(_sum(_WRITES.findall(stack.cluster.kubectl("get", "--raw", "/metrics"))))


def _sum(values: Iterable[str]) -> float:
    return sum(map(float, values))


def _spread(stack: Stack, video_ids: list[str]) -> float:
    """Return how unevenly the next checks are spread: the busiest second relative to the mean."""
    database, timing, now = Database(stack.description.database_url, max_size=1), Timing(), datetime.now(UTC)
    rows = Observations(database)
    try:
        checks = [
            check
            for video_id in video_ids
            if (row := rows.get(video_id)) is not None
            and (check := next_check_at(row.desired, row.observed, now, timing)) is not None
        ]
    finally:
        database.close()
    seconds = [int((check - now).total_seconds()) for check in checks]
    counts = [seconds.count(second) for second in range(max(seconds) + 1)]
    return percentile(counts, 1) / (len(seconds) / len(counts))


if __name__ == "__main__":
    main()
