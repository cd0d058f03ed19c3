"""Operators beside the stack's own, and operators that are restarted when they end, as containers are."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from devstack.process import DetachedProcess
from devstack.server import PartFailedError, Server
from devstack.waiting import NotInTimeError
from tests.e2e.uploads.world import World
from tests.support.eventually import eventually
from tests.support.proxies.proxy import Proxy, proxy_before_cluster

# A hand-over takes seconds instead of a quarter of a minute; test_handover.py tests the default.
SHORT_LEASE = {"LEASE_DURATION_SECONDS": "3", "LEASE_RENEW_DEADLINE_SECONDS": "2", "LEASE_RETRY_SECONDS": "0.5"}

_LOOK_EVERY_SECONDS = 0.2


class _Supervisor:
    """Restarts processes that have ended. On a busy machine a short Lease can be lost at any time."""

    def __init__(self) -> None:
        self._starts: dict[str, tuple[DetachedProcess, Callable[[], object]]] = {}
        # Held during a start, so that nothing is started after it was released.
        self._lock = threading.Lock()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._restart_dead_ones)

    def __enter__(self) -> "_Supervisor":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def supervise(self, process: DetachedProcess, start: Callable[[], object]) -> None:
        """Restart this process from now on."""
        with self._lock:
            self._starts[process.name] = (process, start)

    def release(self, process: DetachedProcess) -> None:
        """Restart this process no more."""
        with self._lock:
            self._starts.pop(process.name, None)

    def _restart_dead_ones(self) -> None:
        while not self._is_over.wait(_LOOK_EVERY_SECONDS):
            with self._lock:
                for process, start in self._starts.values():
                    if not process.is_alive():
                        _start_if_possible(start)


def _start_if_possible(start: Callable[[], object]) -> None:
    """Start a process; one that fails to start is as dead as before, and the next look finds it."""
    with suppress(PartFailedError, NotInTimeError):
        start()


class Operators:
    """Starts operators with a short Lease in place of the stack's own."""

    def __init__(self, world: World, supervisor: _Supervisor) -> None:
        self._world = world
        self._supervisor = supervisor
        self._started: list[Server] = []

    def start(self, name: str, **settings: str) -> Server:
        """Start an operator that is restarted when it ends by itself."""
        operator = self.start_once(name, **settings)
        self._supervisor.supervise(operator.process, operator.up)
        return operator

    def start_once(self, name: str, **settings: str) -> Server:
        """Start an operator whose end the test waits for."""
        operator = self._world.stack.another_operator(name, **SHORT_LEASE, **settings)
        self._started.append(operator)
        operator.up()
        return operator

    def stop(self, operator: Server) -> None:
        """Stop an operator gracefully."""
        self._supervisor.release(operator.process)
        operator.down()

    def kill_all(self) -> None:
        """Kill every operator, frozen ones too."""
        for operator in self._started:
            self._supervisor.release(operator.process)
            operator.process.kill()


@contextmanager
def operators(world: World) -> Iterator[Operators]:
    """Replace the stack's operator by those that the test starts, until the end of the block."""
    world.stack.stop("operator")
    with _Supervisor() as supervisor:
        others = Operators(world, supervisor)
        try:
            yield others
        finally:
            others.kill_all()
            world.stack.start("operator")


@contextmanager
def stack_operator_restarted(world: World) -> Iterator[None]:
    """Restart the stack's operator whenever it ends in the block.

    It ends when it has lost its Lease or its watch is refused, which can be seconds after the API server was restarted.
    """
    with _Supervisor() as supervisor:
        supervisor.supervise(world.stack.paths.process("operator"), lambda: world.stack.start("operator"))
        yield


@contextmanager
def operator_behind_a_proxy(world: World, directory: Path, **settings: str) -> Iterator[tuple[Proxy, Server]]:
    """Replace the stack's operator by one that reaches the API server through a proxy, with the same account.

    The name of ``directory`` becomes the operator's, so that each test has its own log.
    """
    with (
        proxy_before_cluster(world.stack.paths.root / "kubeconfig.operator", directory) as (proxy, kubeconfig),
        operators(world) as others,
    ):
        operator = others.start(directory.name, KUBECONFIG=str(kubeconfig), **settings)
        eventually(lambda: proxy.requests_to("GET", "/videouploads?"))
        yield proxy, operator


def leader(world: World) -> str:
    """Return the identity of the Lease's holder."""
    lease = world.stack.cluster.kubectl("get", "lease", "video-uploads-operator", "--output=json")
    return str(json.loads(lease)["spec"].get("holderIdentity") or "")
