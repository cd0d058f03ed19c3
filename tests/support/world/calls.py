"""Which calls to upstreams a world's passes make, by upstream and method."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.support.world.world import InMemoryWorld

# The upstreams behind the dependencies; the rows are reached through five of them.
_UPSTREAMS = {
    "observations": "postgres",
    "attempts": "postgres",
    "claims": "postgres",
    "retention": "postgres",
    "adoption": "postgres",
    "storage": "s3",
    "parts": "s3",
    "transcoder": "coconut",
    "resources": "kubernetes",
}


def count_calls(world: InMemoryWorld) -> list[str]:
    """Note the calls of every process that begins from now on, in order, as `s3.head`."""
    calls: list[str] = []
    noting: dict[str, Any] = {
        field: _Noted(getattr(world.deps, field), lambda method, name=name: calls.append(f"{name}.{method}"))  # type: ignore[misc]
        for field, name in _UPSTREAMS.items()
    }
    world.deps = replace(world.deps, **noting)
    return calls


class _Noted:
    def __init__(self, upstream: object, note: Callable[[str], None]) -> None:
        self._upstream = upstream
        self._note = note

    def __getattr__(self, method: str) -> Any:
        call = getattr(self._upstream, method)

        def noted(*args: Any, **kwargs: Any) -> Any:
            if not method.startswith("presign"):
                self._note(method)
            return call(*args, **kwargs)

        return noted
