"""The identity of a process."""

from pathlib import Path

import pytest

from devstack.process import Command, Stat

_STAT = "4242 ({name}) {state} 1 4240 4240 0 -1 4194560 100 0 0 0 1 2 0 0 20 0 {threads} 0 987654 1000 200 18446744073"


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("postgres", id="plain"),
        pytest.param("a b", id="with-a-blank"),
        pytest.param("odd) R 7 (name", id="that-imitates-the-fields"),
    ],
)
def test_stat_fields_are_parsed_after_any_command_name(name: str) -> None:
    stat = Stat.parse(_STAT.format(name=name, state="S", threads=9))
    assert stat == Stat(state="S", group=4240, threads=9, start_ticks=987654)


@pytest.mark.parametrize(
    ("state", "threads", "is_dead"),
    [
        pytest.param("S", 1, False, id="asleep"),
        pytest.param("Z", 1, True, id="a-zombie"),
        pytest.param("Z", 3, False, id="a-zombie-whose-threads-still-hold-its-ports"),
    ],
)
def test_a_process_is_dead_when_all_its_threads_have_ended(state: str, threads: int, is_dead: bool) -> None:
    assert Stat.parse(_STAT.format(name="etcd", state=state, threads=threads)).is_dead is is_dead


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
