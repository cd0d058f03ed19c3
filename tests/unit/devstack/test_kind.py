"""CLUSTER=kind: when a cluster is made and removed, and what is said without Docker."""

import subprocess
from pathlib import Path

import pytest

from devstack import kind
from devstack.paths import Paths
from devstack.server import PartFailedError


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "state")


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands of kind that were given, instead of being run; creating makes the kubeconfig, as kind does."""
    given: list[list[str]] = []

    def run(*arguments: str) -> str:
        given.append([*arguments])
        if arguments[0] == "create":
            (file,) = [word.partition("=")[2] for word in arguments if word.startswith("--kubeconfig=")]
            Path(file).touch()
        return ""

    monkeypatch.setattr(kind, "run", run)
    return given


def make(paths: Paths) -> dict[str, str]:
    return dict(kind.environment_with({"CLUSTER": "kind", "HOME": "/"}, paths, lambda _line: None))


@pytest.mark.parametrize("cluster", ["", "local", "existing"])
def test_other_clusters_are_left_alone(paths: Paths, ran: list[list[str]], cluster: str) -> None:
    environment = {"CLUSTER": cluster, "KUBECONFIG": "mine"}
    assert kind.environment_with(environment, paths, lambda _line: None) == environment
    assert ran == []


def test_a_cluster_is_made_once_and_used_as_an_existing_one(paths: Paths, ran: list[list[str]]) -> None:
    expected = {"CLUSTER": "existing", "KUBECONFIG": str(paths.root / "kind.kubeconfig"), "HOME": "/"}
    assert make(paths) == make(paths) == expected
    assert [command[:2] for command in ran] == [["create", "cluster"]]


def test_the_cluster_is_deleted_with_its_kubeconfig(paths: Paths, ran: list[list[str]]) -> None:
    kind.remove(paths)
    assert ran == []
    make(paths)
    kind.remove(paths)
    assert ran[-1] == kind.delete(kind.name_of(paths), kind.kubeconfig_of(paths))
    assert not kind.kubeconfig_of(paths).exists()


def test_stacks_have_clusters_of_their_own_with_lasting_names(tmp_path: Path) -> None:
    one, other = Paths(tmp_path / "one"), Paths(tmp_path / "other")
    assert kind.name_of(one) == kind.name_of(Paths(tmp_path / "one")) != kind.name_of(other)


def test_without_docker_one_sentence_says_what_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PartFailedError) as raised:
        kind.check_docker()
    assert str(raised.value) == (
        "kind needs Docker, and `docker` is missing: apt-get install docker.io; CLUSTER=local needs neither"
    )


def test_a_docker_without_a_daemon_is_quoted_in_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\necho >&2\necho Cannot connect to the Docker daemon. >&2\nexit 1\n")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(PartFailedError, match=r"^kind needs a running Docker, .* says: Cannot connect to the [^\n]*$"):
        kind.check_docker()


def test_a_docker_that_answers_is_enough(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\necho 29.0.0\n")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert subprocess.run(["docker"], check=True, capture_output=True).stdout
    kind.check_docker()
