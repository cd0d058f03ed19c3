"""The rows of the report. Each takes its turns with the sides alternating, so that other load affects both alike.

Figures of one side only (what the peer does not do, and what the machine can do at most) are taken after them.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bench import library, limits, storage, waiting
from bench.figures import in_milliseconds
from bench.flow import TimedVideo, latencies
from bench.load import hammer
from bench.report import Turn
from bench.sides import WORKER, Bench, Contender, new_video
from bench.usage import Usage, memory_mib

VIDEOS = "/api/v1/videos"
IN_FLIGHT = 16
_SETTLE_SECONDS = 1.0
_CONFIRMED, _CALLBACK = "confirmed → submitted", "callback → ready"

Turns = Iterator[tuple[str, Turn]]


@dataclass(frozen=True)
class Size:
    """How much a run does."""

    turns: int
    seconds: float  # of one round of requests
    videos: int
    singles: int
    rates: tuple[int, ...]
    paced_seconds: int
    killed: int
    # How long a side gets to recover: longer after a kill, since our operator first waits out the time in which a job
    # that may have been started reports itself.
    bound_seconds: float
    killed_bound_seconds: float
    waiting: tuple[int, ...]
    starting: tuple[int, ...]
    libraries: tuple[int, ...]
    mebibytes: int


FULL = Size(
    turns=5,
    seconds=3,
    videos=200,
    singles=40,
    rates=(1, 10, 50),
    paced_seconds=20,
    killed=200,
    bound_seconds=300,
    killed_bound_seconds=1200,
    waiting=(1_000, 10_000, 50_000),
    starting=(1_000,),
    libraries=(1_000, 100_000),
    mebibytes=1000,
)
QUICK = Size(
    turns=2,
    seconds=1,
    videos=40,
    singles=6,
    rates=(10,),
    paced_seconds=3,
    killed=30,
    bound_seconds=45,
    killed_bound_seconds=45,
    waiting=(100,),
    starting=(100,),
    libraries=(1_000,),
    mebibytes=50,
)


@dataclass(frozen=True)
class Row:
    """One section of the page. ``plotted``: the labels in the chart."""

    name: str
    title: str
    note: str
    take: Callable[[Bench, Size], Turns]
    wanted: Mapping[str, str]
    plotted: tuple[str, ...] = ()
    # Whether a quick run without a name takes it.
    is_quick: bool = False


def alternating(bench: Bench, size: Size, one: Callable[[Contender], Turn]) -> Turns:
    """Take each turn of every side; the side that begins changes."""
    for number in range(size.turns):
        for side in bench.sides if number % 2 == 0 else reversed(bench.sides):
            yield side.name, one(side)


def create(bench: Bench, size: Size) -> Turns:
    """Create videos as fast as responses arrive."""
    requests = {
        side.name: [side.request("POST", VIDEOS, number, new_video(number)) for number in range(500)]
        for side in bench.sides
    }

    for side in bench.sides:
        hammer(side.address, requests[side.name], connections=IN_FLIGHT, seconds=size.seconds / 4)  # pools fill
        side.reset()

    def one(side: Contender) -> Turn:
        taken = hammer(side.address, requests[side.name], connections=IN_FLIGHT, seconds=size.seconds)
        side.reset()  # what waits for its file must not load the next turn
        return {"per second": taken.per_second, **in_milliseconds("latency", taken.latencies)}

    yield from alternating(bench, size, one)


def get(bench: Bench, size: Size) -> Turns:
    """Read ready videos as fast as responses arrive."""
    requests = {}
    for side in bench.sides:
        # A number names the user, and each video belongs to the user who created it.
        videos = side.driver.all_at(IN_FLIGHT, in_flight=IN_FLIGHT)
        requests[side.name] = [side.read(video) for video in videos]

    for side in bench.sides:
        hammer(side.address, requests[side.name], connections=IN_FLIGHT, seconds=size.seconds / 4)

    def one(side: Contender) -> Turn:
        taken = hammer(side.address, requests[side.name], connections=IN_FLIGHT, seconds=size.seconds)
        return {"per second": taken.per_second, **in_milliseconds("latency", taken.latencies)}

    yield from alternating(bench, size, one)


def processes(bench: Bench, size: Size) -> Turns:
    """Let an API of one worker process, and one of two, create and read as fast as responses arrive."""
    ours = bench.ours
    videos = ours.driver.all_at(IN_FLIGHT, in_flight=IN_FLIGHT)
    requests = {
        "POST": [ours.request("POST", VIDEOS, number, new_video(number)) for number in range(500)],
        "GET": [ours.read(video) for video in videos],
    }
    try:
        for _ in range(size.turns):
            for count in (1, 2):
                ours.restart_api(PROCESSES=str(count))
                ours.stack.stop(WORKER)  # thousands of uploads that wait would take its share of the cores
                for sent in requests.values():  # pools fill
                    hammer(ours.address, sent, connections=IN_FLIGHT, seconds=size.seconds / 4)
                turn: dict[str, float] = {}
                for method, sent in requests.items():
                    usage = Usage({"api": ours.pids()["api"]})
                    taken = hammer(ours.address, sent, connections=IN_FLIGHT, seconds=size.seconds)
                    used = usage.used()
                    turn |= {
                        f"{method} per second": taken.per_second,
                        **in_milliseconds(f"{method} latency", taken.latencies),
                        f"{method} per second of CPU": taken.per_second * used.elapsed / used.seconds["api"],
                    }
                yield f"{count} processes", turn | {"memory of the API, MiB": memory_mib(ours.pids()["api"])}
    finally:
        ours.restart_api()
        ours.reset()


def flow(bench: Bench, size: Size, *, in_flight: int = IN_FLIGHT) -> Turns:
    """Take videos from creation to ready, always so many at a time."""
    for side in bench.sides:
        side.driver.all_at(in_flight, in_flight=in_flight)

    def one(side: Contender) -> Turn:
        usage, began = Usage(side.pids() | bench.shared_pids()), time.monotonic()
        videos = side.driver.all_at(size.videos, in_flight=in_flight)
        seconds = time.monotonic() - began
        return {
            "videos per second": sum(video.ready > 0 for video in videos) / seconds,
            **_steps(videos),
            **_cpu(usage, len(videos)),
            **{f"memory of {name}, MiB": memory_mib(pid) for name, pid in side.pids().items()},
        }

    yield from alternating(bench, size, one)


def saturation(bench: Bench, size: Size) -> Turns:
    """Take more videos at a time than either side has threads."""
    for side, turn in flow(bench, size, in_flight=64):
        yield side, {label: value for label, value in turn.items() if not label.startswith("memory")}


def single(bench: Bench, size: Size) -> Turns:
    """Take videos from creation to ready, one after the other."""

    def one(side: Contender) -> Turn:
        return _steps(side.driver.all_at(size.singles, in_flight=1))

    yield from alternating(bench, size, one)


def paced(bench: Bench, size: Size) -> Turns:
    """Begin uploads at fixed times, whether or not earlier ones are done."""
    for rate in size.rates:

        def one(side: Contender, rate: int = rate) -> Turn:
            count = max(5, rate * size.paced_seconds)
            usage = Usage(side.pids() | bench.shared_pids())
            videos = side.driver.paced(count, per_second=rate, within_seconds=60)
            named = {
                "ready within 60 s, %": 100 * sum(video.ready > 0 for video in videos) / count,
                **_steps(videos),
                **{label: value for label, value in _cpu(usage, count).items() if label.endswith("in all, ms")},
            }
            if not all(video.ready for video in videos):
                side.reset()
            return {f"{rate}/s: {label}": value for label, value in named.items()}

        yield from alternating(bench, size, one)


def lost(bench: Bench, size: Size) -> Turns:
    """Lose every callback, and count what is left behind."""
    bench.transcoder(loses_callbacks=True)
    try:
        for side in bench.sides:
            began = time.monotonic()
            videos = [side.driver.upload(number) for number in range(size.killed)]
            last = _until_ready(side, videos, until=began + size.bound_seconds)
            left = sum(video.ready == 0 for video in videos)
            turn = {"uploads": float(len(videos)), f"left behind after {size.bound_seconds:.0f} s": float(left)}
            yield side.name, turn if left else turn | {"all ready after, s": last - began}
    finally:
        bench.transcoder(loses_callbacks=False)
        _reset(bench)


def kill(bench: Bench, size: Size) -> Turns:
    """Kill the process that works in the background amid uploads, and start it again at once."""
    for side in bench.sides:
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(side.driver.all_at, size.killed, in_flight=IN_FLIGHT, action=side.driver.upload)
            time.sleep(1.0)
            killed = time.monotonic()
            side.kill_worker()
            side.start_worker()
            videos = running.result()
        last = _until_ready(side, videos, until=killed + size.killed_bound_seconds)
        found = {
            "uploads": float(len(videos)),
            "ready after 60 s": float(sum(0 < video.ready < killed + 60 for video in videos)),
            f"not ready after {size.killed_bound_seconds:.0f} s": float(sum(video.ready == 0 for video in videos)),
            "jobs paid for twice": float(sum(max(0, video.jobs - 1) for video in videos)),
        }
        yield side.name, found | {"last one ready after, s": last - killed} if last else found
    _reset(bench)


def idle(bench: Bench, size: Size) -> Turns:
    """Let uploads wait for their file. The peer does nothing for them, and finds none that never comes."""
    for count in size.waiting:
        try:
            yield bench.ours.name, waiting.measured(bench, count)
        finally:  # thousands of uploads must not load the next row
            bench.ours.reset()


def start(bench: Bench, size: Size) -> Turns:
    """Start the operator over uploads in flight: once every resource has to be made, then nothing has changed."""
    for count in size.starting:
        try:
            found = waiting.started(bench, count)
        finally:
            bench.ours.reset()
        yield bench.ours.name, {f"{count:,} in flight: {label}": value for label, value in found.items()}


def plan(bench: Bench, size: Size) -> Turns:
    """Plan a rollout over a whole library."""
    for count in size.libraries:
        try:
            found = library.planned(bench, count)
        finally:
            bench.ours.reset()
        yield bench.ours.name, {f"{count:,} videos: {label}": value for label, value in found.items()}


def limit(bench: Bench, size: Size) -> Turns:
    """Measure what the machine can do at most."""
    yield "at most", limits.measured(bench, size.seconds)


def bare(bench: Bench, size: Size) -> Turns:
    """Compare with a bare minimum that does the same work."""
    yield from limits.beside_bare(bench, size.seconds, rounds=2 * size.turns)


def stored(bench: Bench, size: Size) -> Turns:
    """Compare the requests to the object store with boto3's."""
    yield from storage.calls(bench, turns=size.turns, seconds=size.seconds)


