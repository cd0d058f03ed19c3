"""The etcd of the local API server."""

from devstack.http_probe import is_serving
from devstack.paths import Paths
from devstack.ports import HOST, Ports
from devstack.process import Command
from devstack.server import Server
from devstack.tools import tool

NAME = "etcd"


def client_url(ports: Ports) -> str:
    """Return the URL for its client, the API server."""
    return f"http://{HOST}:{ports.of(NAME)}"


def server(paths: Paths, ports: Ports) -> Server:
    """Return the etcd of one stack."""
    client, peer = client_url(ports), f"http://{HOST}:{ports.of('etcd-peer')}"
    argv = [
        str(tool("etcd")),
        "--name=local",
        f"--data-dir={paths.data(NAME)}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=local={peer}",
        "--log-level=warn",
    ]
    return Server(
        process=paths.process(NAME),
        command=Command(argv, {}, paths.root),
        is_ready=lambda: is_serving(f"{client}/health"),
        address=f"{HOST}:{ports.of(NAME)}",
    )
