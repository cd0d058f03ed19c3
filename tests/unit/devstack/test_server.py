"""A server is started when it does not run, whenever it ended."""

from pathlib import Path
from typing import Any

from devstack.process import Command
from devstack.server import Server

_COMMAND = Command(["serve"], {}, Path("/"))


class _Process:
    """A process that ends after it was looked at so many times."""

    name = "serve"
    log_file = Path("/log")

    def __init__(self, *, ends_after_looks: int) -> None:
        self._looks_left = ends_after_looks
        self.starts = 0

    def is_alive(self) -> bool:
        self._looks_left -= 1
        return self._looks_left >= 0

    def runs(self, _command: Command) -> bool:
        return self.is_alive()

    def identity(self) -> object:
        return object()

    def stop(self) -> None:
        self._looks_left = 0

    def start(self, _command: Command) -> None:
        self.starts += 1
        self._looks_left = 100


def a_server(process: Any) -> Server:
    return Server(process, _COMMAND, is_ready=lambda: process.starts > 0, address="here")


def test_a_server_that_was_already_stopping_is_started_again() -> None:
    process = _Process(ends_after_looks=2)
    assert a_server(process).up() == "restarted (had died)"
    assert process.starts == 1


def test_a_server_that_serves_is_left_alone() -> None:
    process = _Process(ends_after_looks=100)
    server = Server(process, _COMMAND, is_ready=lambda: True, address="here")  # type: ignore[arg-type]
    assert server.up() == "running"
    assert process.starts == 0
