"""Operators beside the stack's own, with a short Lease."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devstack.server import Server
from tests.e2e.uploads.world import World
from tests.support.eventually import eventually
from tests.support.proxies.proxy import Proxy, proxy_before_cluster

# A hand-over takes seconds instead of a quarter of a minute; test_handover.py tests the default.
SHORT_LEASE = {"LEASE_DURATION_SECONDS": "3", "LEASE_RENEW_DEADLINE_SECONDS": "2", "LEASE_RETRY_SECONDS": "0.5"}


@contextmanager
def operators(world: World) -> Iterator[list[Server]]:
    """Stop the stack's operator, and yield a list whose operators are killed at the end, frozen ones too."""
    started: list[Server] = []
    world.stack.stop("operator")
    try:
        yield started
    finally:
        for operator in started:
            operator.process.kill()
        world.stack.start("operator")


@contextmanager
def operator_behind_a_proxy(world: World, directory: Path, **settings: str) -> Iterator[tuple[Proxy, Server]]:
    """Replace the stack's operator by one that reaches the API server through a proxy, with the same account.

    The name of ``directory`` becomes the operator's, so that each test has its own log.
    """
    with (
        proxy_before_cluster(world.stack.paths.root / "kubeconfig.operator", directory) as (proxy, kubeconfig),
        operators(world) as started,
    ):
        environment = {"KUBECONFIG": str(kubeconfig), **SHORT_LEASE, **settings}
        operator = world.stack.another_operator(directory.name, **environment)
        started.append(operator)
        operator.up()
        eventually(lambda: proxy.requests_to("GET", "/videouploads?"))
        yield proxy, operator


def leader(world: World) -> str:
    """Return the identity of the Lease's holder."""
    lease = world.stack.cluster.kubectl("get", "lease", "video-uploads-operator", "--output=json")
    return str(json.loads(lease)["spec"].get("holderIdentity") or "")