def large(bench: Bench, size: Size) -> Turns:
    """Send large files at once, in parts, through URLs that the API signed."""
    yield bench.ours.name, limits.memory_of_large_files(bench, size.mebibytes)


def _steps(videos: Sequence[TimedVideo]) -> dict[str, float]:
    to_submission, to_ready = latencies(videos)
    return in_milliseconds(_CONFIRMED, to_submission) | in_milliseconds(_CALLBACK, to_ready)


def _cpu(usage: Usage, count: int) -> dict[str, float]:
    """Return the CPU time of each process for one video, with what it does just after the last one."""
    threading.Event().wait(_SETTLE_SECONDS)
    used = {name: 1000 * seconds / count for name, seconds in usage.used().seconds.items()}
    of_bench = {"driver", "coconut stub"}
    in_all = sum(value for name, value in used.items() if name not in of_bench)
    return {"CPU a video in all, ms": in_all, **{f"CPU a video of {name}, ms": value for name, value in used.items()}}


def _until_ready(side: Contender, videos: Sequence[TimedVideo], *, until: float) -> float:
    """Read the videos until all are ready or the time is over; return when the last one was seen ready."""
    while (open_ones := [video for video in videos if not video.ready]) and time.monotonic() < until:
        for video in open_ones:
            if side.driver.service.is_ready(video):
                video.ready = time.monotonic()
        threading.Event().wait(0.25)
    return max((video.ready for video in videos), default=0.0)


