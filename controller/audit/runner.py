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
from controller.audit.checks import Sight
from controller.audit.findings import Deed, Finding, Heal, Leave, Quarantine, Report
from controller.audit.limits import AuditRules
from controller.audit.ports import Neighbours
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


class StoppedError(Exception):
    """The turn is to end where it is."""


@dataclass
class Turn:
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
        neighbours: Neighbours,
        rules: AuditRules,
        *,
        clock: Callable[[], datetime],
        begin: Callable[[], str] = new_video_id,
    ) -> None:
        """``begin``: after which row a turn begins. By chance, so that turns cut short still come to every row."""
        self._rows = neighbours.rows
        self._storage = neighbours.storage
        self._inventory = neighbours.inventory
        self._rules = rules
        self._repair = Repair(neighbours, rules)
        self._clock = clock
        self._begin = begin

    def light(self, turn: Turn) -> None:
        """Compare only the stable playlists of the working set. Raises NeighbourError, StoppedError."""
        after = ""
        while page := self._rows.working(after=after, at_most=_PAGE):
            after = page[-1].row.desired.video_id
            for audited in page:
                self._each(turn, audited, self._stable)

    def full(self, turn: Turn) -> None:
        """Compare everything. Raises like `light`; what was found until then is in the turn's report."""
        for page in self._all(self._begin()):
            for audited in page:
                self._each(turn, audited, self._video)
            ids = [audited.row.desired.video_id for audited in page]
            for doubled in self._rows.doubled(ids, since=self._clock() - _CLAIMS_TOLD):
                self._settle(turn, checks.judge_doubled(doubled))
        before = self._clock() - self._rules.overdue_after
        for submission in self._rows.uncertain(before=before, at_most=_ROWS_TOLD):
            self._settle(turn, checks.judge_uncertain(submission))
        for row in self._rows.overdue(before=before, at_most=_ROWS_TOLD):
            self._settle(turn, checks.judge_overdue(row))
        self._quarantine(turn)
        self._strays(turn)

    def _all(self, begin: str) -> Iterator[list[AuditedRow]]:
        for after, until in ((begin, None), ("", begin)):
            last = after
            while page := self._rows.all(after=last, until=until, at_most=_PAGE):
                yield page
                last = page[-1].row.desired.video_id

    def _each(self, turn: Turn, audited: AuditedRow, judge: Callable[[Turn, AuditedRow], list[Finding]]) -> None:
        turn.pause()
        video_id = audited.row.desired.video_id
        try:
            for finding in judge(turn, audited):
                self._settle(turn, finding)
            turn.trouble_in_a_row = 0
            turn.report.looked_at["videos"] += 1
        except StoppedError:
            raise
        except UpstreamError as error:
            turn.report.note_unseen(f"{video_id}: {error}")
            turn.trouble_in_a_row += 1
            if turn.trouble_in_a_row >= _TROUBLE_IN_A_ROW:
                raise
        except Exception as error:
            # One poisoned row must not hide what is wrong with all others.
            log.exception("audit_broke", video=video_id)
            turn.report.note_unseen(f"{video_id}: {type(error).__name__}")

    def _stable(self, _: Turn, audited: AuditedRow) -> list[Finding]:
        row = audited.row
        if not (checks.is_public(row) or checks.is_withdrawn(row)):
            return []
        finding = checks.judge_stable(row, self._storage.read_playlist(row.desired.video_id))
        return [] if finding is None else [finding]

    def _video(self, turn: Turn, audited: AuditedRow) -> list[Finding]:
        if not (checks.is_public(audited.row) or checks.is_withdrawn(audited.row)):
            return []
        heals_left = self._rules.heals_per_audit - turn.heals
        return checks.judge_video(self._look(audited), self._rules, self._clock(), heals_left=heals_left)

    def _look(self, audited: AuditedRow) -> Sight:
        row, published = audited.row, audited.row.observed.published
        video_id = row.desired.video_id
        folders, files = set[str](), set[str]()
        for page in self._inventory.folder_pages(object_keys.video_prefix(video_id)):
            folders |= set(page.folders)
            files |= {file.key for file in page.files if file.file_bytes > 0}
        sight = Sight(
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

    def _strays(self, turn: Turn) -> None:
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

    def _judge_strays(self, turn: Turn, folder: str, files: Sequence[StoredFile], room: int) -> int:
        """Settle objects without a row; returns how many more may be put into quarantine."""
        listed = self._rows.quarantined_among(file.key for file in files) if files else set[str]()
        for finding in checks.judge_strays(folder, files, listed, room=room):
            self._settle(turn, finding)
            room -= len(finding.remedy.sizes) if isinstance(finding.remedy, Quarantine) else 0
        return room

    def _quarantine(self, turn: Turn) -> None:
        after = ""
        while page := self._rows.quarantined(after=after, at_most=_PAGE):
            after = page[-1].object_key
            by_folder = defaultdict[str, list[QuarantinedObject]](list)
            for entry in page:
                by_folder[checks.folder_of(entry.object_key)].append(entry)
            for folder, entries in by_folder.items():
                for finding in self._judge_quarantined(turn, folder, entries):
                    self._settle(turn, finding)

    def _judge_quarantined(self, turn: Turn, folder: str, entries: Sequence[QuarantinedObject]) -> list[Finding]:
        owner = object_keys.video_of(entries[0].object_key)
        if owner is not None and self._rows.existing([owner]):
            return [checks.judge_returned(folder, entries)]
        present: dict[str, StoredFile] = {}
        shared = commonprefix([entry.object_key for entry in entries])  # noqa: RUF071 - of characters, as S3 has it
        for files in self._inventory.file_pages(shared):
            turn.pause()
            present |= {file.key: file for file in files}
        return checks.judge_quarantined(folder, entries, present, self._rules, self._clock(), may_purge=turn.may_purge)

    def _settle(self, turn: Turn, finding: Finding) -> None:
        try:
            deed = self._deed(turn, finding)
        except UpstreamError:
            turn.report.add(finding, Deed.FAILED)
            raise
        if isinstance(finding.remedy, Heal) and deed in {Deed.WOULD, Deed.DONE}:
            turn.heals += 1
        turn.report.add(finding, deed)
        if deed is Deed.DONE:
            remedy = type(finding.remedy).__name__
            log.info("audit_repaired", kind=str(finding.kind), subject=finding.subject, remedy=remedy)

    def _deed(self, turn: Turn, finding: Finding) -> Deed:
        if isinstance(finding.remedy, Leave):
            return Deed.LEFT
        if not turn.may_repair:
            return Deed.WOULD
        return Deed.DONE if self._repair.do(finding, turn.pause) else Deed.MOVED
