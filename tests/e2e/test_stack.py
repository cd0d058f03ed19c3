"""A stack is started, loses parts, is started again and stopped."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from devstack.paths import Paths
from devstack.plan import PORTS
from devstack.ports import Ports, is_free
from devstack.stack import Stack, UnknownPartError
from tests.e2e.options import OPTIONS


@pytest.fixture(scope="module")
def said() -> list[str]:
    return []


@pytest.fixture(scope="module")
def own_stack(tmp_path_factory: pytest.TempPathFactory, said: list[str]) -> Iterator[Stack]:
    stack = Stack(Paths(tmp_path_factory.mktemp("own-stack")), say=said.append)
    stack.up(OPTIONS)
    yield stack
    stack.down()


def test_a_new_stack_serves_and_describes_itself(own_stack: Stack) -> None:
    described = own_stack.description
    assert set(described.pids) == set(PORTS)
    assert requests.get(f"{described.api_url}/readyz", timeout=5).ok
    assert "videouploads" in own_stack.cluster.kubectl("get", "customresourcedefinitions", "--output=name")
    assert (own_stack.paths.root / "stack.json").stat().st_mode & 0o077 == 0


def test_a_second_up_starts_nothing(own_stack: Stack, said: list[str]) -> None:
    before = own_stack.description.pids
    said.clear()
    own_stack.up(OPTIONS)
    assert own_stack.description.pids == before
    assert {line.split()[1] for line in said} == {"running", "unchanged"}


@pytest.mark.parametrize("name", sorted(PORTS))
def test_up_restarts_a_part_that_died_where_it_was(own_stack: Stack, name: str) -> None:
    before = own_stack.description.pids
    ports = (own_stack.paths.root / "ports.json").read_text()

    own_stack.kill(name)
    assert name not in own_stack.description.pids
    own_stack.up(OPTIONS)

    after = own_stack.description.pids
    assert after.keys() == before.keys()
    assert {part for part in after if after[part] != before[part]} == {name}
    assert (own_stack.paths.root / "ports.json").read_text() == ports


def test_a_restarted_part_has_a_new_process(own_stack: Stack) -> None:
    before = own_stack.description.pids
    own_stack.restart("operator")
    assert own_stack.description.pids["operator"] != before["operator"]


def test_an_unknown_part_is_refused_by_name(own_stack: Stack) -> None:
    with pytest.raises(UnknownPartError, match="'nobody'"):
        own_stack.kill("nobody")


def test_down_leaves_no_process_and_no_port_and_up_finds_the_data(own_stack: Stack) -> None:
    described = own_stack.description
    own_stack.cluster.kubectl("create", "configmap", "kept")

    own_stack.down()

    assert not [pid for pid in described.pids.values() if Path(f"/proc/{pid}").exists()]
    remembered = Ports(own_stack.paths.root / "ports.json", prefer_fixed=False)
    assert all(is_free(remembered.of(port)) for ports in PORTS.values() for port in ports)
    own_stack.up(OPTIONS)
    assert "kept" in own_stack.cluster.kubectl("get", "configmap", "--output=name")
