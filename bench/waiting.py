"""Uploads that only wait for their file: what they cost, and how an operator starts over them."""

import re
import threading
import time
from collections.abc import Iterable
from pathlib import Path

import psycopg
import requests

from bench.sides import WORKER, Bench
from bench.usage import Usage, memory_mib
from devstack.waiting import until
from domain.video import new_video_id

_WITHIN_SECONDS = 3600
_TIMEOUT_SECONDS = 20
_LONGEST_WINDOW_SECONDS = 60.0
_SHORTEST_WINDOW_SECONDS = 10.0

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
# Of any age, since the period of a look depends on it.
_FILL = """
WITH made AS (
    INSERT INTO videos (video_id, origin, owner, title, filename, content_type, upload_mode, region, storage_key,
        profile, created_at, phase, phase_since, reason, message, deadline_at)
    SELECT id, 'api', 'owner-' || id, 'A film', 'film.mp4', 'video/mp4', 'single', 'tor1',
        'uploads/' || id || '/original.mp4', 'hls-1080p', since, 'uploading', since, 'WaitingForFile',
        'the file has not arrived', since + interval '24 hours'
    FROM (SELECT id, now() - random() * interval '20 hours' AS since FROM unnest(%(ids)s::text[]) AS id) AS aged
    RETURNING video_id
)
SELECT count(*) FROM made
"""


def measured(bench: Bench, count: int) -> dict[str, float]:
    """Write so many rows, start the operator twice over them, and let it run for a while."""
    ours = bench.ours
    ours.reset()
    ours.stack.stop(WORKER)
    with psycopg.connect(ours.database_url) as connection:
        connection.execute(_FILL, {"ids": [new_video_id() for _ in range(count)]})
    first = _start(bench, passes=count, writes=2 * count)
    ours.stack.stop(WORKER)
    again = _start(bench, passes=count, writes=0)
    window = _LONGEST_WINDOW_SECONDS if count >= 1000 else _SHORTEST_WINDOW_SECONDS
    usage, passes = Usage(ours.pids()), _passes(bench)
    threading.Event().wait(window)
    used, looks = usage.used(), _passes(bench) - passes
    found = {
        "first start: settled after, s": first[0],
        "first start: writes": first[1],
        "next start: settled after, s": again[0],
        "next start: writes": again[1],
        "looks per second": looks / used.elapsed,
        **{f"cores of {name}": used.seconds[name] / used.elapsed for name in (WORKER, "postgres", "kube-apiserver")},
        "memory of the operator, MiB": memory_mib(ours.pids()[WORKER]),
        "peak memory of the operator, MiB": _peak_mib(ours.pids()[WORKER]),
    }
    ours.reset()
    return {f"{count:,} waiting: {label}": value for label, value in found.items()}


def _start(bench: Bench, *, passes: int, writes: int) -> tuple[float, float]:
    """Start the operator; return the seconds until it made so many passes and writes, and the writes it made."""
    before, began = _writes(bench), time.monotonic()
    bench.ours.stack.start(WORKER)
    until(lambda: _is_settled(bench, passes), within_seconds=_WITHIN_SECONDS, what="a pass over every upload")
    until(lambda: _writes(bench) >= before + writes, within_seconds=_WITHIN_SECONDS, what="every status")
    return time.monotonic() - began, _writes(bench) - before


def _is_settled(bench: Bench, passes: int) -> bool:
    metrics = _metrics(bench)
    return _sum(_PASSES.findall(metrics)) >= passes and _sum(_DUE.findall(metrics)) == 0


def _passes(bench: Bench) -> float:
    return _sum(_PASSES.findall(_metrics(bench)))


def _metrics(bench: Bench) -> str:
    return requests.get(bench.ours.metrics_url, timeout=_TIMEOUT_SECONDS).text


def _writes(bench: Bench) -> float:
    return _sum(_WRITES.findall(bench.ours.stack.cluster.kubectl("get", "--raw", "/metrics")))


def _sum(values: Iterable[str]) -> float:
    return sum(map(float, values))


def _peak_mib(pid: int) -> float:
    peak = re.search(r"^VmHWM:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return int(peak[1]) / 1024 if peak else 0.0
