"""The loopback port of each part: a fixed one for the developer's stack, or a free one when that is taken.

The ports are saved in the state directory, so that a restarted part returns to its port. A part binds its port some
time after it was chosen, so a process reserves what it chooses: neither it nor another one chooses that port again.
"""

import atexit
import json
import random
import socket
import sys
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path

from devstack.paths import write_private

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

# Below the kernel's ephemeral range, so that no outgoing connection takes a port that was just chosen.
_OTHERS = range(20_000, 32_000)
# Each holds a name until this process ends, or so many others were chosen: by then a part has bound its port.
_RESERVED_AT_ONCE = 200
_reservations: deque[socket.socket] = deque()


def is_free(port: int) -> bool:
    """Return whether a server could listen on the port now."""
    with socket.socket() as probe:
        # Servers set it too: connections in TIME_WAIT from the last run do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def any_free_port(free: Callable[[int], bool] = is_free) -> int:
    """Return a free port that no part prefers, and reserve it. Raises RuntimeError."""
    candidates = [port for port in _OTHERS if port not in PREFERRED.values()]
    for port in random.sample(candidates, len(candidates)):
        if free(port) and _reserve(port):
            return port
    raise RuntimeError(f"no port from {_OTHERS.start} to {_OTHERS.stop - 1} is free")


def _reserve(port: int) -> bool:
    """Reserve a port against all processes of this machine that choose; False if one of them has."""
    # A name of Linux without a file, which the kernel forgets with the process.
    if sys.platform != "linux":
        return True
    holder = socket.socket(socket.AF_UNIX)
    try:
        holder.bind(f"\0video-uploads-port-{port}")
    except OSError:
        holder.close()
        return False
    _reservations.append(holder)
    _release_all_but(_RESERVED_AT_ONCE)
    return True


def _release_all_but(count: int) -> None:
    while len(_reservations) > count:
        _reservations.popleft().close()


atexit.register(_release_all_but, 0)


def choose(name: str, *, remembered: int | None, prefer_fixed: bool, free: Callable[[int], bool]) -> int:
    """Return the first free one of the remembered port, the preferred port and any other."""
    candidates = [remembered, PREFERRED.get(name) if prefer_fixed else None]
    return next((port for port in candidates if port is not None and free(port)), None) or any_free_port(free)


class Ports:
    """The ports of one stack."""

    def __init__(self, file: Path, *, prefer_fixed: bool) -> None:
        self._file = file
        self._prefer_fixed = prefer_fixed
        self._chosen: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}

    def of(self, name: str) -> int:
        """Return the part's port, chosen by the first call."""
        return self._chosen[name] if name in self._chosen else self.choose(name)

    def choose(self, name: str) -> int:
        """Choose again and keep the port if it is still free. Call it only for a part that does not run."""
        port = choose(name, remembered=self._chosen.get(name), prefer_fixed=self._prefer_fixed, free=is_free)
        if self._chosen.get(name) != port:
            self._chosen[name] = port
            write_private(self._file, json.dumps(self._chosen, indent=1, sort_keys=True))
        return port
