"""Which loopback port each part listens on: preferred ones for the developer, free ones when those are taken.

Choices are remembered in the state directory, so that a restarted part comes back where its neighbours look for it.
"""

import json
import random
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

HOST = "127.0.0.1"

PREFERRED: Mapping[str, int] = {
    "postgres": 25432,
    "etcd": 22379,
    "etcd-peer": 22380,
    "kube-apiserver": 26443,
    "s3": 27070,
    "coconut": 28090,
    "mail": 28025,
    "api": 28080,
    "operator": 28081,
}

# Below the kernel's ephemeral range: a port chosen now cannot become somebody's outgoing port a moment later.
_OTHERS = range(20_000, 32_000)


def is_free(port: int) -> bool:
    """Tell whether a server could listen on the port now."""
    with socket.socket() as probe:
        # As servers do: connections in TIME_WAIT from the last run do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def any_free_port(free: Callable[[int], bool] = is_free) -> int:
    """Return a port that nobody listens on and that no part prefers."""
    candidates = [port for port in _OTHERS if port not in PREFERRED.values()]
    return next(port for port in random.sample(candidates, len(candidates)) if free(port))


def choose(name: str, *, remembered: int | None, prefer_fixed: bool, free: Callable[[int], bool]) -> int:
    """Return the remembered port, else the preferred one, else any: the first that is free."""
    wanted = [remembered, PREFERRED.get(name) if prefer_fixed else None]
    return next((port for port in wanted if port is not None and free(port)), None) or any_free_port(free)


class Ports:
    """The ports of one stack."""

    def __init__(self, file: Path, *, prefer_fixed: bool) -> None:
        self._file = file
        self._prefer_fixed = prefer_fixed
        self._chosen: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}

    def of(self, name: str) -> int:
        """Return where the part listens; chosen at the first question."""
        return self._chosen[name] if name in self._chosen else self.choose(name)

    def choose(self, name: str) -> int:
        """Choose again, keeping the port if it is still free. Only for a part that does not run."""
        port = choose(name, remembered=self._chosen.get(name), prefer_fixed=self._prefer_fixed, free=is_free)
        if self._chosen.get(name) != port:
            self._chosen[name] = port
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.write_text(json.dumps(self._chosen, indent=1, sort_keys=True))
        return port
