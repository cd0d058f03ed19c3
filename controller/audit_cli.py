"""The audit as a command, for people and for cron: `python -m controller.audit_cli --dry-run`.

It reads the operator's settings and may run beside the operator. The report goes to standard output, what could not be
looked at to standard error too.
"""

import argparse
import json
import sys
import threading
from collections.abc import Sequence

from controller.audit.findings import Entry, RepairResult, Report
from controller.audit.runner import AuditRun
from controller.audit.scheduler import paced
from controller.settings import Settings
from controller.wiring import wire_audit
from database.pool import Database
from domain.errors import UpstreamError
from runtime.logs import configure
from runtime.settings import read_settings
from storage.client import make_clients
from storage.settings import StorageSettings

NOTHING_LEFT, SOMETHING_LEFT, NOT_LOOKED = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Audit once; returns the exit status."""
    asked = _parse(arguments)
    try:
        settings = read_settings(Settings, process="the audit")
        spaces = read_settings(StorageSettings, process="the audit")
    except SystemExit as error:
        print(error.code, file=sys.stderr)
        return NOT_LOOKED
    configure(settings.log_format, settings.log_level)
    database = Database(settings.database_url.get_secret_value(), max_size=1)
    audit = wire_audit(settings, spaces, make_clients(spaces), database)
    pause = paced(threading.Event(), settings.audit_videos_per_second)
    turn = AuditRun(may_repair=asked.apply, may_purge=asked.purge_quarantine, pause=pause)
    try:
        audit.full(turn)
    except UpstreamError as error:
        turn.report.note_unchecked(str(error))
    finally:
        database.close()
    return tell(turn.report, as_json=asked.json)


def tell(report: Report, *, as_json: bool) -> int:
    """Print the report; returns the exit status."""
    if as_json:
        print(json.dumps(report.plain(), indent=2))
    else:
        print("\n".join([*map(_line, report.entries), _sum(report)]))
    for what in report.unchecked:
        print(f"could not look: {what}", file=sys.stderr)
    if report.unchecked:
        return NOT_LOOKED
    return NOTHING_LEFT if report.is_clean() else SOMETHING_LEFT


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m controller.audit_cli",
        description="Compare rows, bucket and claims.",
        epilog="Exit status: 0 nothing is left that differs, 1 something is, 2 not everything could be looked at.",
    )
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--dry-run", action="store_true", help="change nothing (the default)")
    mode.add_argument("--apply", action="store_true", help="put right what is safe to put right")
    parser.add_argument(
        "--purge-quarantine", action="store_true", help="with --apply: remove what was in quarantine long enough"
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    asked = parser.parse_args(arguments)
    if asked.purge_quarantine and not asked.apply:
        parser.error("--purge-quarantine needs --apply")
    return asked


def _line(entry: Entry) -> str:
    finding, result = entry.finding, entry.result
    remedy = "" if result is RepairResult.LEFT else f"{type(finding.remedy).__name__} "
    return f"{finding.kind}  {finding.target}  {finding.detail}  [{remedy}{result}]"


def _sum(report: Report) -> str:
    looked = ", ".join(f"{count} {what}" for what, count in sorted(report.looked_at.items())) or "nothing"
    parts = [f"looked at {looked}{', but not at everything' if report.unchecked else ''}"]
    if report.found:
        parts.append(f"found {report.found.total()}, put {report.done.total()} right")
    elif not report.unchecked:
        parts.append("found nothing")
    return "; ".join(parts)


if __name__ == "__main__":
    sys.exit(main())
