"""What processes use: CPU time and memory of each named process with its descendants, read from /proc."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Used:
    """CPU seconds by name between two moments, and the seconds in between."""

    seconds: Mapping[str, float]
    elapsed: float


class Usage:
    """CPU time from its making on."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = {**pids, "driver": os.getpid()}
        self._before, self._began = self._read(), time.monotonic()

    def used(self) -> Used:
        """Return what was used so far."""
        after, elapsed = self._read(), time.monotonic() - self._began
        seconds = {name: after[name] - self._before[name] for name in after}
        return Used(seconds, elapsed)

    def _read(self) -> dict[str, float]:
        return {name: sum(map(cpu_seconds, family(pid))) for name, pid in self._pids.items()}


def family(pid: int) -> list[int]:
    """Return a process and its descendants."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        children = [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except OSError:
        return []
    return [pid, *(member for child in children for member in family(child))]


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process and of its children that have ended (proc_pid_stat(5)); 0 once it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / _TICKS_PER_SECOND


def memory_mib(pid: int) -> float:
    """Return the proportional memory of a process and its descendants: each shared page is divided among its users."""
    return sum(map(_proportional_mib, family(pid)))


def _proportional_mib(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def machine_cpu_seconds() -> float:
    """Return the CPU time that everything on the machine has used."""
    ticks = [int(value) for value in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    user, nice, system, _idle, _iowait, irq, softirq = ticks[:7]
    return (user + nice + system + irq + softirq) / _TICKS_PER_SECOND
