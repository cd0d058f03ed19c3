"""A process with a wrong clock: only its wall clock is wrong."""

from pathlib import Path

import pytest

from devstack import skewed_clock
from devstack.process import Command

COMMAND = Command(["python", "-m", "controller"], {"PATH": "/bin"}, Path("/"))


@pytest.mark.parametrize(("ahead", "written"), [(600, "+600s"), (-600, "-600s")])
def test_the_environment_shifts_the_clock(ahead: int, written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(skewed_clock, "library", lambda: Path("/usr/lib/faketime/lib.so"))
    shifted = skewed_clock.skewed(COMMAND, ahead)
    assert shifted.argv == COMMAND.argv
    assert shifted.environment["PATH"] == "/bin"
    assert shifted.environment["FAKETIME"] == written
    assert shifted.environment["FAKETIME_DONT_FAKE_MONOTONIC"] == "1"
    assert Path(shifted.environment["PYTHONPATH"], "sitecustomize.py").is_file()


def test_without_the_library_it_says_which_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(skewed_clock, "library", lambda: None)
    with pytest.raises(FileNotFoundError, match="libfaketime"):
        skewed_clock.skewed(COMMAND, 600)
