"""What an audit can find, what can be done about it, and what is told of both. Closed sets; no rule is here."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class FindingType(StrEnum):
    """What differs. The same words in reports, metrics and docs/operations.md."""

    PLAYLIST_WRONG = "playlist_wrong"
    POSTER_MISSING = "poster_missing"
    OUTPUTS_BROKEN = "outputs_broken"
    OUTPUTS_SUPERSEDED = "outputs_superseded"
    OUTPUTS_UNKNOWN = "outputs_unknown"
    ORIGINAL_MISSING = "original_missing"
    PUBLIC_THOUGH_DELETED = "public_though_deleted"
    OBJECTS_WITHOUT_ROW = "objects_without_row"
    QUARANTINE_OUTDATED = "quarantine_outdated"
    QUARANTINE_DUE = "quarantine_due"
    DOUBLED_JOB = "doubled_job"
    UNCERTAIN_SUBMISSION = "uncertain_submission"
    OVERDUE_ROW = "overdue_row"


@dataclass(frozen=True)
class ReportOnly:
    """A person decides, or time does: the finding's words say why."""


@dataclass(frozen=True)
class RewritePlaylist:
    """Make the stable files say what the row says: write the playlist, or withdraw it."""


@dataclass(frozen=True)
class CopyPoster:
    """Copy a thumbnail of the published attempt to its stable place."""


@dataclass(frozen=True)
class Retranscode:
    """Wish for a new edition."""


@dataclass(frozen=True)
class RemoveOutputs:
    """Remove what the job of one attempt wrote."""

    attempt: int


@dataclass(frozen=True)
class Quarantine:
    """Put objects on the list, by key with their bytes."""

    sizes: Mapping[str, int]


@dataclass(frozen=True)
class Release:
    """Take objects off the list."""

    object_keys: Sequence[str]


@dataclass(frozen=True)
class RemoveObjects:
    """Remove objects that nobody missed, and take them off the list."""

    object_keys: Sequence[str]


Remedy = ReportOnly | RewritePlaylist | CopyPoster | Retranscode | RemoveOutputs | Quarantine | Release | RemoveObjects


@dataclass(frozen=True)
class Finding:
    """One difference. ``target``: the video, or the folder in the bucket; ``count``: how many things differ."""

    kind: FindingType
    target: str
    detail: str
    remedy: Remedy
    count: int = 1


class RepairResult(StrEnum):
    """What became of a finding."""

    LEFT = "left"  # nothing that may be done without a person
    WOULD = "would be done"
    DONE = "done"
    MOVED = "not done, for it has moved"
    FAILED = "could not be done"


@dataclass(frozen=True)
class Entry:
    """One line of a report."""

    finding: Finding
    result: RepairResult


# A bucket that somebody else fills must not fill our memory; counts go on.
_ENTRIES_MAX = 10_000


@dataclass
class Report:
    """Everything one turn has found. ``unchecked``: what could not be looked at, with the reason."""

    entries: list[Entry] = field(default_factory=list)
    found: Counter[FindingType] = field(default_factory=Counter)
    done: Counter[FindingType] = field(default_factory=Counter)
    looked_at: Counter[str] = field(default_factory=Counter)
    unchecked: list[str] = field(default_factory=list)

    def add(self, finding: Finding, result: RepairResult) -> None:
        """Take in what was found, and what became of it."""
        self.found[finding.kind] += finding.count
        if result is RepairResult.DONE:
            self.done[finding.kind] += finding.count
        if len(self.entries) < _ENTRIES_MAX:
            self.entries.append(Entry(finding, result))

    def note_unchecked(self, what: str) -> None:
        """Take in that something could not be looked at."""
        if len(self.unchecked) < _ENTRIES_MAX:
            self.unchecked.append(what)

    def is_clean(self) -> bool:
        """Tell whether nothing is left that differs."""
        return not self.found - self.done

    def plain(self) -> dict[str, Any]:
        """Return the report as JSON takes it."""
        return {
            "looked_at": dict(self.looked_at),
            "found": dict(self.found),
            "done": dict(self.done),
            "findings": [
                {
                    "kind": entry.finding.kind,
                    "subject": entry.finding.target,
                    "count": entry.finding.count,
                    "detail": entry.finding.detail,
                    "remedy": type(entry.finding.remedy).__name__,
                    "deed": entry.result,
                }
                for entry in self.entries
            ],
            "unseen": self.unchecked,
        }
