"""Detached processes that outlive the command that started them.

A process is identified by its id and its start time, so that a recycled id is never signalled. Each process leads its
own session, so that its children end with it. server.py knows when a process is ready.
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

# A child of this interpreter stays a zombie until it is polled.
_children: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True)
class Identity:
    """One process. An id alone is reused; an id with its start time is not."""

    pid: int
    start_ticks: int
    # The hash of its command and environment.
    fingerprint: str
    stop_with: int = signal.SIGTERM


@dataclass(frozen=True)
class Command:
    """A command to run. ``environment`` is complete: nothing else is inherited."""

    argv: Sequence[str]
    environment: Mapping[str, str]
    directory: Path
    # The signal that asks it to end, saved with the process.
    stop_with: int = signal.SIGTERM

    def fingerprint(self) -> str:
        """Return a hash that differs when a running process must be restarted."""
        text = json.dumps([list(self.argv), sorted(self.environment.items()), str(self.directory)])
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Stat:
    """The fields of /proc/PID/stat that are used here."""

    state: str
    group: int
    threads: int
    start_ticks: int

    @classmethod
    def parse(cls, text: str) -> "Stat":
        """Read the file's text (proc_pid_stat(5)).

        The command name is in parentheses and may hold any character, so fields are counted from the last one.
        """
        fields = text.rpartition(")")[2].split()
        return cls(state=fields[0], group=int(fields[2]), threads=int(fields[17]), start_ticks=int(fields[19]))

    @property
    def is_dead(self) -> bool:
        """Return whether the process has released its ports.

        A zombie has, unless some of its threads are still ending: they hold ports for some milliseconds more.
        """
        return self.state in "ZX" and self.threads <= 1


def living(pid: int) -> Stat | None:
    """Return the state of a living process, None if there is none."""
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
        """Start it and save its identity. The caller has checked that it is not running."""
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
        """Return the process that was started last, alive or not."""
        try:
            return Identity(**json.loads(self._pid_file.read_text()))
        except FileNotFoundError:
            return None

    def pid(self) -> int | None:
        """Return the process id while it is alive."""
        identity = self.identity()
        return identity.pid if identity is not None and _is_alive(identity) else None

    def is_alive(self) -> bool:
        """Return whether the started process still runs."""
        return self.pid() is not None

    def runs(self, command: Command) -> bool:
        """Return whether it is alive and was started with exactly this command."""
        identity = self.identity()
        return identity is not None and identity.fingerprint == command.fingerprint() and _is_alive(identity)

    def stop(self, *, grace_seconds: float = 30) -> None:
        """Ask it to end, wait, and kill what is left of its session. Other processes are not touched."""
        identity = self.identity()
        if identity is None:
            return
        if _is_alive(identity):
            with contextlib.suppress(ProcessLookupError):
                os.kill(identity.pid, identity.stop_with)
            _wait_for_end(identity.pid, within_seconds=grace_seconds)
        _end_session(identity)
        self._pid_file.unlink(missing_ok=True)

    def kill(self) -> None:
        """Kill it and its children, as losing the machine would. The pid file stays, as it would then."""
        identity = self.identity()
        if identity is not None:
            _end_session(identity)

    def last_lines(self, count: int = 15) -> str:
        """Return the end of the log, for the message about a part that did not start."""
        try:
            lines = self.log_file.read_text(errors="replace").splitlines()
        except FileNotFoundError:
            return "(no log)"
        return "\n".join(lines[-count:])


def _is_alive(identity: Identity) -> bool:
    child = _children.get(identity.pid)
    if child is not None and child.poll() is not None:
        _children.pop(identity.pid, None)
    stat = living(identity.pid)
    return stat is not None and stat.start_ticks == identity.start_ticks


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


def _end_session(identity: Identity) -> None:
    """SIGKILL all processes in the session that the process leads, itself included.

    The kernel does not reuse the leader's id while a member lives. So if the id now belongs to a process with another
    start time, no member is left and there is nothing to signal.
    """
    now = living(identity.pid)
    if now is not None and now.start_ticks != identity.start_ticks:
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(identity.pid, signal.SIGKILL)
    until(lambda: not _has_members(identity.pid), within_seconds=10, what=f"the end of process group {identity.pid}")
    _is_alive(identity)


def _has_members(group: int) -> bool:
    child = _children.get(group)
    if child is not None:
        child.poll()
    pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal())
    return any(stat is not None and stat.group == group for stat in map(living, pids))
