"""Slopes are reported for what grows, and only for that; samples are read from /proc."""

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from chaos.slopes import MEASURES, Sample, sample, slopes, table

HOUR = 3600.0
MIB = 1024**2
SECONDS = range(0, 3600, 5)


def a_sample(at: float, process: str = "operator", **values: Any) -> Sample:
    return Sample(at, process, **{"rss": 100 * MIB, "threads": 20, "sockets": 30, "fds": 60} | values)


def growing(*, by: float, measure: str, usual: int) -> list[Sample]:
    """Return an hour of samples in which one measure grows."""
    series: list[dict[str, Any]] = [{measure: round(usual + by * at / HOUR)} for at in SECONDS]
    return [a_sample(at, **values) for at, values in zip(SECONDS, series, strict=True)]


def test_what_stays_the_same_is_flat() -> None:
    found = slopes(a_sample(at, process) for process in ("api", "operator") for at in SECONDS)

    assert [(one.process, one.measure) for one in found] == [
        (process, measure) for process in ("api", "operator") for measure in MEASURES
    ]
    assert {one.per_hour for one in found} == {0.0}
    assert all(one.is_flat for one in found)
    assert found[0].hours == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(
    ("measure", "usual", "by"),
    [("rss", 100 * MIB, 20 * MIB), ("threads", 20, 10), ("sockets", 30, 40), ("fds", 60, 60)],
)
def test_a_leak_is_not_flat(measure: str, usual: int, by: float) -> None:
    found = {one.measure: one for one in slopes(growing(by=by, measure=measure, usual=usual))}

    assert found[measure].per_hour == pytest.approx(by, rel=0.1)
    assert [one for one in found if not found[one].is_flat] == [measure]


def test_what_falls_is_flat() -> None:
    assert all(one.is_flat for one in slopes(growing(by=-30 * MIB, measure="rss", usual=100 * MIB)))


def test_an_hour_is_extrapolated_from_less() -> None:
    half = [one for one in growing(by=20 * MIB, measure="rss", usual=100 * MIB) if one.at <= HOUR / 2]

    assert slopes(half)[0].per_hour == pytest.approx(20 * MIB, rel=0.1)


@pytest.mark.parametrize(("seconds", "is_flat"), [(300, True), (HOUR, False)])
def test_a_short_run_is_judged_by_what_it_saw_grow(seconds: float, is_flat: bool) -> None:
    """Three MiB are chance in five minutes, and 36 in an hour are not."""
    samples = [one for one in growing(by=36 * MIB, measure="rss", usual=100 * MIB) if one.at <= seconds]

    assert slopes(samples)[0].is_flat is is_flat


def test_the_moments_after_a_start_are_no_slope() -> None:
    """A process that is killed every half minute is small for a moment each time."""
    samples = [a_sample(at, rss=30 * MIB if at % 30 == 0 else 100 * MIB) for at in SECONDS]

    assert slopes(samples)[0].per_hour == 0


def test_a_leak_shows_in_spite_of_restarts() -> None:
    samples = [a_sample(at, rss=30 * MIB if at % 30 == 0 else round((100 + at / 100) * MIB)) for at in SECONDS]

    assert not slopes(samples)[0].is_flat


def test_warming_up_is_left_out() -> None:
    samples = [a_sample(at, rss=min(100, 40 + at // 10) * MIB) for at in SECONDS if at <= 1200]

    assert not slopes(samples)[0].is_flat
    assert slopes(samples, warm_up_seconds=600)[0].is_flat


@pytest.mark.parametrize("samples", [[a_sample(1)], [a_sample(1), a_sample(1)]], ids=["one", "one-moment"])
def test_one_moment_is_no_slope(samples: list[Sample]) -> None:
    with pytest.raises(ValueError, match="operator was looked at"):
        slopes(samples)


def test_the_table_marks_what_is_not_flat() -> None:
    lines = table(slopes(growing(by=40, measure="sockets", usual=30))).splitlines()

    assert lines[0] == "| process | measure | usual | growth an hour | allowed | flat |"
    assert [line.split("|")[2].strip() for line in lines if "**no**" in line] == ["sockets"]


def a_process(proc: Path, pid: int, *, parent: int = 1, sockets: int = 1, is_zombie: bool = False) -> None:
    folder = proc / str(pid)
    (folder / "fd").mkdir(parents=True)
    (folder / "stat").write_text(f"{pid} (a (b) c) S {parent} 1 1")
    (folder / "status").write_text("Name:\tx\nThreads:\t3\n" + ("" if is_zombie else "VmRSS:\t  2048 kB\n"))
    targets = ["/dev/null", *(f"socket:[{number}]" for number in range(sockets))]
    for number, target in enumerate(targets):
        (folder / "fd" / str(number)).symlink_to(target)


def test_a_process_counts_with_its_children(tmp_path: Path) -> None:
    a_process(tmp_path, 10)
    a_process(tmp_path, 11, parent=10, sockets=2)
    a_process(tmp_path, 12, parent=11, is_zombie=True)
    a_process(tmp_path, 13)
    (tmp_path / "sys").mkdir()

    assert sample(5.0, "api", 10, proc=tmp_path) == Sample(5.0, "api", 4 * MIB, 6, 3, 5)


def test_a_process_that_has_ended_has_no_sample(tmp_path: Path) -> None:
    a_process(tmp_path, 10, is_zombie=True)

    assert sample(5.0, "api", 10, proc=tmp_path) is None
    assert sample(5.0, "api", 99, proc=tmp_path) is None


def test_this_process_is_read() -> None:
    with socket.socket():
        read = sample(0.0, "tests", os.getpid())

    assert read is not None
    assert read.rss > MIB
    assert min(read.threads, read.sockets) >= 1
    assert read.fds > read.sockets
