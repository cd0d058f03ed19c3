"""Named points at which a process can kill itself: tests use them to prove that nothing is lost in between.

A point is `{step}.{upstream}.{method}.{number}:{before|after}`: around the number-th call of that method which the
step makes. At `Submit.transcoder.start.1:after` a job has started but is not recorded yet. A delivery is a step too:
at `Deliver.webhooks.send.1:after` a webhook was sent but is not recorded yet. Without the setting CRASH_AT nothing is
wrapped. CRASH_SIGNAL=STOP freezes the process instead of killing it.
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
from database.rollouts import Rollouts

Upstream = TypeVar("Upstream")

# Signing a URL makes no call, so it cannot be left half done.
_WITHOUT_EFFECT = "presign"


class CrashSignal(StrEnum):
    """The signal at the point: the process is killed, or frozen until it is resumed, perhaps much later."""

    KILL = "KILL"
    STOP = "STOP"


def crash_at(point: str, by: CrashSignal) -> Callable[[str], None]:
    """Return a function that sends this process the signal once the point is reached."""
    number = signal.SIGKILL if by is CrashSignal.KILL else signal.SIGSTOP

    def crash(reached: str) -> None:
        if reached == point:
            os.kill(os.getpid(), number)

    return crash


def with_failpoints(reached: Callable[[str], None]) -> Callable[[Dependencies, str], Dependencies]:
    """Return a wrapper of the dependencies that reports each point to ``reached``, for `Dependencies.for_step`."""

    def for_step(deps: Dependencies, step: str) -> Dependencies:
        around = _with_failpoint(step, reached)
        return replace(
            deps,
            observations=around("observations", deps.observations),
            attempts=around("attempts", deps.attempts),
            retention=around("retention", deps.retention),
            adoption=around("adoption", deps.adoption),
            captions=around("captions", deps.captions),
            posters=around("posters", deps.posters),
            fetch_rows=around("fetch_rows", deps.fetch_rows),
            sources=around("sources", deps.sources),
            storage=around("storage", deps.storage),
            parts=around("parts", deps.parts),
            transcoder=around("transcoder", deps.transcoder),
        )

    return for_step


def deliveries_with_failpoints(reached: Callable[[str], None]) -> Callable[[Channels], Channels]:
    """Return a wrapper of the channels of one delivery that reports each point to ``reached``."""

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


def rollouts_with_failpoints(rollouts: Rollouts, reached: Callable[[str], None]) -> Rollouts:
    """Return rollouts that report each point to ``reached``, as `Rollout.rollouts.advance.1:after`."""
    return _with_failpoint("Rollout", reached)("rollouts", rollouts)


class _WithFailpoints(Protocol):
    def __call__(self, name: str, upstream: Upstream) -> Upstream: ...


def _with_failpoint(step: str, reached: Callable[[str], None]) -> _WithFailpoints:
    """Return a function that wraps the upstreams of one step; each step counts its calls from 1."""
    calls: Counter[str] = Counter()

    def around(name: str, upstream: Upstream) -> Upstream:
        return cast("Upstream", _Watched(f"{step}.{name}", upstream, calls, reached))

    return around


class _Watched:
    def __init__(self, name: str, upstream: object, calls: Counter[str], reached: Callable[[str], None]) -> None:
        self._name = name
        self._upstream = upstream
        self._calls = calls
        self._reached = reached

    def __getattr__(self, method: str) -> Any:
        call = getattr(self._upstream, method)
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
