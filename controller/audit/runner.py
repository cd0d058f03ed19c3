"""The walk: look at every row and every folder of the bucket, judge each, and settle what was found.

Nothing is kept from one turn to the next but what is in the tables, so a turn may be cut off anywhere.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from os.path import commonprefix

import structlog

from controller.audit import checks
from controller.audit.checks import Evidence
from controller.audit.findings import Finding, Quarantine, RepairResult, Report, ReportOnly, Retranscode
from controller.audit.limits import AuditRules
from controller.audit.ports import AuditDependencies
from controller.audit.repair import Repair
from domain import object_keys
from domain.audit_records import AuditedRow, QuarantinedObject
from domain.errors import UpstreamError
from domain.objects import StoredFile
from domain.video import new_video_id

log = structlog.get_logger(__name__)

_PAGE = 200
# More rows than this that are late at once are one trouble, not many.
_ROWS_TOLD = 1_000
# What was doubled earlier is history; the claims stay for as long as their video.
_CLAIMS_TOLD = timedelta(days=7)
# One video that cannot be looked at is passed over; so many in a row mean that the neighbour is away.
_TROUBLE_IN_A_ROW = 5


class AuditStoppedError(Exception):
    """The turn is to end where it is."""


@dataclass
class AuditRun:
    """One turn: what it may do, and what it has found. ``pause`` comes before each video and each page of a listing;
    it may raise StoppedError.
    """

    may_repair: bool
    may_purge: bool = False
    pause: Callable[[], None] = lambda: None
    report: Report = field(default_factory=Report)
    heals: int = 0
    trouble_in_a_row: int = 0


class Audit:
    """Both turns. Each may be repeated at any time, and run beside passes and beside each other."""

    def __init__(
        self,
        deps: AuditDependencies,
        rules: AuditRules,
        *,
        clock: Callable[[], datetime],
        begin: Callable[[], str] = new_video_id,
    ) -> None:
        """``begin``: after which row a turn begins. By chance, so that turns cut short still come to every row."""
        self._rows = deps.rows
        self._storage = deps.storage
        self._inventory = deps.inventory
        self._rules = rules
        self._repair = Repair(deps, rules)
        self._clock = clock
        self._begin = begin

    def light(self, turn: AuditRun) -> None:
        """Compare only the stable playlists of the working set. Raises NeighbourError, StoppedError."""
        after = ""
        while page := self._rows.working(after=after, at_most=_PAGE):
            after = page[-1].row.desired.video_id
            for audited in page:
                self._each(turn, audited, self._stable)

    def full(self, turn: AuditRun) -> None:
        """Compare everything. Raises like `light`; what was found until then is in the turn's report."""
        for page in self._all(self._begin()):
            for audited in page:
                self._each(turn, audited, self._video)
            ids = [audited.row.desired.video_id for audited in page]
            for doubled in self._rows.doubled(ids, since=self._clock() - _CLAIMS_TOLD):
                self._settle(turn, checks.check_doubled(doubled))
        before = self._clock() - self._rules.overdue_after
        for submission in self._rows.uncertain(before=before, at_most=_ROWS_TOLD):
            self._settle(turn, checks.check_uncertain(submission))
        for row in self._rows.overdue(before=before, at_most=_ROWS_TOLD):
            self._settle(turn, checks.check_overdue(row))
        self._quarantine(turn)
        self._strays(turn)

    def _all(self, begin: str) -> Iterator[list[AuditedRow]]:
        for after, until in ((begin, None), ("", begin)):
            last = after
            while page := self._rows.all(after=last, until=until, at_most=_PAGE):
                yield page
                last = page[-1].row.desired.video_id

    def _each(
        self, turn: AuditRun, audited: AuditedRow, judge: Callable[[AuditRun, AuditedRow], list[Finding]]
    ) -> None:
        turn.pause()
        video_id = audited.row.desired.video_id
        try:
            for finding in judge(turn, audited):
                self._settle(turn, finding)
            turn.trouble_in_a_row = 0
            turn.report.looked_at["videos"] += 1
        except AuditStoppedError:
            raise
        except UpstreamError as error:
            turn.report.note_unchecked(f"{video_id}: {error}")
            turn.trouble_in_a_row += 1
            if turn.trouble_in_a_row >= _TROUBLE_IN_A_ROW:
                raise
        except Exception as error:
            # One poisoned row must not hide what is wrong with all others.
            log.exception("audit_check_failed", video_id=video_id)
            turn.report.note_unchecked(f"{video_id}: {type(error).__name__}")

    def _stable(self, _: AuditRun, audited: AuditedRow) -> list[Finding]:
        row = audited.row
        if not (checks.is_public(row) or checks.is_withdrawn(row)):
            return []
        finding = checks.check_stable(row, self._storage.read_playlist(row.desired.video_id))
        return [] if finding is None else [finding]

    def _video(self, turn: AuditRun, audited: AuditedRow) -> list[Finding]:
        if not (checks.is_public(audited.row) or checks.is_withdrawn(audited.row)):
            return []
        heals_left = self._rules.heals_per_audit - turn.heals
        return checks.check_video(self._look(audited), self._rules, self._clock(), heals_left=heals_left)

    def _look(self, audited: AuditedRow) -> Evidence:
        row, published = audited.row, audited.row.observed.published
        video_id = row.desired.video_id
        folders, files = set[str](), set[str]()
        for page in self._inventory.folder_pages(object_keys.video_prefix(video_id)):
            folders |= set(page.folders)
            files |= {file.key for file in page.files if file.file_bytes > 0}
        sight = Evidence(
            audited=audited,
            playlist=self._storage.read_playlist(video_id),
            has_poster=object_keys.stable_poster_key(video_id) in files,
            stored_attempts=folders,
        )
        if published is None or not checks.is_public(row):
            return sight
        return replace(
            sight,
            outputs=self._storage.verify_outputs(video_id, published.attempt, input_seconds=published.duration_seconds),
            original=self._storage.head(row.desired.storage_key),
        )

    def _strays(self, turn: AuditRun) -> None:
        room = self._rules.quarantined_per_audit
        for prefix in (object_keys.ORIGINALS_PREFIX, object_keys.PUBLIC_PREFIX):
            for page in self._inventory.folder_pages(prefix):
                turn.pause()
                turn.report.looked_at["folders"] += len(page.folders)
                room = self._judge_strays(turn, prefix, page.files, room)
                # The bucket first, then the rows: whatever has been uploaded had its row before.
                existing = self._rows.existing(page.folders)
                for folder in (f"{prefix}{name}/" for name in page.folders if name not in existing):
                    for files in self._inventory.file_pages(folder):
                        turn.pause()
                        room = self._judge_strays(turn, folder, files, room)

    def _judge_strays(self, turn: AuditRun, folder: str, files: Sequence[StoredFile], room: int) -> int:
        """Settle objects without a row; returns how many more may be put into quarantine."""
        listed = self._rows.quarantined_among(file.key for file in files) if files else set[str]()
        for finding in checks.check_orphans(folder, files, listed, room=room):
            self._settle(turn, finding)
            room -= len(finding.remedy.sizes) if isinstance(finding.remedy, Quarantine) else 0
        return room

    def _quarantine(self, turn: AuditRun) -> None:
        after = ""
        while page := self._rows.quarantined(after=after, at_most=_PAGE):
            after = page[-1].object_key
            by_folder = defaultdict[str, list[QuarantinedObject]](list)
            for entry in page:
                by_folder[checks.folder_of(entry.object_key)].append(entry)
            for folder, entries in by_folder.items():
                for finding in self._judge_quarantined(turn, folder, entries):
                    self._settle(turn, finding)

    def _judge_quarantined(self, turn: AuditRun, folder: str, entries: Sequence[QuarantinedObject]) -> list[Finding]:
        owner = object_keys.video_of(entries[0].object_key)
        if owner is not None and self._rows.existing([owner]):
            return [checks.check_returned(folder, entries)]
        present: dict[str, StoredFile] = {}
        shared = commonprefix([entry.object_key for entry in entries])  # noqa: RUF071 - of characters, as S3 has it
        for files in self._inventory.file_pages(shared):
            turn.pause()
            present |= {file.key: file for file in files}
        return checks.check_quarantined(folder, entries, present, self._rules, self._clock(), may_purge=turn.may_purge)

    def _settle(self, turn: AuditRun, finding: Finding) -> None:
        try:
            result = self._deed(turn, finding)
        except UpstreamError:
            turn.report.add(finding, RepairResult.FAILED)
            raise
        if isinstance(finding.remedy, Retranscode) and result in {RepairResult.WOULD, RepairResult.DONE}:
            turn.heals += 1
        turn.report.add(finding, result)
        if result is RepairResult.DONE:
            remedy = type(finding.remedy).__name__
            log.info("audit_repaired", kind=str(finding.kind), target=finding.target, remedy=remedy)

    def _deed(self, turn: AuditRun, finding: Finding) -> RepairResult:
        if isinstance(finding.remedy, ReportOnly):
            return RepairResult.LEFT
        if not turn.may_repair:
            return RepairResult.WOULD
        return RepairResult.DONE if self._repair.do(finding, turn.pause) else RepairResult.MOVED
