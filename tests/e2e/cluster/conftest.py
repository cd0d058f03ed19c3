"""A real node with the upstreams of the service on it, shared by all tests: `make e2e-cluster` [CLUSTER=kind].

test_page.py runs first, on a cluster without anything of ours; test_release.py then upgrades, uses, rotates and removes
a release.
"""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack import kind
from devstack.node.kind import KindNode
from devstack.node.layout import Layout
from devstack.node.node import Node, check_machine
from devstack.paths import DEFAULT_STATE_DIR, PROJECT_DIR
from devstack.server import PartFailedError
from tests.e2e.cluster.helm import CURRENT, DEMO_IMAGE, PREVIOUS, REPOSITORY, AnyNode
from tests.e2e.cluster.inventory import everything
from tests.e2e.cluster.release import HelmRelease, Installed
from tests.e2e.cluster.upstreams import NAMESPACE, Upstreams
from tests.support import previous_release


def _node() -> AnyNode:
    """Return the kind of node that CLUSTER names. Where it cannot run, the whole run ends with one line."""
    is_kind = os.environ.get("CLUSTER") == "kind"
    try:
        (kind.check_docker if is_kind else check_machine)()
    except PartFailedError as error:
        pytest.exit(str(error), returncode=1)
    return KindNode(DEFAULT_STATE_DIR) if is_kind else Node(Layout())


@pytest.fixture(scope="session")
def node() -> Iterator[AnyNode]:
    """A node with both images of this tree; stopped at the end."""
    made = _node()
    # An earlier run may have left data.
    made.forget()
    try:
        made.up()
        for image, target in ((f"{REPOSITORY}:{CURRENT}", "image"), (DEMO_IMAGE, "demo")):
            made.images.build(image, tree=PROJECT_DIR, arguments={"VERSION": CURRENT}, target=target)
        yield made
    finally:
        made.down()


@pytest.fixture(scope="session")
def upstreams(node: AnyNode) -> Upstreams:
    """Postgres, an S3 server and the stand-in for Coconut, in pods."""
    made = Upstreams(node)
    made.install()
    return made


@pytest.fixture(scope="session")
def installed(node: AnyNode, upstreams: Upstreams, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """The previous release in an empty namespace: its own chart, and an image built by its own Dockerfile."""
    directory = tmp_path_factory.mktemp("release")
    release = HelmRelease(node, upstreams, directory)
    with previous_release.laid_out(directory / "tree") as (found, tree):
        node.images.build(f"{REPOSITORY}:{PREVIOUS}", tree=tree, arguments={"VERSION": found.version}, target="image")
        release.prepare()
        before = frozenset(everything(node, release.namespace))
        release.install(tree, tag=PREVIOUS)
    yield Installed(release, found.version, before)
    release.delete_namespace()


@pytest.fixture(scope="session")
def release(installed: Installed) -> HelmRelease:
    """The release. The first test upgrades it to this tree."""
    return installed.release


@pytest.fixture
def names(node: AnyNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process resolve the upstreams' Services, as pods do: signed URLs contain their names."""
    resolve = socket.getaddrinfo
    columns = "jsonpath={range .items[*]}{.metadata.name} {.spec.clusterIP}{'\\n'}{end}"
    listed = node.servers.kubectl("get", "services", f"--namespace={NAMESPACE}", f"--output={columns}")
    addresses = {f"{name}.{NAMESPACE}": address for name, address in (line.split() for line in listed.splitlines())}

    def getaddrinfo(host: str, *arguments: object, **options: object) -> object:
        return resolve(addresses.get(host, host), *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A directory for the state of clients."""
    return tmp_path / "uploads"
