"""Telling one process from another."""

from pathlib import Path

import pytest

from devstack.process import Command, parse_stat

_STAT = (
    "{pid} ({name}) {state} 1 4242 4242 0 -1 4194560 100 0 0 0 1 2 0 0 20 0 1 0 {start} 1000 200 18446744073709551615"
)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("postgres", id="plain"),
        pytest.param("a b", id="with-a-blank"),
        pytest.param("odd) R 7 (name", id="that-imitates-the-fields"),
    ],
)
def test_state_and_start_time_are_found_behind_any_command_name(name: str) -> None:
    assert parse_stat(_STAT.format(pid=4242, name=name, state="S", start=987654)) == ("S", 987654)


_RUN = Command(["server", "--port=1"], {"KEY": "a"}, Path("/somewhere"))


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(Command(["server", "--port=2"], {"KEY": "a"}, Path("/somewhere")), id="other-argument"),
        pytest.param(Command(["server", "--port=1"], {"KEY": "b"}, Path("/somewhere")), id="other-environment"),
        pytest.param(Command(["server", "--port=1"], {"KEY": "a"}, Path("/elsewhere")), id="other-directory"),
    ],
)
def test_a_changed_command_has_another_fingerprint(other: Command) -> None:
    assert other.fingerprint() != _RUN.fingerprint()


def test_the_order_of_variables_does_not_change_the_fingerprint() -> None:
    one = Command(["server"], {"A": "1", "B": "2"}, Path("/"))
    assert one.fingerprint() == Command(["server"], {"B": "2", "A": "1"}, Path("/")).fingerprint()
