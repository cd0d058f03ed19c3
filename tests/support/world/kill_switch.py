"""Death at chosen moments: every call to an upstream has one before its effect and one after."""

from collections.abc import Callable
from typing import Any

from runtime.upstream_breaker import UpstreamBreaker


class KilledError(BaseException):
    """The process is gone. No `except Exception` may survive it."""


class KillSwitch:
    """Counts the moments around calls to upstreams, keeps their names, and kills after each of ``gaps``.

    ``happens``: what else happens in the world at a moment, by its number.
    """

    def __init__(self) -> None:
        self.moments = 0
        self.calls: list[str] = []
        self.gaps: list[int] = []
        self.happens: dict[int, Callable[[], None]] = {}
        self._since = 0

    def forget(self) -> None:
        """Count from here."""
        self.moments = self._since = 0

    def arm(self, moment: int) -> None:
        """Kill at the ``moment``-th moment from here."""
        self.gaps, self._since = [moment], 0

    def reached(self) -> None:
        """Let one moment pass."""
        self.moments += 1
        self._since += 1
        if self.moments in self.happens:
            self.happens[self.moments]()
        if self.gaps and self._since >= self.gaps[0]:
            self.gaps.pop(0)
            self._since = 0
            raise KilledError(f"at moment {self.moments}, around {self.calls[-1]}")


def through(kill_switch: KillSwitch, fake: object) -> Any:
    """Return ``fake`` with a moment before and one after the effect of every call.

    It may stand in for any of our classes: tests/support/contracts hold it to the one that it imitates.
    """
    return _Switched(kill_switch, fake)


class _Switched:
    def __init__(self, kill_switch: KillSwitch, upstream: object) -> None:
        self._kill_switch = kill_switch
        self._upstream = upstream

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._upstream, name)

        def switched(*args: Any, **kwargs: Any) -> Any:
            self._kill_switch.calls.append(name)
            self._kill_switch.reached()
            answer = method(*args, **kwargs)
            self._kill_switch.reached()
            return answer

        return switched


def behind(breaker: UpstreamBreaker, upstream: Any) -> Any:
    """Return ``upstream`` so that its calls go through a breaker, all but those that send no request."""
    return _Behind(breaker, upstream)


class _Behind:
    def __init__(self, breaker: UpstreamBreaker, upstream: Any) -> None:
        self._breaker = breaker
        self._upstream = upstream

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._upstream, name)
        return method if name.startswith("presign") else self._breaker.limit(method)
