"""Named moments at which a process can be told to die: tests show with them that nothing is lost in between.

A point is `{step}.{neighbour}.{method}.{number}:{before|after}`: around the number-th call of that method which the
step makes, such as `Submit.transcoder.start.1:after`, when a job was ordered and nobody knows yet. A delivery is a
step too: `Deliver.webhooks.send.1:after` is when somebody was told and nobody remembers yet. Without the setting
CRASH_AT nothing is wrapped and nothing can die. CRASH_SIGNAL=STOP freezes the process instead.
"""

import os
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from typing import Any, Protocol, TypeVar, cast

from controller.dependencies import Dependencies
from controller.notify.deliver import Channels

Neighbour = TypeVar("Neighbour")

# Signing asks nobody: there is nothing that could be half done.
_WITHOUT_EFFECT = "presign"


class CrashSignal(StrEnum):
    """What happens at the point: death, or a freeze from which somebody may wake the process much later."""

    KILL = "KILL"
    STOP = "STOP"


def crash_at(point: str, by: CrashSignal) -> Callable[[str], None]:
    """Return what makes this process strike itself when it is told that it reached the point."""
    number = signal.SIGKILL if by is CrashSignal.KILL else signal.SIGSTOP

    def strike(reached: str) -> None:
        if reached == point:
            os.kill(os.getpid(), number)

    return strike


def with_failpoints(reached: Callable[[str], None]) -> Callable[[Dependencies, str], Dependencies]:
    """Return the view of the world whose points are told to ``reached``, for `Dependencies.for_step`."""

    def for_step(world: Dependencies, step: str) -> Dependencies:
        around = _with_failpoint(step, reached)
        return replace(
            world,
            observations=around("observations", world.observations),
            retention=around("endings", world.retention),
            storage=around("storage", world.storage),
            parts=around("parts", world.parts),
            transcoder=around("transcoder", world.transcoder),
        )

    return for_step


def deliveries_with_failpoints(reached: Callable[[str], None]) -> Callable[[Channels], Channels]:
    """Return the view of one delivery whose points are told to ``reached``."""

    def for_delivery(channels: Channels) -> Channels:
        around = _with_failpoint("Deliver", reached)
        mail = None if channels.mail is None else around("mail", channels.mail)
        return replace(
            channels,
            outbox=around("outbox", channels.outbox),
            webhooks=around("webhooks", channels.webhooks),
            mail=mail,
        )

    return for_delivery


class _WithFailpoints(Protocol):
    def __call__(self, name: str, neighbour: Neighbour) -> Neighbour: ...


def _with_failpoint(step: str, reached: Callable[[str], None]) -> _WithFailpoints:
    """Return what watches the neighbours of one step: calls are counted anew for each."""
    calls: Counter[str] = Counter()

    def around(name: str, neighbour: Neighbour) -> Neighbour:
        return cast("Neighbour", _Watched(f"{step}.{name}", neighbour, calls, reached))

    return around


class _Watched:
    def __init__(self, name: str, neighbour: object, calls: Counter[str], reached: Callable[[str], None]) -> None:
        self._name = name
        self._neighbour = neighbour
        self._calls = calls
        self._reached = reached

    def __getattr__(self, method: str) -> Any:
        call = getattr(self._neighbour, method)
        if method.startswith(_WITHOUT_EFFECT):
            return call

        def watched(*args: Any, **kwargs: Any) -> Any:
            name = f"{self._name}.{method}"
            self._calls[name] += 1
            point = f"{name}.{self._calls[name]}"
            self._reached(f"{point}:before")
            answer = call(*args, **kwargs)
            self._reached(f"{point}:after")
            return answer

        return watched
