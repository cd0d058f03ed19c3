"""Operators beside the stack's own, with a short Lease: who leads, and when."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devstack.server import Server
from tests.e2e.uploads.world import World
from tests.support.eventually import eventually
from tests.support.proxies.proxy import Proxy, proxy_before_cluster

# A hand-over in seconds instead of a quarter of a minute; the default is tried in test_handover.py.
SHORT_LEASE = {"LEASE_DURATION_SECONDS": "3", "LEASE_RENEW_DEADLINE_SECONDS": "2", "LEASE_RETRY_SECONDS": "0.5"}


@contextmanager
def operators(world: World) -> Iterator[list[Server]]:
    """Stop the stack's operator; whatever is put into the list is ended at the end, frozen ones too."""
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
    """Replace the stack's operator by one that asks the API server through a proxy, as the same account.

    ``directory``: the test's own, whose name becomes the operator's, so that its log is the test's own too.
    """
    with (
        proxy_before_cluster(world.stack.paths.root / "kubeconfig.operator", directory) as (proxy, kubeconfig),
        operators(world) as started,
    ):
        told = {"KUBECONFIG": str(kubeconfig), **SHORT_LEASE, **settings}
        operator = world.stack.another_operator(directory.name, **told)
        started.append(operator)
        operator.up()
        eventually(lambda: proxy.requests_to("GET", "/videouploads?"))
        yield proxy, operator


def leader(world: World) -> str:
    """Return the identity that holds the Lease."""
    lease = world.stack.cluster.kubectl("get", "lease", "video-uploads-operator", "--output=json")
    return str(json.loads(lease)["spec"].get("holderIdentity") or "")
