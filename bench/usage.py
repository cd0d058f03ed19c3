"""What processes use: CPU time and memory of each named process with its descendants, read from /proc."""

import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Used:
    """CPU seconds by name between two moments, and the seconds in between."""

    seconds: Mapping[str, float]
    elapsed: float


class Usage:
    """CPU time from its making on."""

    def __init__(self, pids: Mapping[str, int], *, is_new: bool = False) -> None:
        """``is_new``: the processes have just been started, so all their time counts."""
        self._pids = pids
        self._before, self._began = self._read(), time.monotonic()
        if is_new:
            self._before = dict.fromkeys(self._before, 0.0)

    def used(self) -> Used:
        """Return what was used so far."""
        after, elapsed = self._read(), time.monotonic() - self._began
        return Used({name: after[name] - self._before[name] for name in after}, elapsed)

    def _read(self) -> dict[str, float]:
        # The servers are children of this process, so for the driver its own time counts.
        named = {name: sum(map(cpu_seconds, family(pid))) for name, pid in self._pids.items()}
        return named | {"driver": time.process_time()}


def family(pid: int, proc: Path = _PROC) -> list[int]:
    """Return a process and its descendants; nothing if it is gone."""
    try:
        tasks = list((proc / str(pid) / "task").iterdir())
    except OSError:
        return []
    return [pid, *(member for task in tasks for child in _children(task) for member in family(child, proc))]


def _children(task: Path) -> list[int]:
    try:
        return [int(child) for child in (task / "children").read_text().split()]
    except OSError:  # the thread has ended since
        return []


def cpu_seconds(pid: int, proc: Path = _PROC) -> float:
    """Return the CPU time of a process and of its children that have ended (proc_pid_stat(5)); 0 once it is gone."""
    try:
        fields = (proc / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / _TICKS_PER_SECOND


def memory_mib(pid: int, proc: Path = _PROC) -> float:
    """Return the proportional memory of a process and its descendants: each shared page is divided among its users."""
    return sum(_proportional_mib(proc / str(member)) for member in family(pid, proc))


def peak_memory_mib(pid: int, proc: Path = _PROC) -> float:
    """Return the highest resident memory of a process since it began, or since 5 was written into its clear_refs.

    Not `ru_maxrss`, which a process inherits from the one that made it.
    """
    peak = re.search(r"^VmHWM:\s+(\d+) kB$", (proc / str(pid) / "status").read_text(), re.MULTILINE)
    return int(peak[1]) / 1024 if peak else 0.0


def _proportional_mib(process: Path) -> float:
    try:
        lines = (process / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def machine_cpu_seconds() -> float:
    """Return the CPU time that everything on the machine has used."""
    ticks = [int(value) for value in (_PROC / "stat").read_text().splitlines()[0].split()[1:]]
    user, nice, system, _idle, _iowait, irq, softirq = ticks[:7]
    return (user + nice + system + irq + softirq) / _TICKS_PER_SECOND
