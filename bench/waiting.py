"""Uploads that only wait for their file: what they cost, and how an operator starts over them."""

import re
import threading
import time
from collections.abc import Callable, Iterable

import psycopg
import requests

from bench.flow import FlowError
from bench.sides import WORKER, Bench
from bench.usage import Usage, memory_mib, peak_memory_mib
from devstack.waiting import until
from domain.video import new_video_id

_WITHIN_SECONDS = 1800
_TIMEOUT_SECONDS = 20
_LOOK_EVERY_SECONDS = 0.5
_LONGEST_WINDOW_SECONDS = 60.0
_SHORTEST_WINDOW_SECONDS = 10.0

# Completed passes; failed and requeued ones are not counted.
_PASSES = re.compile(
    r'^controller_runtime_reconcile_total\{controller="videoupload",result="(?:success|requeue_after)"\} (\S+)$',
    re.MULTILINE,
)
# The comparison of rows and resources that an operator begins with.
_STARTED = re.compile(r'^video_uploads_tasks_total\{result="success",task="start"\} (\S+)$', re.MULTILINE)
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
    starts = started(bench, count)
    window = _LONGEST_WINDOW_SECONDS if count >= 1000 else _SHORTEST_WINDOW_SECONDS
    usage, passes = Usage(ours.pids()), _passes(bench)
    threading.Event().wait(window)
    used, looks = usage.used(), _passes(bench) - passes
    found = {
        **starts,
        "looks per second": looks / used.elapsed,
        **{f"cores of {name}": used.seconds[name] / used.elapsed for name in (WORKER, "postgres", "kube-apiserver")},
        "memory of the operator, MiB": memory_mib(ours.pids()[WORKER]),
        "peak memory of the operator, MiB": peak_memory_mib(ours.pids()[WORKER]),
    }
    return {f"{count:,} waiting: {label}": value for label, value in found.items()}


def started(bench: Bench, count: int) -> dict[str, float]:
    """Write so many rows, start the operator over them twice, and return what each start took. It runs afterwards.

    The first one makes every resource, as after the loss of a cluster; the next one finds nothing to write.
    """
    ours = bench.ours
    ours.reset()
    ours.stack.stop(WORKER)
    with psycopg.connect(ours.database_url) as connection:
        connection.execute(_FILL, {"ids": [new_video_id() for _ in range(count)]})
    first = _start(bench, writes=2 * count)
    ours.stack.stop(WORKER)
    again = _start(bench, writes=0)
    found = {"first start": first, "next start": again}
    return {f"{start}: {label}": value for start, turn in found.items() for label, value in turn.items()}


def _start(bench: Bench, *, writes: int) -> dict[str, float]:
    """Start the operator, and return what it took until it had compared everything and nothing was due."""
    ours, before, began = bench.ours, _writes(bench), time.monotonic()
    usage = Usage({name: pid for name, pid in ours.pids().items() if name != WORKER})
    ours.stack.start(WORKER)
    own = Usage({WORKER: ours.pids()[WORKER]}, is_new=True)
    _wait(bench, lambda: _is_settled(bench), what="nothing that is due")
    _wait(bench, lambda: _writes(bench) >= before + writes, what="every status")
    seconds = {**usage.used().seconds, **own.used().seconds}
    return {
        "settled after, s": time.monotonic() - began,
        "writes": _writes(bench) - before,
        "passes": _passes(bench),
        **{f"CPU of {name}, s": seconds[name] for name in (WORKER, "postgres", "s3", "kube-apiserver", "etcd")},
    }


def _wait(bench: Bench, condition: Callable[[], bool], *, what: str) -> None:
    """Look rarely: the operator collects its metrics under the lock of its queue."""

    def is_met() -> bool:
        threading.Event().wait(_LOOK_EVERY_SECONDS)
        if not bench.ours.stack.server(WORKER).process.is_alive():
            raise FlowError(f"the operator has ended while the bench waited for {what}")
        return condition()

    until(is_met, within_seconds=_WITHIN_SECONDS, what=what)


def _is_settled(bench: Bench) -> bool:
    try:
        metrics = _metrics(bench)
    except requests.ConnectionError:  # its probe server is behind, or not there yet
        return False
    return _sum(_STARTED.findall(metrics)) > 0 and _sum(_DUE.findall(metrics)) == 0


def _passes(bench: Bench) -> float:
    return _sum(_PASSES.findall(_metrics(bench)))


def _metrics(bench: Bench) -> str:
    return requests.get(bench.ours.metrics_url, timeout=_TIMEOUT_SECONDS).text


def _writes(bench: Bench) -> float:
    return _sum(_WRITES.findall(bench.ours.stack.cluster.kubectl("get", "--raw", "/metrics")))


def _sum(values: Iterable[str]) -> float:
    return sum(map(float, values))
