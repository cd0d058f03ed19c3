"""docs/install.md, executed: every command, in its order, against a real API server.

There is no kubelet here, so what waits for pods is marked `sh nodes` there and left to
tests/e2e/cluster/test_page.py, which walks the whole page on a node.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from devstack import apiserver, etcd
from devstack.cluster import ClusterAdmin
from devstack.paths import Paths
from devstack.ports import Ports
from devstack.server import Server
from tests.support.eventually import eventually
from tests.support.install_page import PAGE, Shell, blocks

# What needs a pod that runs, and so a node.
NEEDS_NODES = re.compile(r"\b(rollout status|helm test|logs|annotate pods)\b")


@pytest.fixture
def own_cluster(tmp_path: Path) -> Iterator[ClusterAdmin]:
    """An API server of this test's own: the page removes the kind from it."""
    paths = Paths(tmp_path / "cluster")
    ports = Ports(paths.root / "ports.json", prefer_fixed=False)
    started: list[Server] = []
    try:
        for server in (etcd.server(paths, ports), apiserver.server(paths, ports)):
            started.append(server)
            server.up()
        yield ClusterAdmin(apiserver.admin_kubeconfig(paths), "default")
    finally:
        for server in reversed(started):
            server.down()


@pytest.fixture
def shell(own_cluster: ClusterAdmin, tmp_path: Path) -> Shell:
    """A shell at the root of the project."""
    return Shell(tmp_path, own_cluster.admin_kubeconfig)


def test_only_commands_that_wait_for_pods_are_left_out() -> None:
    page = blocks()
    assert len(page) > 10
    for block in page:
        assert block.needs_nodes == bool(NEEDS_NODES.search(block.commands)), block.commands
    assert all(NEEDS_NODES.search(line) for block in page if block.needs_nodes for line in block.commands.splitlines())


def test_the_commands_of_the_page_install_a_release(own_cluster: ClusterAdmin, shell: Shell) -> None:
    shell.run("kubectl create serviceaccount default || true")  # a controller manager's work, and there is none
    seen: dict[str, str] = {}
    for block in blocks():
        if not block.needs_nodes:
            seen[block.heading] = seen.get(block.heading, "") + shell.run(block.commands)
        if "create namespace" in block.commands:
            shell.run(f"kubectl --namespace {block.commands.split()[3]} create serviceaccount default")
    assert "STATUS: deployed" in seen["Install"]
    assert "Rollback was a success" in seen["Upgrade"]
    assert "patched" in seen["Rotate credentials"]
    assert "STATUS: deployed" in seen["Try it in a cluster"]
    demo = ClusterAdmin(own_cluster.admin_kubeconfig, "demo")
    assert len(demo.kubectl("get", "statefulsets", "--output=name").split()) == 3
    eventually(lambda: "videouploads" in demo.kubectl("get", "customresourcedefinitions", "--output=name"))


def test_every_link_of_the_page_has_a_target() -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", PAGE.read_text()):
        assert (PAGE.parent / target).exists(), target


def test_the_examples_of_values_are_complete() -> None:
    for file in (PAGE.parent / "examples").glob("*.yaml"):
        assert list(yaml.safe_load_all(file.read_text()))
