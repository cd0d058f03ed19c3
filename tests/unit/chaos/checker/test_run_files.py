"""The files of a run directory are read as they are written."""

import json
from pathlib import Path
from typing import Any

import pytest

from chaos.checker.reading.cluster import resource_of
from chaos.checker.reading.ledger import job_of
from chaos.checker.reading.run_files import RUN_FILE, RunFiles
from chaos.checker.world import Action, Answer, FiredFault, LedgerEntry, Receipt

RUN: dict[str, Any] = {
    "seed": 3,
    "n": 40,
    "started_at": 1.5,
    "ended_at": 99,
    "scale": 0.01,
    "bound_seconds": 120,
    "log_files": {"operator": "logs/operator.log"},
    "receiver_file": "notifications.jsonl",
    "answers_file": "answers.jsonl",
    "faults_file": "faults.jsonl",
    "clients_file": "clients.jsonl",
    "secrets": ["a secret"],
    "wanted_faults": ["kill"],
    "killable": ["operator"],
}


def files(directory: Path, run: dict[str, Any] | None = None, **lines: list[dict[str, Any]]) -> RunFiles:
    """Write a run directory and read it."""
    (directory / RUN_FILE).write_text(json.dumps(run or RUN))
    for name, written in lines.items():
        (directory / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in written))
    return RunFiles.of(directory)


def test_the_conditions_of_a_run(tmp_path: Path) -> None:
    run = files(tmp_path).run()

    assert (run.seed, run.n, run.bound_seconds, run.max_submissions) == (3, 40, 120.0, 3)
    assert (run.secrets, run.wanted_faults, run.killable) == (("a secret",), ("kill",), ("operator",))


@pytest.mark.parametrize("name", ["seed", "bound_seconds", "secrets", "wanted_faults", "killable"])
def test_a_condition_that_is_missing_is_no_empty_one(tmp_path: Path, name: str) -> None:
    with pytest.raises(KeyError, match=name):
        files(tmp_path, {key: value for key, value in RUN.items() if key != name}).run()


def test_what_clients_faults_and_the_receiver_wrote(tmp_path: Path) -> None:
    read = files(
        tmp_path,
        answers=[
            {"at": 1, "client": "c", "method": "GET", "path": "/videos/v1", "status": 200, "code": ""},
            {"at": 2, "client": "c", "method": "GET", "path": "/videos", "status": 0, "code": "ReadTimeout"},
        ],
        faults=[
            {"at": 1, "until": 2, "kind": "kill", "target": "api"},
            {"at": 3, "until": 9, "kind": "restore_dump", "target": "postgres", "dump_at": 2.5},
        ],
        clients=[
            {"at": 1, "client": "c", "video_id": "v1", "did": "created"},
            {"at": 1, "client": "d", "name": "film", "did": "imported"},
            {"at": 1, "client": "e", "video_id": "", "did": "left"},
        ],
        notifications=[{"at": 5, "id": "n1", "video_id": "v1", "type": "video.ready", "edition": 1}],
    )

    assert read.answers() == [
        Answer(1, "c", "GET", "/videos/v1", 200, None),
        Answer(2, "c", "GET", "/videos", None, "ReadTimeout"),
    ]
    assert [answer.video_id for answer in read.answers()] == ["v1", None]
    assert read.faults() == [FiredFault(1, 2, "kill", "api"), FiredFault(3, 9, "restore_dump", "postgres", 2.5)]
    assert read.actions() == [Action(1, "c", "v1", "created"), Action(1, "d", "film", "imported", is_import=True)]
    assert read.receipts() == [Receipt(5, "n1", "v1", "video.ready", 1)]


@pytest.mark.parametrize("named", [{"operator": "logs/operator.log"}, ["logs/operator.log"]], ids=["by-name", "a-list"])
def test_logs_are_read_again_each_time(tmp_path: Path, named: object) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "operator.log").write_text("one\ntwo\n")

    logs = files(tmp_path, RUN | {"log_files": named}).logs()

    assert [list(logs["operator.log"]) for _ in range(2)] == [["one\n", "two\n"]] * 2


def test_an_entry_of_the_ledger() -> None:
    entry = {"job_id": "j", "video": "v1", "attempt": 2, "accepted_at": "1970-01-01T00:01:00+00:00", "status": "ok"}

    assert job_of(entry) == LedgerEntry("j", "v1", 2, 60.0, "ok")
    assert job_of(entry | {"attempt": "two", "video": None}) == LedgerEntry("j", "", None, 60.0, "ok")


def test_a_resource_without_a_status_and_a_label_is_an_import_before_its_first_pass() -> None:
    resource = resource_of(
        {"metadata": {"name": "film", "resourceVersion": "7"}, "spec": {"source": {"storageKey": "imports/t/film.mp4"}}}
    )

    assert (resource.origin, resource.phase, resource.status_revision) == ("kubernetes", "pending", 0)
