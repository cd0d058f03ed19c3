"""What the checker finds in a run's directory."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from chaos import journal
from chaos.journal import Journal


def lines(directory: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (directory / name).read_text().splitlines()]


def test_every_file_is_there_before_anything_happened(tmp_path: Path) -> None:
    Journal(tmp_path / "run")
    for name in (journal.ANSWERS, journal.FAULTS, journal.CLIENTS, journal.NOTIFICATIONS):
        assert lines(tmp_path / "run", name) == []


def test_a_call_without_an_answer_has_no_status(tmp_path: Path) -> None:
    notes = Journal(tmp_path)
    notes.answer("client-1", "GET", "/videos/a", 503, "temporarily_unavailable")
    notes.answer("client-1", "GET", "/videos/a", None, "ConnectionError")
    assert [line["status"] for line in lines(tmp_path, journal.ANSWERS)] == [503, None]


def test_an_upload_is_named_by_its_id_and_an_import_by_its_name(tmp_path: Path) -> None:
    notes = Journal(tmp_path)
    notes.did("client-1", "created", video_id="a")
    notes.did("client-2", "imported", name="import-2")
    uploaded, imported = lines(tmp_path, journal.CLIENTS)
    assert (uploaded["video_id"], uploaded["did"]) == ("a", "created")
    assert (imported["name"], "video_id" in imported) == ("import-2", False)


def test_a_fault_that_fails_is_written_too_with_its_time(tmp_path: Path) -> None:
    notes = Journal(tmp_path)
    with suppress(OSError), notes.fault("restore_dump", "postgres") as line:
        line["dump_at"] = 1.5
        raise OSError
    (written,) = lines(tmp_path, journal.FAULTS)
    assert (written["kind"], written["target"], written["dump_at"]) == ("restore_dump", "postgres", 1.5)
    assert written["at"] <= written["until"]
