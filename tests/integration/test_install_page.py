"""docs/install.md, executed: every command, in its order, against a real API server.

There is no kubelet here, so what waits for pods is marked `sh nodes` there and left to a cluster that has them.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from devstack import apiserver, etcd
from devstack.cluster import Cluster
from devstack.place import PROJECT_DIR, Place
from devstack.ports import Ports
from devstack.server import Server
from devstack.tools import link
from tests.eventually import eventually

PAGE = PROJECT_DIR / "docs" / "install.md"
# What needs a pod that runs, and so a node.
NEEDS_NODES = re.compile(r"\b(rollout status|helm test|logs)\b")


@dataclass(frozen=True)
class Block:
    """A block of commands, by the heading it stands under."""

    heading: str
    needs_nodes: bool
    commands: str


def blocks() -> list[Block]:
    found, heading = [], ""
    for part in re.finditer(
        r"(?ms)^## (?P<heading>[^\n]+)$|^```(?P<kind>[^\n]*)\n(?P<commands>.*?)^```$", PAGE.read_text()
    ):
        heading = part["heading"] or heading
        if part["commands"]:
            assert part["kind"] in ("sh", "sh nodes")
            found.append(Block(heading, part["kind"] == "sh nodes", part["commands"]))
    return found


@pytest.fixture
def own_cluster(tmp_path: Path) -> Iterator[Cluster]:
    """An API server of this test's own: the page removes the kind from it."""
    place = Place(tmp_path / "cluster")
    ports = Ports(place.root / "ports.json", prefer_fixed=False)
    started: list[Server] = []
    try:
        for server in (etcd.server(place, ports), apiserver.server(place, ports)):
            started.append(server)
            server.up()
        yield Cluster(apiserver.admin_kubeconfig(place), "default")
    finally:
        for server in reversed(started):
            server.down()


@pytest.fixture
def shell(own_cluster: Cluster, tmp_path: Path) -> Callable[[str], str]:
    """A shell at the root of the project, as somebody who follows the page has it."""
    root = tmp_path / "project"
    root.mkdir()
    for name in ("charts", "crds", "docs"):
        shutil.copytree(PROJECT_DIR / name, root / name, symlinks=True)
    for name in ("kubectl", "helm"):
        link(name, tmp_path / "bin")
    environment = {
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "KUBECONFIG": str(own_cluster.admin_kubeconfig),
    }
    state = tmp_path / "variables"
    state.touch()

    def run(commands: str) -> str:
        script = f"set -euo pipefail\n. {state}\n{commands}\nexport -p | grep '^declare -x ' > {state}\n"
        argv = ["bash", "-o", "allexport", "-c", script]
        done = subprocess.run(argv, cwd=root, env=environment, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, f"{commands}\n{done.stdout}{done.stderr}"
        return done.stdout

    return run


def test_only_what_waits_for_pods_is_left_out() -> None:
    page = blocks()
    assert len(page) > 10
    for block in page:
        assert block.needs_nodes == bool(NEEDS_NODES.search(block.commands)), block.commands
    assert all(NEEDS_NODES.search(line) for block in page if block.needs_nodes for line in block.commands.splitlines())


def test_whoever_follows_the_page_gets_there(own_cluster: Cluster, shell: Callable[[str], str]) -> None:
    shell("kubectl create serviceaccount default || true")  # a controller manager's work, and there is none
    seen: dict[str, str] = {}
    for block in blocks():
        if not block.needs_nodes:
            seen[block.heading] = seen.get(block.heading, "") + shell(block.commands)
        if "create namespace" in block.commands:
            shell(f"kubectl --namespace {block.commands.split()[3]} create serviceaccount default")
    assert "STATUS: deployed" in seen["Install"]
    assert "Rollback was a success" in seen["Upgrade"]
    assert "patched" in seen["Rotate credentials"]
    assert "STATUS: deployed" in seen["Try it in a cluster"]
    demo = Cluster(own_cluster.admin_kubeconfig, "demo")
    assert len(demo.kubectl("get", "statefulsets", "--output=name").split()) == 3
    eventually(lambda: "videouploads" in demo.kubectl("get", "customresourcedefinitions", "--output=name"))


def test_links_of_the_page_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", PAGE.read_text()):
        assert (PAGE.parent / target).exists(), target


def test_the_examples_of_values_are_complete() -> None:
    for file in (PAGE.parent / "examples").glob("*.yaml"):
        assert list(yaml.safe_load_all(file.read_text()))
