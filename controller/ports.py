"""The interfaces of the upstreams that the loop calls.

The adapters are database/, storage/object_store.py, crds/client.py, controller/coconut/client.py.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from crds.resource import Resource
from domain.jobs import Job, JobOrder
from domain.objects import ObjectFacts, OpenUpload, OutputsProblem, SourceProblem, StoredPart, VerifiedOutputs
from domain.records import AttemptChange, AttemptRow, Cause, VideoRow, WorkingRow
from domain.video import DesiredState, ObservedState, SourceFacts


class Transcoder(Protocol):
    """The transcoding provider, Coconut."""

    def start(self, order: JobOrder) -> str:
        """Start a paid job and return its id. Not repeatable: the intent is committed before.

        Raises UnavailableError (certainly no job, try later), RefusedError (certainly no job, ever),
        UncertainError.
        """

    def job(self, job_id: str) -> Job | None:
        """Return a job, None if there is no such job. Raises UnavailableError, RefusedError."""

    def picture_seconds(self, job_id: str) -> float | None:
        """Return the duration that the input's picture track states, None if it states none. Raises like `job`."""


class ObjectStorage(Protocol):
    """Originals and outputs in S3. Every method raises UnavailableError, RefusedError."""

    def head(self, key: str) -> ObjectFacts | None:
        """Return the original's facts, None if there is no object."""

    def verify_source(
        self, key: str, facts: ObjectFacts, *, declared_bytes: int | None, max_bytes: int
    ) -> SourceFacts | SourceProblem:
        """Judge the original by size and first bytes."""

    def keep_original(self, key: str, kept_key: str, *, etag: str, file_bytes: int) -> None:
        """Copy exactly this version of an upload; raises UnavailableError if it was replaced meanwhile."""

    def presign_source(self, key: str, *, expires_seconds: int) -> str:
        """Return a URL that reads the original."""

    def verify_outputs(
        self, video_id: str, folder: str, *, input_seconds: float | None
    ) -> VerifiedOutputs | OutputsProblem:
        """Judge what a job wrote to its folder."""

    def publish_poster(self, video_id: str, poster_key: str) -> None:
        """Copy an attempt's thumbnail to its stable key."""

    def write_playlist(self, video_id: str, text: str) -> None:
        """Replace the stable playlist."""

    def read_playlist(self, video_id: str) -> str | None:
        """Return the stable playlist, None if there is none."""

    def remove_published(self, video_id: str) -> None:
        """Remove the stable files; what the attempts wrote stays."""

    def is_public(self, video_id: str) -> bool:
        """Return whether any public file of a video is left."""

    def has_withdrawn(self, video_id: str) -> bool:
        """Return whether any file of a video lies where `withdraw` moves them."""

    def withdraw(self, video_id: str, *, at_most: int) -> bool:
        """Move at most ``at_most`` public files of a video out of reach; return whether none is left."""

    def bring_back(self, video_id: str, *, at_most: int) -> bool:
        """Undo `withdraw` for at most ``at_most`` files; return whether none is left."""

    def remove_original(self, key: str) -> None:
        """Remove an original; one that is already gone is not an error."""

    def remove_video(self, video_id: str, *, at_most: int) -> bool:
        """Remove at most ``at_most`` files of a video; return whether none is left."""


class PartStore(Protocol):
    """Originals that arrive in parts. Every method raises UnavailableError, RefusedError."""

    def parts(self, key: str, upload_id: str) -> tuple[StoredPart, ...] | None:
        """Return the parts that arrived, None when there is no such upload any more."""

    def complete(self, key: str, upload_id: str, parts: Sequence[StoredPart], *, rejected: str | None = None) -> None:
        """Join the parts; may be repeated."""

    def abort(self, key: str, upload_id: str) -> None:
        """Abort an upload and remove its parts."""

    def open_uploads(self, prefix: str) -> Iterator[list[OpenUpload]]:
        """Walk through the uploads below a prefix that are still open."""


class ObservationStore(Protocol):
    """The rows in Postgres, as the loop reads and writes them. Every method raises UnavailableError."""

    def get(self, video_id: str) -> VideoRow | None:
        """Return one row."""

    def commit(
        self, before: VideoRow, after: ObservedState, *, cause: Cause, attempt: AttemptChange | None = None
    ) -> VideoRow | None:
        """Replace an observation; None if the row changed since."""

    def running_jobs(self) -> int:
        """Return how many jobs run, according to the rows."""

    def working(self, *, after: str, at_most: int) -> list[WorkingRow]:
        """Return a page of the rows that should have a resource."""


class AdoptionStore(Protocol):
    """Creates and restores rows from resources. Raises UnavailableError."""

    def rows_of(self, names: Sequence[str]) -> list[VideoRow]:
        """Return the rows with these names."""

    def adopt(
        self, desired: DesiredState, observed: ObservedState, *, created_at: datetime | None, at: datetime
    ) -> VideoRow | None:
        """Insert a missing row; None if the row exists by now, or a tombstone forbids it."""

    def learn(
        self,
        before: VideoRow,
        *,
        desired: DesiredState | None = None,
        observed: ObservedState | None = None,
        at: datetime,
    ) -> VideoRow | None:
        """Replace the desired or observed state by a newer one; None if the row changed since."""


class RetentionStore(Protocol):
    """Retires and purges rows. Raises UnavailableError."""

    def retire(self, row: VideoRow) -> VideoRow | None:
        """Mark that the resource may leave Kubernetes; None if the row changed since."""

    def begin_purge(self, row: VideoRow, *, grace: timedelta) -> VideoRow | None:
        """Make sure that a deleted row cannot be restored any more; None when the row changed meanwhile."""

    def purge(self, row: VideoRow) -> bool:
        """Remove a deleted row and leave a tombstone; False if the row changed since."""

    def purgeable(self, *, before: datetime, at_most: int) -> list[str]:
        """Return the videos deleted before then, oldest first."""

    def last_attempt(self, video_id: str) -> int | None:
        """Return the newest attempt of a purged video; None if it has no tombstone."""

    def forget_old(self, *, at_most: int = 1_000) -> int:
        """Delete some history older than its retention period; return how much."""


class AttemptStore(Protocol):
    """The recorded submissions. Raises UnavailableError."""

    def since(self, video_id: str, *, floor: int) -> list[AttemptRow]:
        """Return the attempts numbered above ``floor``, oldest first."""


class ClaimStore(Protocol):
    """The job ids that signed callbacks claimed. Raises UnavailableError."""

    def of_attempt(self, video_id: str, attempt: int) -> Sequence[str]:
        """Return the claimed job ids, oldest first."""


class Resources(Protocol):
    """The resources in Kubernetes. Every method raises UnavailableError, RefusedError."""

    def apply(self, desired: DesiredState) -> object:
        """Create the resource or update its spec to the desired state."""

    def get(self, name: str) -> Resource | None:
        """Return the resource, None if there is none."""

    def pages(self, *, page_size: int = 500) -> Iterator[list[Resource]]:
        """Walk through all resources."""

    def write_status(self, resource: Resource, status: dict[str, Any], *, is_signed: bool = True) -> Resource:
        """Replace the status. Raises ConflictError if the resource changed since."""

    def delete(self, name: str, *, uid: str, resource_version: str) -> None:
        """Delete exactly this version. Raises ConflictError if the resource changed since."""

    def post_event(self, resource: Resource, *, type: str, reason: str, message: str) -> None:  # noqa: A002
        """Record an Event about the resource."""