def _reset(bench: Bench) -> None:
    for side in bench.sides:
        side.reset()


ROWS = (
    Row(
        "create",
        "Create",
        "`POST /api/v1/videos` over 16 persistent connections: the row, its history, and a signed upload URL.",
        create,
        {"per second": "2 times the peer"},
        ("per second",),
        is_quick=True,
    ),
    Row(
        "get",
        "Get",
        "`GET /api/v1/videos/{id}` of ready videos over 16 persistent connections.",
        get,
        {"per second": "3 times the peer"},
        ("per second",),
        is_quick=True,
    ),
    Row(
        "flow",
        "Whole flow",
        "Create, PUT, confirm, job, callback, until a read says `ready`; 16 videos in flight, each call on a connection"
        " of its own. The stub writes one variant and one picture, and calls back 0.25 s after it accepted the job.",
        flow,
        {
            "videos per second": "the peer",
            "confirmed → submitted, p50 ms": "≤ the peer + one call to the API server",
            "CPU a video in all, ms": "≤ 60",
        },
        ("videos per second", "CPU a video in all, ms"),
        is_quick=True,
    ),
    Row(
        "single",
        "One at a time",
        "The same flow with one video in flight.",
        single,
        {"confirmed → submitted, p50 ms": "≤ 40", "callback → ready, p50 ms": "≤ 80"},
        ("confirmed → submitted, p50 ms", "callback → ready, p50 ms"),
        is_quick=True,
    ),
    Row(
        "paced",
        "At a fixed rate",
        "Uploads begin at a fixed rate, whether or not earlier ones are done.",
        paced,
        {"10/s: callback → ready, p50 ms": "≤ 80", "10/s: callback → ready, p99 ms": "≤ 200"},
        ("10/s: confirmed → submitted, p50 ms", "10/s: callback → ready, p50 ms", "10/s: callback → ready, p99 ms"),
        is_quick=True,
    ),
    Row(
        "idle",
        "Uploads that only wait",
        "Rows of uploads of any age up to 20 hours, written straight into Postgres. The first start of the operator"
        " creates every resource, the next one finds nothing to write. The peer does nothing for an upload that waits,"
        " and never finds one that will not come.",
        idle,
        {
            "10,000 waiting: first start: settled after, s": "≤ 150",
            "10,000 waiting: next start: settled after, s": "≤ 60",
            "10,000 waiting: next start: writes": "0",
            "50,000 waiting: cores of operator": "≤ 0.2",
            "50,000 waiting: memory of the operator, MiB": "≤ 400",
        },
    ),
    Row(
        "start",
        "Starts of the operator",
        "Uploads in flight that wait for their file; the row above has more of them. The first start makes every"
        " resource, as after the loss of a cluster; the next one finds nothing to write. Settled: rows and resources"
        " are compared, and nothing is due.",
        start,
        {"1,000 in flight: first start: passes": "1,000", "1,000 in flight: next start: writes": "0"},
    ),
    Row(
        "library",
        "A rollout is planned",
        "Ready videos whose profile has changed, written straight into Postgres, are counted in pages by a process of"
        " its own, as the operator counts them.",
        plan,
        {},
    ),
    Row(
        "kill",
        "SIGKILL of the worker amid uploads",
        "The operator, which has its Lease again at once as in its pod, or Sidekiq; both started again at once. Where a"
        " job may have been started unseen, ours first waits 15 minutes for it to report itself, then starts another.",
        kill,
        {},
    ),
    Row("lost", "Every callback lost", "The jobs are completed, and no callback arrives.", lost, {}),
    Row(
        "saturation",
        "64 in flight",
        "The whole flow with more videos in flight than either side has threads.",
        saturation,
        {},
        ("videos per second",),
    ),
    Row(
        "processes",
        "Worker processes of the API",
        "`create` and `get` with `PROCESSES` at 1 and at 2, while no operator runs. Clients and Postgres use the same"
        " cores, so two cores show what a process costs rather than what it brings.",
        processes,
        {},
    ),
    Row(
        "bare",
        "Beside a bare minimum",
        "The API beside Falcon with a connection pool and one statement; for POST one `INSERT` and one signature"
        " (bench/bare.py): no token, validation, limit or history. Two workers each.",
        bare,
        {},
    ),
    Row(
        "storage",
        "Requests to the object store",
        "The operator's requests about single objects (`storage/signed_session.py`) beside boto3's, one after the other"
        " in one thread, on the stack's S3 server.",
        stored,
        {},
    ),
    Row(
        "limits",
        "What the machine can do at most",
        "pgbench's standard transaction on the stack's Postgres, and creations of a small object at the API server.",
        limit,
        {},
    ),
    Row(
        "large",
        "The API's memory while large files are sent",
        "Four files at once, in parts of 16 MiB, through URLs that the API signed: no byte passes through it.",
        large,
        {},
    ),
)


def printable(turn: Turn) -> str:
    """Return a turn on one line, for people who wait."""
    return json.dumps({label: round(value, 2) for label, value in turn.items()}, ensure_ascii=False)
