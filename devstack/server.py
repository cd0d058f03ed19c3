"""One long-running part of the stack: started unless it runs, waited for until it serves, and stopped.

Each server's own module configures it; stack.py has the order.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from devstack.process import Command, DetachedProcess
from devstack.waiting import until


class PartFailedError(Exception):
    """A part did not start. The message ends with the last lines of its log."""


def _nothing() -> None:
    pass


@dataclass(frozen=True)
class Server:
    """A process with its readiness check."""

    process: DetachedProcess
    command: Command
    is_ready: Callable[[], bool]
    # Its address, for people.
    address: str
    # Creates the files and directories it needs. Called before every start, so it must be repeatable.
    prepare: Callable[[], None] = _nothing
    ready_within_seconds: float = 60

    @property
    def name(self) -> str:
        """Return its name in pid file, log and command line."""
        return self.process.name

    def up(self) -> str:
        """Start it unless it runs with this command, and wait until it serves. Returns what was done, in one word."""
        if self.process.runs(self.command) and self._becomes_ready():
            return "running"
        was_alive, was_started = self.process.is_alive(), self.process.identity() is not None
        self.down()
        self.prepare()
        self._start()
        if was_alive:
            return "restarted"
        return "restarted (had died)" if was_started else "started"

    def down(self) -> None:
        """Stop it and everything in its session."""
        self.process.stop()

    def _start(self) -> None:
        """Start it, and again if it dies while an earlier process still holds its resources.

        After a SIGKILL the children of Postgres hold its shared memory for a moment, and a new one refuses to start.
        """
        end = time.monotonic() + self.ready_within_seconds
        died_at_most = 3
        for death in range(died_at_most):
            self.process.start(self.command)
            if self._becomes_ready(within_seconds=max(1, end - time.monotonic())):
                return
            threading.Event().wait(0.5 * (death + 1))
        raise PartFailedError(f"{self.name} ended while starting:\n{self.process.last_lines()}")

    def _becomes_ready(self, *, within_seconds: float | None = None) -> bool:
        """Wait until it serves; return False if it ends instead, as a process does that was already stopping."""
        until(
            lambda: self.is_ready() or not self.process.is_alive(),
            within_seconds=within_seconds or self.ready_within_seconds,
            what=f"{self.name} to serve at {self.address}; see {self.process.log_file}",
        )
        return self.process.is_alive()
