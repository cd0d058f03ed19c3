"""Detached processes that outlive the command which started them, and are never mistaken for others.

A process is remembered by its id and its start time, so that a recycled id is never signalled. Each one
leads its own session, so its children can be ended with it. What runs, and when it is ready, is elsewhere.
"""

import contextlib
import hashlib
import json
import os
import select
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from devstack.waiting import until

# Children of this interpreter stay zombies until it asks for them; kept so that it can.
_children: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True)
class Identity:
    """One process, for all time: an id alone is used again, an id with its start time is not."""

    pid: int
    start_ticks: int
    # Of the command and its environment: tells whether the process still runs what is wanted now.
    fingerprint: str
    stop_with: int = signal.SIGTERM


@dataclass(frozen=True)
class Command:
    """What to run. ``environment`` is complete: nothing else is inherited."""

    argv: Sequence[str]
    environment: Mapping[str, str]
    directory: Path
    # Asks it to end; written down with the process, so that stopping needs nothing else.
    stop_with: int = signal.SIGTERM

    def fingerprint(self) -> str:
        """Return a hash that changes when the process would have to be restarted to honour the command."""
        told = json.dumps([list(self.argv), sorted(self.environment.items()), str(self.directory)])
        return hashlib.sha256(told.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Stat:
    """What /proc/PID/stat tells of a process."""

    state: str
    group: int
    threads: int
    start_ticks: int

    @classmethod
    def parse(cls, text: str) -> "Stat":
        """Read the file's text (proc_pid_stat(5)).

        The command name stands in parentheses and may hold any character, so fields count from the last one.
        """
        fields = text.rpartition(")")[2].split()
        return cls(state=fields[0], group=int(fields[2]), threads=int(fields[17]), start_ticks=int(fields[19]))

    @property
    def is_dead(self) -> bool:
        """Tell whether it has let go of everything.

        A zombie has, unless other threads of it are still ending: those hold its ports for some milliseconds more.
        """
        return self.state in "ZX" and self.threads <= 1


def living(pid: int) -> Stat | None:
    """Return what is known of a living process."""
    try:
        stat = Stat.parse(Path(f"/proc/{pid}/stat").read_text())
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if stat.is_dead else stat


class DetachedProcess:
    """One named process with its pid file and log file."""

    def __init__(self, name: str, *, pid_file: Path, log_file: Path) -> None:
        self.name = name
        self.log_file = log_file
        self._pid_file = pid_file

    def start(self, command: Command) -> None:
        """Start it and write down who it is. The caller has made sure that it does not run already."""
        self._pid_file.parent.mkdir(parents=True, exist_ok=True)
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        with self.log_file.open("ab") as log:
            child = subprocess.Popen(
                list(command.argv),
                env=dict(command.environment),
                cwd=command.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        _children[child.pid] = child
        stat = living(child.pid)
        started = Identity(child.pid, stat.start_ticks if stat else 0, command.fingerprint(), command.stop_with)
        draft = self._pid_file.with_suffix(".new")
        draft.write_text(json.dumps(asdict(started)))
        draft.replace(self._pid_file)

    def identity(self) -> Identity | None:
        """Return who was started last, alive or not."""
        try:
            return Identity(**json.loads(self._pid_file.read_text()))
        except FileNotFoundError:
            return None

    def pid(self) -> int | None:
        """Return the process id while it is alive."""
        known = self.identity()
        return known.pid if known is not None and _is_alive(known) else None

    def is_alive(self) -> bool:
        """Tell whether the process that was started still runs."""
        return self.pid() is not None

    def runs(self, command: Command) -> bool:
        """Tell whether it is alive and was started with just this command."""
        known = self.identity()
        return known is not None and known.fingerprint == command.fingerprint() and _is_alive(known)

    def stop(self, *, grace_seconds: float = 30) -> None:
        """Ask it to end, wait, and end what is left of its session. Nothing happens to a process not ours."""
        known = self.identity()
        if known is None:
            return
        if _is_alive(known):
            with contextlib.suppress(ProcessLookupError):
                os.kill(known.pid, known.stop_with)
            _wait_for_end(known.pid, within_seconds=grace_seconds)
        _end_session(known)
        self._pid_file.unlink(missing_ok=True)

    def kill(self) -> None:
        """End it and its children at once, as losing the machine would. The pid file stays, as it would then."""
        known = self.identity()
        if known is not None:
            _end_session(known)

    def last_lines(self, count: int = 15) -> str:
        """Return the end of the log, for a message about a part that did not start."""
        try:
            lines = self.log_file.read_text(errors="replace").splitlines()
        except FileNotFoundError:
            return "(no log)"
        return "\n".join(lines[-count:])


def _is_alive(known: Identity) -> bool:
    child = _children.get(known.pid)
    if child is not None and child.poll() is not None:
        _children.pop(known.pid, None)
    stat = living(known.pid)
    return stat is not None and stat.start_ticks == known.start_ticks


def _wait_for_end(pid: int, *, within_seconds: float) -> None:
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        ended = select.poll()
        ended.register(handle, select.POLLIN)
        ended.poll(within_seconds * 1000)
    finally:
        os.close(handle)


def _end_session(known: Identity) -> None:
    """SIGKILL whatever still runs in the session that the process led, itself included.

    While any member lives the kernel gives the leader's id to nobody else; so if the id now belongs to a
    process with another start time, no member is left and there is nothing to signal.
    """
    now = living(known.pid)
    if now is not None and now.start_ticks != known.start_ticks:
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(known.pid, signal.SIGKILL)
    until(lambda: not _has_members(known.pid), within_seconds=10, what=f"the end of process group {known.pid}")
    _is_alive(known)


def _has_members(group: int) -> bool:
    child = _children.get(group)
    if child is not None:
        child.poll()
    pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal())
    return any(stat is not None and stat.group == group for stat in map(living, pids))
