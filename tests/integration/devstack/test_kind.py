"""The command lines for kind and Docker, given to their own parsers; neither runs where there is no Docker."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from devstack import kind
from devstack.node import kind as kind_node
from devstack.paths import PROJECT_DIR
from devstack.tools import tool

FILE = Path("kind.kubeconfig")
OF_KIND = {
    "create": kind.create("films", FILE),
    "load": kind.load("films", ["localhost/video-uploads:dev", "localhost/video-uploads-demo:dev"]),
    "delete": kind.delete("films", FILE),
}
# Without `docker tag`, which counts `--help` as one of its two names.
OF_DOCKER = {
    "build": kind_node.docker_build("a:dev", tree=PROJECT_DIR, arguments={"VERSION": "dev"}, target="image"),
    "inspect": kind_node.docker_address("films-control-plane"),
    "version": ["docker", "version", "--format={{.Server.Version}}"],
}


def parsed(argv: list[str]) -> subprocess.CompletedProcess[str]:
    """Let a program parse its arguments and show its help instead of doing anything."""
    return subprocess.run([*argv, "--help"], capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("argv", OF_KIND.values(), ids=OF_KIND)
def test_the_pinned_kind_knows_every_argument(argv: list[str]) -> None:
    done = parsed([str(tool("kind")), *argv])
    assert done.returncode == 0, done.stderr
    assert f"Usage:\n  kind {argv[0]} {argv[1]}" in done.stdout


@pytest.mark.parametrize("argv", OF_KIND.values(), ids=OF_KIND)
def test_the_pinned_kind_refuses_an_argument_that_it_does_not_know(argv: list[str]) -> None:
    done = parsed([str(tool("kind")), *argv, "--kubeconf=a"])
    assert done.returncode != 0
    assert "unknown flag: --kubeconf" in done.stderr


# Nothing else needs Docker, and a skipped test fails CI: without it there is no such test.
if shutil.which("docker") is not None:

    @pytest.mark.parametrize("argv", OF_DOCKER.values(), ids=OF_DOCKER)
    def test_docker_knows_every_argument(argv: list[str]) -> None:
        done = parsed(argv)
        assert done.returncode == 0, done.stderr
        assert f"docker {argv[1]}" in done.stdout


@pytest.mark.parametrize(
    ("cluster", "said"),
    [
        pytest.param("kind", "kind needs Docker, and `docker` is missing: apt-get install docker.io", id="docker"),
        pytest.param(
            "local",
            "missing for a node: apt-get install --no-install-recommends containerd runc"
            if os.geteuid() == 0
            else "a node needs root",
            id="packages-of-a-node",
        ),
    ],
)
def test_what_the_tests_on_a_node_need_is_said_in_one_line(tmp_path: Path, cluster: str, said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "tests/e2e/cluster", "-p", "no:cacheprovider"],
        cwd=PROJECT_DIR,
        env={**os.environ, "CLUSTER": cluster, "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    printed = done.stdout + done.stderr
    assert done.returncode == 1, printed
    assert sum(said in line for line in printed.splitlines()) == 1
    assert "Traceback" not in printed
    assert "Error" not in printed
