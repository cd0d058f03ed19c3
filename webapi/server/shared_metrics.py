"""One page of metrics for all workers of gunicorn: each keeps its counters in files that every worker can read.

A file belongs to a worker's number, which the next worker takes over when it has ended. So the counters of a worker
that has ended stay, and no more files are made than workers at one time need (docs/decisions/0022-worker-processes.md).
"""

import os
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from prometheus_client import CollectorRegistry, values
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

_DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
# A process that ends while it is read would count twice, or not at all.
_READINGS_MAX = 5


def lowest_free(taken: Iterable[int]) -> int:
    """Return the lowest number that no other worker has."""
    others = set(taken)
    return next(number for number in range(len(others) + 1) if number not in others)


class SharedMetrics:
    """The files of one gunicorn, by the process id of its arbiter."""

    def __init__(self, arbiter_pid: int) -> None:
        self._arbiter_pid = arbiter_pid
        self._directory = Path(tempfile.gettempdir()) / f"video-uploads-metrics-{arbiter_pid}"

    def create(self) -> None:
        """Make the directory, without what an earlier container of the same pod has left in it."""
        shutil.rmtree(self._directory, ignore_errors=True)
        self._directory.mkdir(mode=0o700)

    def remove(self) -> None:
        """Remove the directory."""
        shutil.rmtree(self._directory, ignore_errors=True)

    def begin_worker(self, number: int) -> None:
        """Keep the metrics that the calling process is about to make in the files of this number."""
        os.environ[_DIRECTORY] = str(self._directory)
        values.ValueClass = values.MultiProcessValue(lambda: number)  # type: ignore[no-untyped-call]

    def end_worker(self, number: int) -> None:
        """Drop the gauges of a worker that has ended. Its counters stay."""
        mark_process_dead(number, str(self._directory))  # type: ignore[no-untyped-call]

    def registry(self) -> CollectorRegistry:
        """Return the registry of all workers."""
        registry = CollectorRegistry()
        MultiProcessCollector(registry, str(self._directory))  # type: ignore[no-untyped-call]
        registry.register(ProcessesCollector(self._arbiter_pid))
        return registry


@dataclass(frozen=True)
class _Process:
    cpu_ticks: int
    ended_children_ticks: int
    started_ticks: int
    virtual_bytes: int
    resident_bytes: int
    open_files: int
    open_files_max: float

    @classmethod
    def read(cls, pid: int) -> Self:
        """Raises OSError, ValueError or IndexError if the process has ended."""
        directory = Path(f"/proc/{pid}")
        # Numbered from 0 after the name, which may contain spaces.
        fields = (directory / "stat").read_text().rpartition(")")[2].split()
        limit = (directory / "limits").read_text().partition("Max open files")[2].split()[0]
        return cls(
            cpu_ticks=int(fields[11]) + int(fields[12]),
            ended_children_ticks=int(fields[13]) + int(fields[14]),
            started_ticks=int(fields[19]),
            virtual_bytes=int(fields[20]),
            resident_bytes=_proportional_bytes(directory) or int(fields[21]) * _PAGE_BYTES,
            open_files=len(os.listdir(directory / "fd")),
            open_files_max=float(limit),  # `unlimited` becomes no number, and is not expected in a pod
        )


class ProcessesCollector(Collector):
    """The `process_…` metrics of the arbiter and its workers together, those that have ended included."""

    def __init__(self, arbiter_pid: int) -> None:
        self._arbiter_pid = arbiter_pid

    def collect(self) -> Iterable[Metric]:
        """Read /proc, if it can be read."""
        try:
            return self._collect()
        except (OSError, ValueError, IndexError):
            return ()

    def _collect(self) -> Iterable[Metric]:
        arbiter, workers = self._read()
        everyone = (arbiter, *workers)
        cpu_ticks = arbiter.ended_children_ticks + sum(process.cpu_ticks for process in everyone)
        booted = next(
            float(line.split()[1]) for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime ")
        )
        return (
            CounterMetricFamily(
                "process_cpu_seconds_total",
                "Total user and system CPU time spent in seconds.",
                value=cpu_ticks / _TICKS_PER_SECOND,
            ),
            GaugeMetricFamily(
                "process_start_time_seconds",
                "Start time of the process since unix epoch in seconds.",
                value=booted + arbiter.started_ticks / _TICKS_PER_SECOND,
            ),
            _sum("virtual_memory_bytes", "Virtual memory size", (process.virtual_bytes for process in everyone)),
            _sum("resident_memory_bytes", "Resident memory size", (process.resident_bytes for process in everyone)),
            _sum("open_fds", "Number of open file descriptors", (process.open_files for process in everyone)),
            _sum("max_fds", "Maximum number of open file descriptors", (one.open_files_max for one in everyone)),
        )

    def _read(self) -> tuple[_Process, list[_Process]]:
        """Read all processes while none of them ends."""
        for _ in range(_READINGS_MAX):
            arbiter = _Process.read(self._arbiter_pid)
            try:
                workers = [_Process.read(pid) for pid in _children(self._arbiter_pid)]
            except (OSError, ValueError, IndexError):
                continue
            if _Process.read(self._arbiter_pid).ended_children_ticks == arbiter.ended_children_ticks:
                break
        return arbiter, workers


def _proportional_bytes(process: Path) -> int:
    """Return the memory of a process, each shared page divided among its users: a fork shares most of them at first."""
    try:
        lines = (process / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024


def _children(pid: int) -> list[int]:
    """Return the process ids of the children of a process with one thread."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _sum(name: str, text: str, numbers: Iterable[float]) -> Metric:
    return GaugeMetricFamily(f"process_{name}", f"{text}, of all processes.", value=sum(numbers))
