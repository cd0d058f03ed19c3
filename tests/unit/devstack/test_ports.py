"""The choice of a part's port."""

import pytest

from devstack.ports import PREFERRED, choose


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
