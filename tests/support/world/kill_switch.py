"""Death at chosen moments: every call to a neighbour has one before its effect and one after."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

Neighbour = TypeVar("Neighbour")


class KilledError(BaseException):
    """The process is gone. No `except Exception` may survive it."""


class Fuse:
    """Counts the moments around calls to neighbours, keeps their names, and blows after each of ``gaps``.

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
        """Blow at the ``moment``-th moment from here."""
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


def through(fuse: Fuse, neighbour: Neighbour) -> Neighbour:
    """Return ``neighbour`` with a moment before and one after the effect of every call."""
    return cast("Neighbour", _Fused(fuse, neighbour))


class _Fused:
    def __init__(self, fuse: Fuse, neighbour: object) -> None:
        self._fuse = fuse
        self._neighbour = neighbour

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._neighbour, name)

        def fused(*args: Any, **kwargs: Any) -> Any:
            self._fuse.calls.append(name)
            self._fuse.reached()
            answer = method(*args, **kwargs)
            self._fuse.reached()
            return answer

        return fused
