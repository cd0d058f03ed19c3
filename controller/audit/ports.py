"""What the audit needs beyond what a pass needs (controller/ports.py): all rows, and the whole bucket."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from controller.ports import Storage
from domain.audit_records import AuditedRow, DoubledJob, OverdueRow, QuarantinedObject, UncertainSubmission
from domain.objects import FolderPage, StoredFile
from domain.records import VideoRow


class AuditRows(Protocol):
    """Postgres, as the audit reads it. Every method raises UnavailableError."""

    def all(self, *, after: str, until: str | None = None, at_most: int) -> list[AuditedRow]:
        """Return a page of all rows, in order of id."""
        ...

    def working(self, *, after: str, at_most: int) -> list[AuditedRow]:
        """Return a page of the working set's rows that have something published."""
        ...

    def get(self, video_id: str) -> AuditedRow | None:
        """Return one row."""
        ...

    def existing(self, video_ids: Iterable[str]) -> set[str]:
        """Return those of the ids that have a row."""
        ...

    def heal(self, row: VideoRow, *, max_heals: int) -> VideoRow | None:
        """Wish for a new edition; None when the row moved, or may not be healed."""
        ...

    def doubled(self, video_ids: Sequence[str], *, since: datetime) -> list[DoubledJob]:
        """Return the jobs too many that callbacks have named since then."""
        ...

    def uncertain(self, *, before: datetime, at_most: int) -> list[UncertainSubmission]:
        """Return the unresolved submissions, oldest first."""
        ...

    def overdue(self, *, before: datetime, at_most: int) -> list[OverdueRow]:
        """Return the uploads whose deadline was before then."""
        ...

    def quarantine(self, sizes: Mapping[str, int]) -> int:
        """Put objects on the list; returns how many were not on it."""
        ...

    def quarantined_among(self, object_keys: Iterable[str]) -> set[str]:
        """Return those of the keys that are on the list."""
        ...

    def quarantined(self, *, after: str, at_most: int) -> list[QuarantinedObject]:
        """Return a page of the list, in order of keys."""
        ...

    def release(self, object_keys: Sequence[str]) -> int:
        """Take objects off the list."""
        ...


class Inventory(Protocol):
    """The bucket, whoever its objects belong to. Every method raises UnavailableError, RefusedError."""

    def folder_pages(self, prefix: str) -> Iterator[FolderPage]:
        """Walk through what lies directly under a prefix."""
        ...

    def file_pages(self, prefix: str) -> Iterator[list[StoredFile]]:
        """Walk through every object below a prefix."""
        ...

    def remove_outputs(self, video_id: str, attempt: int, *, at_most: int) -> bool:
        """Remove some of what one attempt's job wrote; tells whether nothing is left."""
        ...

    def remove_file(self, key: str) -> None:
        """Remove one object."""
        ...


@dataclass(frozen=True)
class AuditDependencies:
    """Everything the audit may touch."""

    rows: AuditRows
    storage: Storage
    inventory: Inventory
