"""Checks that the memory, threads, connections and open files of processes stay flat over hours.

`slopes` is pure; `sample` reads /proc. A process that is killed and started again keeps its name, so its samples are
one series: medians of short windows make the moments after a start count as little as they last.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from statistics import median

MEASURES = ("rss", "threads", "sockets", "fds")
_HOUR = 3600.0
_WINDOWS = 60
_PROC = Path("/proc")


@dataclass(frozen=True)
class Sample:
    """What one process and its children held at one moment. ``at``: seconds of any clock; ``rss``: bytes."""

    at: float
    process: str
    rss: int
    threads: int
    sockets: int
    fds: int


@dataclass(frozen=True)
class Bound:
    """How much a measure may grow in an hour: a share of what is usual, and at least so much."""

    share: float
    least: float

    def of(self, usual: float) -> float:
        """Return the allowed growth."""
        return max(self.least, self.share * usual)


# What is held follows the load by chance; a leak of one object for each upload at 2/s grows by 7,200 in an hour.
BOUNDS = {
    "rss": Bound(0.05, 4 * 1024**2),
    "threads": Bound(0.05, 1),
    "sockets": Bound(0.1, 3),
    "fds": Bound(0.1, 3),
}


@dataclass(frozen=True)
class Slope:
    """The growth of one measure of one process. ``usual``: its median; ``hours``: how long it was watched."""

    process: str
    measure: str
    per_hour: float
    usual: float
    allowed: float
    hours: float

    @property
    def is_flat(self) -> bool:
        """Return whether it grew by no more than allowed. What falls is flat.

        In less than an hour by the growth that was seen: what two windows differ by would count many times in an hour.
        """
        return self.per_hour * min(1.0, self.hours) <= self.allowed


def slopes(samples: Iterable[Sample], *, warm_up_seconds: float = 0.0) -> list[Slope]:
    """Return the slope of each measure of each process.

    It is the median of the slopes between the medians of all windows (Theil and Sen), which no single peak moves.
    ``warm_up_seconds``: so long after its first sample a process is not looked at. Raises ValueError for a process with
    fewer than two moments: flat would be an assertion about nothing.
    """
    series = dict[str, list[Sample]]()
    for one in sorted(samples, key=lambda one: one.at):
        series.setdefault(one.process, []).append(one)
    return [
        _slope(process, measure, [one for one in own if one.at >= own[0].at + warm_up_seconds])
        for process, own in sorted(series.items())
        for measure in MEASURES
    ]


def _slope(process: str, measure: str, own: Sequence[Sample]) -> Slope:
    points = list(_windows([(one.at, float(getattr(one, measure))) for one in own]))
    if len(points) < 2:
        raise ValueError(f"{process} was looked at in fewer than two moments")
    rises = [(later - earlier) / (until - since) for (since, earlier), (until, later) in combinations(points, 2)]
    usual = median(value for _, value in points)
    hours = (own[-1].at - own[0].at) / _HOUR
    return Slope(process, measure, median(rises) * _HOUR, usual, BOUNDS[measure].of(usual), hours)


def _windows(points: Sequence[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """Yield the middle of each window with the median in it; windows without a sample are left out."""
    if not points:
        return
    began, seconds = points[0][0], (points[-1][0] - points[0][0]) / _WINDOWS
    windows = dict[int, list[tuple[float, float]]]()
    for at, value in points:
        number = min(_WINDOWS - 1, int((at - began) / seconds)) if seconds else 0
        windows.setdefault(number, []).append((at, value))
    for _, inside in sorted(windows.items()):
        yield median(at for at, _ in inside), median(value for _, value in inside)


def table(found: Sequence[Slope]) -> str:
    """Return a Markdown table of slopes."""
    heads = ("process", "measure", "usual", "growth an hour", "allowed", "flat")
    rows = [
        (
            one.process,
            one.measure,
            f"{one.usual:,.0f}",
            f"{one.per_hour:+,.1f}",
            f"{one.allowed:,.1f}",
            "yes" if one.is_flat else "**no**",
        )
        for one in found
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in (heads, ["---"] * len(heads), *rows))


def sample(at: float, process: str, pid: int, *, proc: Path = _PROC) -> Sample | None:
    """Read what a process and its children hold now; None if it has ended."""
    parts = [part for one in _with_children(pid, proc) if (part := _read(proc / str(one))) is not None]
    if not parts:
        return None
    rss, threads, sockets, fds = (sum(values) for values in zip(*parts, strict=True))
    return Sample(at, process, rss, threads, sockets, fds)


def _with_children(pid: int, proc: Path) -> list[int]:
    parents = {int(path.name): _parent(path) for path in proc.iterdir() if path.name.isdecimal()}
    family = [pid] if pid in parents else []
    for member in family:  # grows while it is walked
        family += [child for child, parent in parents.items() if parent == member]
    return family


def _parent(path: Path) -> int | None:
    try:
        # The name in parentheses may hold spaces and parentheses.
        return int((path / "stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError, ValueError):
        return None


def _read(path: Path) -> tuple[int, int, int, int] | None:
    """Return bytes of memory, threads, sockets and open files; None if the process ends meanwhile, or has ended."""
    try:
        fields = dict(line.split(":", 1) for line in (path / "status").read_text().splitlines() if ":" in line)
        links = [_target(link) for link in (path / "fd").iterdir()]
    except OSError:
        return None
    if "VmRSS" not in fields:
        return None  # a zombie
    sockets = sum(link.startswith("socket:") for link in links)
    return int(fields["VmRSS"].split()[0]) * 1024, int(fields["Threads"]), sockets, len(links)


def _target(link: Path) -> str:
    try:
        return os.readlink(link)
    except OSError:
        return ""  # closed meanwhile
