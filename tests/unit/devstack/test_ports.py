"""The choice of a part's port."""

import subprocess
import sys

import pytest

from devstack.paths import PROJECT_DIR
from devstack.ports import PREFERRED, any_free_port, choose

HOLDING = (
    "from devstack.ports import any_free_port; print(any_free_port(lambda port: port == {port}), flush=True); input()"
)


@pytest.mark.parametrize(
    ("remembered", "prefer_fixed", "taken", "port"),
    [
        pytest.param(None, True, set(), PREFERRED["api"], id="the-preferred-one-at-first"),
        pytest.param(20_500, True, set(), 20_500, id="the-remembered-one-later"),
        pytest.param(20_500, True, {20_500}, PREFERRED["api"], id="the-preferred-one-if-the-remembered-is-taken"),
        pytest.param(20_500, False, set(), 20_500, id="a-test-keeps-its-own-too"),
    ],
)
def test_a_part_gets(remembered: int | None, prefer_fixed: bool, taken: set[int], port: int) -> None:
    assert choose("api", remembered=remembered, prefer_fixed=prefer_fixed, free=lambda p: p not in taken) == port


@pytest.mark.parametrize(
    ("prefer_fixed", "taken"),
    [
        pytest.param(True, set(PREFERRED.values()), id="when-the-preferred-ones-are-taken"),
        pytest.param(False, set(), id="when-it-is-a-test"),
    ],
)
def test_any_other_port_is_not_preferred_and_below_the_ephemeral_range(prefer_fixed: bool, taken: set[int]) -> None:
    chosen = choose("api", remembered=None, prefer_fixed=prefer_fixed, free=lambda p: p not in taken)
    assert chosen not in PREFERRED.values()
    assert 20_000 <= chosen < 32_000


def test_a_port_is_chosen_once_although_nothing_listens_on_it_yet() -> None:
    assert any_free_port(lambda port: port == 31_001) == 31_001
    with pytest.raises(RuntimeError, match="no port from 20000 to 31999 is free"):
        any_free_port(lambda port: port == 31_001)


def test_a_port_that_another_process_has_chosen_is_not_free_until_that_process_ends() -> None:
    argv = [sys.executable, "-c", HOLDING.format(port=31_002)]
    with subprocess.Popen(argv, cwd=PROJECT_DIR, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "31002\n"
        with pytest.raises(RuntimeError, match="no port"):
            any_free_port(lambda port: port == 31_002)
        other.communicate("\n")
    assert any_free_port(lambda port: port == 31_002) == 31_002
