"""What an audit can find, how it can repair that, and the report of both. Closed sets; the rules are in checks.py."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar


class FindingType(StrEnum):
    """Kinds of differences. Reports, metrics and docs/operations.md use the same words."""

    PLAYLIST_WRONG = "playlist_wrong"
    POSTER_MISSING = "poster_missing"
    CAPTIONS_MISSING = "captions_missing"
    OUTPUTS_BROKEN = "outputs_broken"
    OUTPUTS_SUPERSEDED = "outputs_superseded"
    OUTPUTS_UNKNOWN = "outputs_unknown"
    ORIGINAL_MISSING = "original_missing"
    PUBLIC_THOUGH_DELETED = "public_though_deleted"
    DELETION_LOST = "deletion_lost"
    PUBLIC_THOUGH_PRIVATE = "public_though_private"
    VISIBILITY_LOST = "visibility_lost"
    UPLOAD_LEFT_OVER = "upload_left_over"
    OBJECTS_WITHOUT_ROW = "objects_without_row"
    QUARANTINE_OUTDATED = "quarantine_outdated"
    QUARANTINE_DUE = "quarantine_due"
    DOUBLED_JOB = "doubled_job"
    UNCERTAIN_SUBMISSION = "uncertain_submission"
    OVERDUE_ROW = "overdue_row"
    RETENTION_OVERDUE = "retention_overdue"


@dataclass(frozen=True)
class ReportOnly:
    """Repair nothing: the finding's detail says why."""

    name: ClassVar[str] = "report_only"


@dataclass(frozen=True)
class RewritePlaylist:
    """Write the stable playlist again, from the row."""

    name: ClassVar[str] = "rewrite_playlist"


@dataclass(frozen=True)
class WithdrawFiles:
    """Remove the stable files of a deleted video, and move its other public files out of reach."""

    name: ClassVar[str] = "withdraw"


@dataclass(frozen=True)
class GatherFiles:
    """Move the files of a private video that lie where everyone can read them to where the others are."""

    name: ClassVar[str] = "gather"


@dataclass(frozen=True)
class RestoreDeletion:
    """Delete a video again: the bucket has the mark of a deletion that is newer than its row."""

    name: ClassVar[str] = "restore_deletion"


@dataclass(frozen=True)
class CopyPoster:
    """Copy a thumbnail of the published attempt to the stable poster."""

    name: ClassVar[str] = "copy_poster"


@dataclass(frozen=True)
class RepublishPoster:
    """Forget that the owner's poster was published, so that a pass writes it again."""

    name: ClassVar[str] = "republish_poster"


@dataclass(frozen=True)
class RepublishCaptions:
    """Forget that the captions were published, so that a pass writes their files again."""

    name: ClassVar[str] = "republish_captions"


@dataclass(frozen=True)
class RequestEdition:
    """Request a new edition."""

    name: ClassVar[str] = "retranscode"


@dataclass(frozen=True)
class RemoveOutputs:
    """Remove the outputs of one attempt. ``folder``: where its job wrote them."""

    name: ClassVar[str] = "remove_outputs"

    folder: str


@dataclass(frozen=True)
class RemoveUpload:
    """Remove what a client sent and its copies, except the one that was accepted."""

    name: ClassVar[str] = "remove_upload"


@dataclass(frozen=True)
class Quarantine:
    """Put objects into quarantine. ``sizes``: their bytes by key."""

    name: ClassVar[str] = "quarantine"

    sizes: Mapping[str, int]


@dataclass(frozen=True)
class Release:
    """Release objects from quarantine."""

    name: ClassVar[str] = "release"

    object_keys: Sequence[str]


@dataclass(frozen=True)
class RemoveObjects:
    """Remove objects whose quarantine ended."""

    name: ClassVar[str] = "remove_objects"

    object_keys: Sequence[str]


Remedy = (
    ReportOnly
    | RewritePlaylist
    | WithdrawFiles
    | GatherFiles
    | RestoreDeletion
    | CopyPoster
    | RepublishCaptions
    | RepublishPoster
    | RequestEdition
    | RemoveOutputs
    | RemoveUpload
    | Quarantine
    | Release
    | RemoveObjects
)


@dataclass(frozen=True)
class Finding:
    """One difference. ``target``: the video, or the folder in the bucket; ``count``: how many things differ."""

    kind: FindingType
    target: str
    detail: str
    remedy: Remedy
    count: int = 1


class RepairResult(StrEnum):
    """What the audit did about a finding. PLANNED: a dry run; SKIPPED_CHANGED: the difference was gone by then."""

    REPORT_ONLY = "report_only"
    PLANNED = "planned"
    APPLIED = "applied"
    SKIPPED_CHANGED = "skipped_changed"
    FAILED = "failed"


@dataclass(frozen=True)
class Entry:
    """One line of a report."""

    finding: Finding
    result: RepairResult


# Bounds memory when a bucket is full of foreign objects. The counters continue.
_ENTRIES_MAX = 10_000


@dataclass
class Report:
    """The findings of one run. ``unchecked``: what could not be checked, with the reason."""

    entries: list[Entry] = field(default_factory=list)
    found: Counter[FindingType] = field(default_factory=Counter)
    applied: Counter[FindingType] = field(default_factory=Counter)
    checked: Counter[str] = field(default_factory=Counter)
    unchecked: list[str] = field(default_factory=list)

    def add(self, finding: Finding, result: RepairResult) -> None:
        """Add a finding and the result of its repair."""
        self.found[finding.kind] += finding.count
        if result is RepairResult.APPLIED:
            self.applied[finding.kind] += finding.count
        if len(self.entries) < _ENTRIES_MAX:
            self.entries.append(Entry(finding, result))

    def add_unchecked(self, text: str) -> None:
        """Add something that could not be checked."""
        if len(self.unchecked) < _ENTRIES_MAX:
            self.unchecked.append(text)

    def is_clean(self) -> bool:
        """Return whether every difference was repaired."""
        return not self.found - self.applied

    def as_json(self) -> dict[str, Any]:
        """Return the report as values for JSON."""
        return {
            "checked": dict(self.checked),
            "found": dict(self.found),
            "applied": dict(self.applied),
            "findings": [
                {
                    "finding": entry.finding.kind,
                    "target": entry.finding.target,
                    "count": entry.finding.count,
                    "detail": entry.finding.detail,
                    "remedy": entry.finding.remedy.name,
                    "result": entry.result,
                }
                for entry in self.entries
            ],
            "unchecked": self.unchecked,
        }
