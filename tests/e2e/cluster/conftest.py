"""A real node with the neighbours of the service on it, once for all tests: `make e2e-cluster`.

The page is walked first, on a cluster that has never heard of us (test_page.py); the release that is upgraded, used,
rotated and removed comes after it (test_release.py).
"""

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from devstack.node.layout import Layout
from devstack.node.node import Node
from devstack.paths import PROJECT_DIR
from tests.e2e.cluster import previous
from tests.e2e.cluster.helm import CURRENT, DEMO_IMAGE, PREVIOUS, REPOSITORY
from tests.e2e.cluster.inventory import everything
from tests.e2e.cluster.release import Release
from tests.e2e.cluster.upstreams import NAMESPACE, Upstreams


@dataclass(frozen=True)
class Installed:
    """The release before ours, installed by its own chart, and what there was before it."""

    release: Release
    version: str
    found_before: frozenset[str]


@pytest.fixture(scope="session")
def node() -> Iterator[Node]:
    """A node that pods run on, with both images of this tree; taken down at the end."""
    made = Node(Layout())
    # Whatever an earlier run left in it.
    made.forget()
    try:
        made.up()
        for image, target in ((f"{REPOSITORY}:{CURRENT}", "image"), (DEMO_IMAGE, "demo")):
            made.images.build(image, tree=PROJECT_DIR, arguments={"VERSION": CURRENT}, target=target)
        yield made
    finally:
        made.down()


@pytest.fixture(scope="session")
def upstreams(node: Node) -> Upstreams:
    """Postgres, an S3 server and the stand-in for Coconut, in pods."""
    made = Upstreams(node)
    made.install()
    return made


@pytest.fixture(scope="session")
def installed(node: Node, upstreams: Upstreams, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """The previous release: its image, built by its own Dockerfile, and its chart, in an empty namespace."""
    directory = tmp_path_factory.mktemp("release")
    release = Release(node, upstreams, directory)
    with previous.laid_out(directory / "tree") as (found, tree):
        node.images.build(f"{REPOSITORY}:{PREVIOUS}", tree=tree, arguments={"VERSION": found.version}, target="image")
        release.prepare()
        before = frozenset(everything(node, release.namespace))
        release.install(tree, tag=PREVIOUS)
    yield Installed(release, found.version, before)
    release.delete_namespace()


@pytest.fixture(scope="session")
def release(installed: Installed) -> Release:
    """The release, of this tree once the first test of it has upgraded it."""
    return installed.release


@pytest.fixture
def names(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process find the neighbours' Services by name, as pods do: signed URLs hold their names."""
    ask = socket.getaddrinfo
    asked = "jsonpath={range .items[*]}{.metadata.name} {.spec.clusterIP}{'\\n'}{end}"
    told = node.servers.kubectl("get", "services", f"--namespace={NAMESPACE}", f"--output={asked}")
    known = {f"{name}.{NAMESPACE}": address for name, address in (line.split() for line in told.splitlines())}

    def found(host: str, *arguments: object, **options: object) -> object:
        return ask(known.get(host, host), *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", found)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A directory for what clients have to remember."""
    return tmp_path / "uploads"
