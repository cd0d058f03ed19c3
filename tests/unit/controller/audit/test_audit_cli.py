"""How the command tells people and programs what it found."""

import json

import pytest

from controller.audit.findings import Finding, FindingType, RepairResult, Report, ReportOnly, Retranscode
from controller.audit_cli import NOT_LOOKED, NOTHING_LEFT, SOMETHING_LEFT, main, tell
from tests.support.world.world import VIDEO_ID

BROKEN = Finding(FindingType.OUTPUTS_BROKEN, VIDEO_ID, "a file is missing", Retranscode())
LATE = Finding(FindingType.OVERDUE_ROW, VIDEO_ID, "it is late", ReportOnly())


def report_of(*entries: tuple[Finding, RepairResult], unchecked: tuple[str, ...] = ()) -> Report:
    report = Report()
    report.looked_at["videos"] = 2
    for finding, result in entries:
        report.add(finding, result)
    for what in unchecked:
        report.note_unchecked(what)
    return report


@pytest.mark.parametrize(
    ("report", "status"),
    [
        pytest.param(report_of(), NOTHING_LEFT, id="nothing-found"),
        pytest.param(report_of((BROKEN, RepairResult.DONE)), NOTHING_LEFT, id="all-put-right"),
        pytest.param(report_of((BROKEN, RepairResult.WOULD)), SOMETHING_LEFT, id="a-rehearsal"),
        pytest.param(
            report_of((BROKEN, RepairResult.DONE), (BROKEN, RepairResult.LEFT)), SOMETHING_LEFT, id="something-left"
        ),
        pytest.param(report_of((BROKEN, RepairResult.MOVED)), SOMETHING_LEFT, id="it-moved"),
        pytest.param(report_of(unchecked=("v: no answer",)), NOT_LOOKED, id="not-all-seen"),
        pytest.param(
            report_of((BROKEN, RepairResult.LEFT), unchecked=("v: no answer",)), NOT_LOOKED, id="found-and-not-all-seen"
        ),
    ],
)
@pytest.mark.parametrize("as_json", [True, False])
def test_the_exit_status_tells_what_is_left(report: Report, status: int, as_json: bool) -> None:
    assert tell(report, as_json=as_json) == status


def test_a_person_reads_lines(capsys: pytest.CaptureFixture[str]) -> None:
    tell(report_of((BROKEN, RepairResult.DONE), (LATE, RepairResult.LEFT), unchecked=("v: no answer",)), as_json=False)
    told = capsys.readouterr()
    assert told.out.splitlines() == [
        f"outputs_broken  {VIDEO_ID}  a file is missing  [Retranscode done]",
        f"overdue_row  {VIDEO_ID}  it is late  [left]",
        "looked at 2 videos, but not at everything; found 2, put 1 right",
    ]
    assert told.err.splitlines() == ["could not look: v: no answer"]
    tell(report_of(), as_json=False)
    assert capsys.readouterr().out.splitlines() == ["looked at 2 videos; found nothing"]


def test_who_could_not_look_says_nothing_of_what_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    tell(report_of(unchecked=("v: no answer",)), as_json=False)
    assert capsys.readouterr().out.splitlines() == ["looked at 2 videos, but not at everything"]


def test_a_program_reads_json(capsys: pytest.CaptureFixture[str]) -> None:
    tell(report_of((BROKEN, RepairResult.WOULD)), as_json=True)
    assert json.loads(capsys.readouterr().out) == {
        "looked_at": {"videos": 2},
        "found": {"outputs_broken": 1},
        "done": {},
        "findings": [
            {
                "kind": "outputs_broken",
                "subject": VIDEO_ID,
                "count": 1,
                "detail": "a file is missing",
                "remedy": "Retranscode",
                "deed": "would be done",
            }
        ],
        "unseen": [],
    }


@pytest.mark.parametrize("arguments", [["--purge-quarantine"], ["--dry-run", "--apply"], ["--force"]])
def test_a_purge_is_never_a_slip(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == NOT_LOOKED


def test_without_settings_nothing_was_looked_at(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    assert main(["--dry-run"]) == NOT_LOOKED
    assert "the audit cannot start: " in capsys.readouterr().err
