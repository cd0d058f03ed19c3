"""Runs a process with a wrong clock, by libfaketime (Debian's package `libfaketime`). The machine's stays as it is.

Only the wall clock of that process and its children is shifted. Their monotonic clock stays real: `DONT_FAKE_MONOTONIC`
is the name of that setting before libfaketime 0.9.9.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from devstack.process import Command

PACKAGE = "libfaketime"
_LIBRARIES = ("/usr/lib", "*/faketime/libfaketimeMT.so.1")


def library() -> Path | None:
    """Return the library for programs with threads; None if it is not installed."""
    folder, pattern = _LIBRARIES
    return next(iter(sorted(Path(folder).glob(pattern))), None)


def skewed(command: Command, ahead_seconds: int) -> Command:
    """Return a command of Python with a clock ahead by so much. Raises FileNotFoundError without the library."""
    found = library()
    if found is None:
        raise FileNotFoundError(f"no library of the package {PACKAGE}")
    return replace(command, environment={**command.environment, **_environment(found, ahead_seconds)})


def _environment(found: Path, ahead_seconds: int) -> Mapping[str, str]:
    return {
        "LD_PRELOAD": str(found),
        "FAKETIME": f"{ahead_seconds:+d}s",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
        # gunicorn writes the monotonic time into a file's modification time, and reads it from there.
        "NO_FAKE_STAT": "1",
        # Python runs sitecustomize.py at its start.
        "PYTHONPATH": str(Path(__file__).parent / "at_start"),
    }
