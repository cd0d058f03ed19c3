"""What the audit needs beyond the ports of a pass (controller/ports.py): all rows, and the whole bucket."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from controller.ports import ObjectStorage
from domain.audit_records import AuditedRow, DoubledJob, OverdueRow, QuarantinedObject, UncertainSubmission
from domain.objects import FolderPage, StoredFile
from domain.records import VideoRow


class AuditRows(Protocol):
    """The rows in Postgres. Every method raises UnavailableError."""

    def all(self, *, after: str, until: str | None = None, at_most: int) -> list[AuditedRow]:
        """Return a page of all rows, in order of id."""

    def working(self, *, after: str, at_most: int) -> list[AuditedRow]:
        """Return a page of the working set's rows that have something published."""

    def get(self, video_id: str) -> AuditedRow | None:
        """Return one row."""

    def existing(self, video_ids: Iterable[str]) -> set[str]:
        """Return those of the ids that have a row."""

    def heal(self, row: VideoRow, *, max_heals: int) -> VideoRow | None:
        """Request a new edition; None if the row changed, or its budget is spent."""

    def doubled(self, video_ids: Sequence[str], *, since: datetime) -> list[DoubledJob]:
        """Return the duplicate jobs that callbacks have named since then."""

    def uncertain(self, *, before: datetime, at_most: int) -> list[UncertainSubmission]:
        """Return the unresolved submissions, oldest first."""

    def overdue(self, *, before: datetime, at_most: int) -> list[OverdueRow]:
        """Return the uploads whose deadline was before then."""

    def quarantine(self, sizes: Mapping[str, int]) -> int:
        """Put objects into quarantine; return how many were not in it yet."""

    def quarantined_among(self, object_keys: Iterable[str]) -> set[str]:
        """Return those of the keys that are in quarantine."""

    def quarantined(self, *, after: str, at_most: int) -> list[QuarantinedObject]:
        """Return a page of the quarantine, in order of keys."""

    def release(self, object_keys: Sequence[str]) -> int:
        """Release objects from quarantine; return how many were in it."""


class BucketListing(Protocol):
    """The whole bucket. Every method raises UnavailableError, RefusedError."""

    def folder_pages(self, prefix: str) -> Iterator[FolderPage]:
        """Iterate over the folders and files directly below a prefix."""

    def file_pages(self, prefix: str) -> Iterator[list[StoredFile]]:
        """Iterate over all objects below a prefix."""

    def remove_outputs(self, video_id: str, folder: str, *, at_most: int) -> bool:
        """Remove at most so many outputs of one attempt; return whether none is left."""

    def remove_file(self, key: str) -> None:
        """Remove one object."""


@dataclass(frozen=True)
class AuditDependencies:
    """Everything the audit uses."""

    rows: AuditRows
    storage: ObjectStorage
    inventory: BucketListing
