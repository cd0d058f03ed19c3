"""What processes use, read from a file system like /proc."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from bench.usage import cpu_seconds, family, memory_mib


def process(proc: Path, pid: int, tasks: Mapping[int, str | None]) -> None:
    """Make a process whose tasks have these children; a task with None has ended in the middle of the reading."""
    for task, children in tasks.items():
        folder = proc / str(pid) / "task" / str(task)
        folder.mkdir(parents=True)
        if children is not None:
            (folder / "children").write_text(children)


def test_a_family_holds_the_children_of_every_thread(tmp_path: Path) -> None:
    process(tmp_path, 1, {1: "2 ", 10: "3 "})
    process(tmp_path, 2, {2: ""})
    process(tmp_path, 3, {3: "4 "})
    process(tmp_path, 4, {4: ""})

    assert sorted(family(1, tmp_path)) == [1, 2, 3, 4]


def test_a_thread_that_ends_meanwhile_does_not_hide_its_process(tmp_path: Path) -> None:
    process(tmp_path, 1, {1: "2 ", 10: None})
    process(tmp_path, 2, {2: ""})

    assert family(1, tmp_path) == [1, 2]


def test_a_process_that_is_gone_has_no_family_and_uses_nothing(tmp_path: Path) -> None:
    assert family(1, tmp_path) == []
    assert cpu_seconds(1, tmp_path) == 0
    assert memory_mib(1, tmp_path) == 0


def test_cpu_time_includes_that_of_children_which_have_ended(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "stat").write_text(f"7 (a ) name) S {' '.join(['0'] * 10)} 100 50 25 25 20 0")

    assert cpu_seconds(7, tmp_path) == pytest.approx(2.0)


def test_memory_is_that_of_the_whole_family(tmp_path: Path) -> None:
    process(tmp_path, 1, {1: "2"})
    process(tmp_path, 2, {2: ""})
    for pid in (1, 2):
        (tmp_path / str(pid) / "smaps_rollup").write_text("Rss: 4096 kB\nPss: 2048 kB\nPss_Anon: 1 kB\n")

    assert memory_mib(1, tmp_path) == 4
