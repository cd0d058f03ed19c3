"""Runs the audit: checks every row and every folder of the bucket, and repairs what it finds.

All state between two runs is in the tables, so a run may be cut off anywhere.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from os.path import commonprefix

import structlog

from controller.audit import checks
from controller.audit.checks import Evidence
from controller.audit.dependencies import AuditDependencies
from controller.audit.findings import Finding, Quarantine, RepairResult, Report, ReportOnly, RequestEdition
from controller.audit.limits import AuditRules
from controller.audit.repair import Repair, is_deletion_lost, sent_files
from domain import object_keys
from domain.audit_records import AuditedRow, QuarantinedObject
from domain.errors import UpstreamError
from domain.objects import StoredFile, VerifiedOutputs
from domain.records import VideoRow
from domain.video import Phase, new_video_id

log = structlog.get_logger(__name__)

_PAGE = 200
# More late rows than this at once have one common cause; reporting each does not help.
_LATE_ROWS_MAX = 1_000
# Older duplicates are history; claims are kept for as long as their video.
_DOUBLED_SINCE = timedelta(days=7)
# A video that cannot be checked is skipped; this many in a row mean that the upstream is unavailable.
_FAILURES_IN_A_ROW = 5


class AuditStoppedError(Exception):
    """The process is stopping: end the run where it is."""


@dataclass
class AuditRun:
    """One run: what it may do, and what it has found. ``pause`` is called before each video and each page of a listing;
    it may raise AuditStoppedError.
    """

    may_repair: bool
    may_purge: bool = False
    pause: Callable[[], None] = lambda: None
    report: Report = field(default_factory=Report)
    editions: int = 0
    failures_in_a_row: int = 0


class Audit:
    """Both modes. Each may be repeated at any time, and run concurrently with passes and with the other."""

    def __init__(
        self,
        deps: AuditDependencies,
        rules: AuditRules,
        *,
        clock: Callable[[], datetime],
        begin: Callable[[], str] = new_video_id,
    ) -> None:
        """``begin``: the row after which a run begins; random, so that even runs that are cut short reach every row."""
        self._rows = deps.rows
        self._storage = deps.storage
        self._inventory = deps.inventory
        self._rules = rules
        self._repair = Repair(deps, rules, clock=clock)
        self._clock = clock
        self._begin = begin

    def light(self, run: AuditRun) -> None:
        """Check only the stable playlists of the working set. Raises UpstreamError, AuditStoppedError."""
        after = ""
        while page := self._rows.working(after=after, at_most=_PAGE):
            after = page[-1].row.desired.video_id
            for audited in page:
                self._each(run, audited, self._stable)

    def full(self, run: AuditRun) -> None:
        """Check everything. Raises like `light`; the run's report then has the findings until that point."""
        for page in self._all(self._begin()):
            for audited in page:
                self._each(run, audited, self._video)
            ids = [audited.row.desired.video_id for audited in page]
            for doubled in self._rows.doubled(ids, since=self._clock() - _DOUBLED_SINCE):
                self._repair_one(run, checks.check_doubled(doubled))
        before = self._clock() - self._rules.overdue_after
        for submission in self._rows.uncertain(before=before, at_most=_LATE_ROWS_MAX):
            self._repair_one(run, checks.check_uncertain(submission))
        # A submission made just before the deadline is resolved first.
        resolved = before - self._rules.timing.scaled(self._rules.timing.resolve_window_seconds)
        for row in self._rows.overdue(before=before, at_most=_LATE_ROWS_MAX):
            if row.phase is Phase.UPLOADED and row.deadline_at >= resolved:
                continue
            self._repair_one(run, checks.check_overdue(row))
        self._check_quarantine(run)
        self._check_bucket(run)

    def _all(self, begin: str) -> Iterator[list[AuditedRow]]:
        for after, until in ((begin, None), ("", begin)):
            last = after
            while page := self._rows.all(after=last, until=until, at_most=_PAGE):
                yield page
                last = page[-1].row.desired.video_id

    def _each(self, run: AuditRun, audited: AuditedRow, check: Callable[[AuditRun, AuditedRow], list[Finding]]) -> None:
        run.pause()
        video_id = audited.row.desired.video_id
        try:
            for finding in check(run, audited):
                self._repair_one(run, finding)
            run.failures_in_a_row = 0
            run.report.checked["videos"] += 1
        except AuditStoppedError:
            raise
        except UpstreamError as error:
            run.report.add_unchecked(f"{video_id}: {error}")
            run.failures_in_a_row += 1
            if run.failures_in_a_row >= _FAILURES_IN_A_ROW:
                raise
        except Exception as error:
            # One row that cannot be read must not hide the findings of all others.
            log.exception("audit_check_failed", video_id=video_id)
            run.report.add_unchecked(f"{video_id}: {type(error).__name__}")

    def _stable(self, _: AuditRun, audited: AuditedRow) -> list[Finding]:
        row, video_id = audited.row, audited.row.desired.video_id
        finding = None
        if checks.should_be_withdrawn(row):
            finding = checks.check_withdrawn(row, has_files=self._storage.is_readable(video_id))
        elif checks.should_be_public(row):
            finding = checks.check_stable(
                row, self._storage.read_playlist(video_id, is_private=row.observed.is_private)
            )
            if finding is not None and self._storage.has_withdrawn(video_id):
                finding = checks.check_lost_deletion(row, is_marked=is_deletion_lost(row, self._storage))
            elif finding is not None and self._has_private(row):
                finding = checks.check_lost_visibility(row)
        return [found for found in (finding, self._check_private(row)) if found is not None]

    def _check_private(self, row: VideoRow) -> Finding | None:
        if not checks.should_be_private(row):
            return None
        return checks.check_private(row, has_public=self._storage.has_stream(row.desired.video_id, is_private=False))

    def _has_private(self, row: VideoRow) -> bool:
        """Return whether files of a public video lie below the private prefix."""
        return not row.observed.is_private and self._storage.has_stream(row.desired.video_id, is_private=True)

    def _video(self, run: AuditRun, audited: AuditedRow) -> list[Finding]:
        row = audited.row
        overdue = checks.check_retention(row, self._rules, self._clock())
        findings = [found for found in (overdue, self._check_private(row)) if found is not None]
        if checks.may_have_left_over(row):
            left_over = checks.check_sent(row, sent_files(row, self._storage))
            findings += [] if left_over is None else [left_over]
        if not (checks.should_be_public(row) or checks.should_be_withdrawn(row)):
            return findings
        editions_left = self._rules.heals_per_audit - run.editions
        evidence = self._evidence_of(audited)
        return findings + checks.check_video(evidence, self._rules, self._clock(), editions_left=editions_left)

    def _evidence_of(self, audited: AuditedRow) -> Evidence:
        row, published = audited.row, audited.row.observed.published
        video_id, is_private = row.desired.video_id, row.observed.is_private
        folders, files = set[str](), set[str]()
        for page in self._inventory.folder_pages(object_keys.video_prefix(video_id, is_private=is_private)):
            folders |= set(page.folders)
            files |= {file.key for file in page.files if file.file_bytes > 0}
        evidence = Evidence(
            audited=audited,
            playlist=self._storage.read_playlist(video_id, is_private=is_private),
            has_poster=object_keys.stable_poster_key(video_id, is_private=is_private) in files,
            stored_attempts=folders,
        )
        if published is None or not checks.should_be_public(row):
            return evidence
        outputs = self._storage.verify_published(video_id, published, is_private=is_private)
        is_complete = evidence.playlist is not None and isinstance(outputs, VerifiedOutputs)
        has_withdrawn = not is_complete and self._storage.has_withdrawn(video_id)
        return replace(
            evidence,
            outputs=outputs,
            original=self._storage.head(row.original_key),
            has_withdrawn=has_withdrawn,
            has_private=not is_complete and self._has_private(row),
            is_deletion_marked=has_withdrawn and is_deletion_lost(row, self._storage),
            caption_files=self._caption_files(row, folders),
            poster_files=self._poster_files(row, folders),
        )

    def _caption_files(self, row: VideoRow, folders: Collection[str]) -> Collection[str]:
        is_there = object_keys.CAPTIONS_FOLDER in folders
        if not is_there:
            return ()
        return self._storage.caption_files(row.desired.video_id, is_private=row.observed.is_private)

    def _poster_files(self, row: VideoRow, folders: Collection[str]) -> Collection[str]:
        if object_keys.POSTERS_FOLDER not in folders:
            return ()
        return self._storage.poster_files(row.desired.video_id, is_private=row.observed.is_private)

    def _check_bucket(self, run: AuditRun) -> None:
        quota = self._rules.quarantined_per_audit
        for prefix in object_keys.VIDEO_PREFIXES:
            for page in self._inventory.folder_pages(prefix):
                run.pause()
                run.report.checked["folders"] += len(page.folders)
                quota = self._check_orphans(run, prefix, page.files, quota)
                # List the bucket before reading the rows: every upload has its row before its objects.
                existing = self._rows.existing(page.folders)
                for folder in (f"{prefix}{name}/" for name in page.folders if name not in existing):
                    for files in self._inventory.file_pages(folder):
                        run.pause()
                        quota = self._check_orphans(run, folder, files, quota)

    def _check_orphans(self, run: AuditRun, folder: str, files: Sequence[StoredFile], quota: int) -> int:
        """Repair objects without a row; return the remaining quarantine quota."""
        listed = self._rows.quarantined_among(file.key for file in files) if files else set[str]()
        for finding in checks.check_orphans(folder, files, listed, quota=quota):
            self._repair_one(run, finding)
            quota -= len(finding.remedy.sizes) if isinstance(finding.remedy, Quarantine) else 0
        return quota

    def _check_quarantine(self, run: AuditRun) -> None:
        after = ""
        while page := self._rows.quarantined(after=after, at_most=_PAGE):
            after = page[-1].object_key
            by_folder = defaultdict[str, list[QuarantinedObject]](list)
            for entry in page:
                by_folder[checks.folder_of(entry.object_key)].append(entry)
            for folder, entries in by_folder.items():
                for finding in self._check_quarantined(run, folder, entries):
                    self._repair_one(run, finding)

    def _check_quarantined(self, run: AuditRun, folder: str, entries: Sequence[QuarantinedObject]) -> list[Finding]:
        owner = object_keys.video_id_of(entries[0].object_key)
        if owner is not None and self._rows.existing([owner]):
            return [checks.check_returned(folder, entries)]
        present: dict[str, StoredFile] = {}
        shared = commonprefix([entry.object_key for entry in entries])  # noqa: RUF071 - of characters, as S3 has it
        for files in self._inventory.file_pages(shared):
            run.pause()
            present |= {file.key: file for file in files}
        return checks.check_quarantined(folder, entries, present, self._rules, self._clock(), may_purge=run.may_purge)

    def _repair_one(self, run: AuditRun, finding: Finding) -> None:
        try:
            result = self._apply(run, finding)
        except UpstreamError:
            run.report.add(finding, RepairResult.FAILED)
            raise
        if isinstance(finding.remedy, RequestEdition) and result in {RepairResult.PLANNED, RepairResult.APPLIED}:
            run.editions += 1
        run.report.add(finding, result)
        if result is RepairResult.APPLIED:
            remedy = finding.remedy.name
            log.info("audit_repaired", finding=str(finding.kind), target=finding.target, remedy=remedy)

    def _apply(self, run: AuditRun, finding: Finding) -> RepairResult:
        if isinstance(finding.remedy, ReportOnly):
            return RepairResult.REPORT_ONLY
        if not run.may_repair:
            return RepairResult.PLANNED
        return RepairResult.APPLIED if self._repair.apply(finding, run.pause) else RepairResult.SKIPPED_CHANGED
