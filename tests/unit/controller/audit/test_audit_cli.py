"""The output and exit status of the audit command."""

import json

import pytest

from controller.audit.findings import Finding, FindingType, RepairResult, Report, ReportOnly, RequestEdition
from controller.audit_cli import CLEAN, DIFFERENCES_LEFT, INCOMPLETE, main, print_report
from tests.support.world.world import VIDEO_ID

BROKEN = Finding(FindingType.OUTPUTS_BROKEN, VIDEO_ID, "a file is missing", RequestEdition())
LATE = Finding(FindingType.OVERDUE_ROW, VIDEO_ID, "it is late", ReportOnly())


def report_of(*entries: tuple[Finding, RepairResult], unchecked: tuple[str, ...] = ()) -> Report:
    report = Report()
    report.checked["videos"] = 2
    for finding, result in entries:
        report.add(finding, result)
    for what in unchecked:
        report.add_unchecked(what)
    return report


@pytest.mark.parametrize(
    ("report", "status"),
    [
        pytest.param(report_of(), CLEAN, id="nothing-found"),
        pytest.param(report_of((BROKEN, RepairResult.APPLIED)), CLEAN, id="all-repaired"),
        pytest.param(report_of((BROKEN, RepairResult.PLANNED)), DIFFERENCES_LEFT, id="a-dry-run"),
        pytest.param(
            report_of((BROKEN, RepairResult.APPLIED), (BROKEN, RepairResult.REPORT_ONLY)),
            DIFFERENCES_LEFT,
            id="something-left",
        ),
        pytest.param(report_of((BROKEN, RepairResult.SKIPPED_CHANGED)), DIFFERENCES_LEFT, id="it-changed"),
        pytest.param(report_of(unchecked=("v: no answer",)), INCOMPLETE, id="not-all-checked"),
        pytest.param(
            report_of((BROKEN, RepairResult.REPORT_ONLY), unchecked=("v: no answer",)),
            INCOMPLETE,
            id="found-and-not-all-checked",
        ),
    ],
)
@pytest.mark.parametrize("as_json", [True, False])
def test_exit_status(report: Report, status: int, as_json: bool) -> None:
    assert print_report(report, as_json=as_json) == status


def test_report_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    print_report(
        report_of((BROKEN, RepairResult.APPLIED), (LATE, RepairResult.REPORT_ONLY), unchecked=("v: no answer",)),
        as_json=False,
    )
    output = capsys.readouterr()
    assert output.out.splitlines() == [
        f"outputs_broken  {VIDEO_ID}  a file is missing  [retranscode: applied]",
        f"overdue_row  {VIDEO_ID}  it is late  [report_only]",
        "checked 2 videos, but not everything; found 2, repaired 1",
    ]
    assert output.err.splitlines() == ["could not check v: no answer"]
    print_report(report_of(), as_json=False)
    assert capsys.readouterr().out.splitlines() == ["checked 2 videos; found nothing"]


def test_an_incomplete_run_does_not_claim_that_nothing_was_found(capsys: pytest.CaptureFixture[str]) -> None:
    print_report(report_of(unchecked=("v: no answer",)), as_json=False)
    assert capsys.readouterr().out.splitlines() == ["checked 2 videos, but not everything"]


def test_report_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    print_report(report_of((BROKEN, RepairResult.PLANNED)), as_json=True)
    assert json.loads(capsys.readouterr().out) == {
        "checked": {"videos": 2},
        "found": {"outputs_broken": 1},
        "applied": {},
        "findings": [
            {
                "finding": "outputs_broken",
                "target": VIDEO_ID,
                "count": 1,
                "detail": "a file is missing",
                "remedy": "retranscode",
                "result": "planned",
            }
        ],
        "unchecked": [],
    }


@pytest.mark.parametrize("arguments", [["--purge-quarantine"], ["--dry-run", "--apply"], ["--force"]])
def test_a_purge_needs_apply_and_unknown_options_are_rejected(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == INCOMPLETE


def test_without_settings_the_run_is_incomplete(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    assert main(["--dry-run"]) == INCOMPLETE
    assert "the audit cannot start: " in capsys.readouterr().err
