"""A real node with the demo of docs/install.md on it, once for all tests: `make e2e-cluster`."""

import socket
from collections.abc import Iterator

import pytest

from devstack.node.layout import Layout
from devstack.node.node import Node
from devstack.place import PROJECT_DIR
from tests.cluster.release import DEMO_IMAGE, IMAGE, VERSION, Release


@pytest.fixture(scope="session")
def node() -> Iterator[Node]:
    """A node that pods run on, with both images; taken down at the end."""
    made = Node(Layout())
    try:
        made.up()
        for image, target in ((IMAGE, "image"), (DEMO_IMAGE, "demo")):
            made.images.build(f"{image}:{VERSION}", tree=PROJECT_DIR, arguments={"VERSION": VERSION}, target=target)
        yield made
    finally:
        made.down()


@pytest.fixture(scope="session")
def release(node: Node) -> Iterator[Release]:
    """The demo, installed by helm into an empty namespace and waited for."""
    made = Release(node)
    made.install()
    yield made
    made.forget()


@pytest.fixture
def names(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process find Services by name, as pods do: signed URLs hold their names."""
    ask = socket.getaddrinfo
    known = release.service_addresses()

    def found(host: str, *arguments: object, **options: object) -> object:
        return ask(known.get(host, host), *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", found)
