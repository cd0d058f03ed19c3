"""Set-up runs once until its dependencies change."""

from pathlib import Path

import pytest

from devstack.step import Step, fingerprint


def test_a_step_runs_again_only_when_a_dependency_changed(tmp_path: Path) -> None:
    runs: list[str] = []
    depends_on = ["one"]
    step = Step("schema", lambda: runs.append(depends_on[0]), lambda: depends_on[0], tmp_path / "mark")

    assert [step.up(), step.up()] == ["done", "unchanged"]
    depends_on[0] = "two"
    assert [step.up(), step.up()] == ["done", "unchanged"]
    assert runs == ["one", "two"]


def test_a_failed_step_runs_again(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    mark.write_text("before")

    def fail() -> None:
        raise ValueError("no answer")

    step = Step("schema", fail, lambda: "now", mark)
    for _ in range(2):
        with pytest.raises(ValueError, match="no answer"):
            step.up()
    assert not mark.exists()


def test_a_fingerprint_follows_the_content_of_files(tmp_path: Path) -> None:
    file = tmp_path / "chart.yaml"
    file.write_text("one")
    before = fingerprint(files=[file])
    assert fingerprint(files=[file]) == before
    file.write_text("two")
    assert fingerprint(files=[file]) != before
