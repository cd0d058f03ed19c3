"""The audit as a command, for people and for cron: `python -m controller.audit_cli --dry-run`.

It reads the operator's settings and may run beside the operator. It prints the report to standard output, and what it
could not check also to standard error.
"""

import argparse
import json
import sys
import threading
from collections.abc import Sequence

from controller.audit.findings import Entry, RepairResult, Report
from controller.audit.runner import AuditRun
from controller.audit.scheduler import paced
from controller.settings import OperatorSettings
from controller.wiring import wire_audit
from database.pool import Database
from domain.errors import UpstreamError
from runtime.clock import Clocks
from runtime.logs import configure
from runtime.settings import read_settings
from storage.client import make_clients
from storage.settings import StorageSettings
from storage.signing_clock import sign_by

CLEAN, DIFFERENCES_LEFT, INCOMPLETE = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Audit once; return the exit status."""
    options = _parse(arguments)
    try:
        settings = read_settings(OperatorSettings, process="the audit")
        storage_settings = read_settings(StorageSettings, process="the audit")
    except SystemExit as error:
        print(error.code, file=sys.stderr)
        return INCOMPLETE
    configure(settings.log_format, settings.log_level)
    clocks = Clocks.make()
    sign_by(clocks.storage)
    database = Database(settings.database_url.get_secret_value(), max_size=1, clock=clocks.postgres)
    clients = make_clients(storage_settings, clocks.storage)
    audit = wire_audit(settings, storage_settings, clients, database, clock=clocks.postgres)
    pause = paced(threading.Event(), settings.audit_videos_per_second)
    run = AuditRun(may_repair=options.apply, may_purge=options.purge_quarantine, pause=pause)
    try:
        database.check()  # it also learns the time
        audit.full(run)
    except UpstreamError as error:
        run.report.add_unchecked(str(error))
    finally:
        database.close()
    return print_report(run.report, as_json=options.json)


def print_report(report: Report, *, as_json: bool) -> int:
    """Print the report; return the exit status."""
    if as_json:
        print(json.dumps(report.as_json(), indent=2))
    else:
        print("\n".join([*map(_line, report.entries), _summary(report)]))
    for unchecked in report.unchecked:
        print(f"could not check {unchecked}", file=sys.stderr)
    if report.unchecked:
        return INCOMPLETE
    return CLEAN if report.is_clean() else DIFFERENCES_LEFT


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m controller.audit_cli",
        description="Compare the rows with the bucket and the callbacks.",
        epilog="Exit status: 0 no difference is left, 1 some are left, 2 not everything could be checked.",
    )
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--dry-run", action="store_true", help="change nothing (the default)")
    mode.add_argument("--apply", action="store_true", help="repair what is safe to repair")
    parser.add_argument(
        "--purge-quarantine", action="store_true", help="with --apply: remove objects whose quarantine has ended"
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    options = parser.parse_args(arguments)
    if options.purge_quarantine and not options.apply:
        parser.error("--purge-quarantine needs --apply")
    return options


def _line(entry: Entry) -> str:
    finding, result = entry.finding, entry.result
    remedy = "" if result is RepairResult.REPORT_ONLY else f"{finding.remedy.name}: "
    return f"{finding.kind}  {finding.target}  {finding.detail}  [{remedy}{result}]"


def _summary(report: Report) -> str:
    checked = ", ".join(f"{count} {noun}" for noun, count in sorted(report.checked.items())) or "nothing"
    parts = [f"checked {checked}{', but not everything' if report.unchecked else ''}"]
    if report.found:
        parts.append(f"found {report.found.total()}, repaired {report.applied.total()}")
    elif not report.unchecked:
        parts.append("found nothing")
    return "; ".join(parts)


if __name__ == "__main__":
    sys.exit(main())
