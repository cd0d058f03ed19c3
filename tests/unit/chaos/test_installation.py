"""What a run does to its processes, without processes."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from chaos import installation
from chaos.installation import Installation
from devstack.options import StackOptions
from devstack.paths import PROJECT_DIR
from devstack.process import Command
from devstack.stack import Stack


class Process:
    """A service that is started and stopped."""

    def __init__(self) -> None:
        self.command = Command(["service"], {"PATH": "/bin"}, PROJECT_DIR)
        self.process = self
        self.is_running = True
        self.clocks: list[str] = []

    def prepare(self) -> None:
        """Do nothing."""

    def start(self, command: Command) -> None:
        self.is_running = True
        self.clocks.append(command.environment.get("FAKETIME", "right"))

    def down(self) -> None:
        self.is_running = False

    def is_ready(self) -> bool:
        return self.is_running


def shifted(command: Command, ahead: int) -> Command:
    return Command(command.argv, {**command.environment, "FAKETIME": str(ahead)}, command.directory)


@pytest.mark.parametrize("ahead", [600, -600])
def test_a_service_is_restarted_with_a_wrong_clock_and_then_with_the_right_one(
    ahead: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = Process()
    secrets = SimpleNamespace(webhook_signing_key="key")
    stack: Any = SimpleNamespace(server=lambda _: process, paths=SimpleNamespace(secrets=lambda: secrets))
    installed = Installation(cast("Stack", stack), {}, StackOptions())

    def supervise(*_: object, **__: object) -> None:
        if not process.is_running:
            installed._start_again("operator")

    # The supervisor's turns come where the run waits.
    monkeypatch.setattr(installation, "_wait", supervise)
    monkeypatch.setattr(installed, "wait_until_served", supervise)
    monkeypatch.setattr(installation, "skewed", shifted)
    installed.run_with_wrong_clock("operator", 8, ahead_seconds=ahead)
    supervise()
    assert process.clocks == [str(ahead), "right"]
