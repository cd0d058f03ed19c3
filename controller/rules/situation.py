"""Which case an upload is in: computed first, then matched by both look.py and machine.py. Pure."""

from dataclasses import dataclass
from typing import assert_never

from controller.rules.steps import AnnotationRequest
from domain.part_plan import PartPlan
from domain.records import VideoRow
from domain.video import AT_REST, Phase, Published, Reason, UploadMode, is_misplaced, is_retryable


@dataclass(frozen=True)
class Deleted:
    """The video was deleted; its files are kept for as long as it can be restored."""


@dataclass(frozen=True)
class Withdrawn:
    """The video was restored; its public files are still where its deletion moved them."""


@dataclass(frozen=True)
class PauseChange:
    """A person paused the upload, or ended its pause."""

    is_paused: bool


@dataclass(frozen=True)
class Paused:
    """A person keeps the upload paused."""


@dataclass(frozen=True)
class Starting:
    """A new edition or a retry was requested and can begin now."""

    retry_token: str | None


@dataclass(frozen=True)
class NeedlessRetry:
    """A retry was requested of an upload that has not failed."""

    retry_token: str | None


@dataclass(frozen=True)
class Pending:
    """No upload URL can be issued yet."""


@dataclass(frozen=True)
class MultipartUpload:
    """The newest multipart upload opened at storage, and how its file is cut."""

    upload_id: str
    plan: PartPlan


@dataclass(frozen=True)
class Uploading:
    """The original has not arrived yet. ``multipart``: None when it comes in one piece, or no upload was opened yet."""

    multipart: MultipartUpload | None


@dataclass(frozen=True)
class Fetching:
    """The original is fetched from the URL that its owner named."""


@dataclass(frozen=True)
class Submitting:
    """The original is verified; a job is to be submitted, or the last submission to be resolved."""


@dataclass(frozen=True)
class Transcoding:
    """A job is running."""


@dataclass(frozen=True)
class Publishing:
    """The outputs are complete; the stable playlist is to show them."""

    published: Published


@dataclass(frozen=True)
class Restoring:
    """The video was restored, or lost its playlist: its stable files are to come back."""

    published: Published


@dataclass(frozen=True)
class Relocating:
    """Who can play the video was changed: its files are to lie below the other prefix, and nowhere else."""


@dataclass(frozen=True)
class Resting:
    """The newest edition is ready or errored."""


Situation = (
    Deleted
    | Withdrawn
    | PauseChange
    | Paused
    | Starting
    | NeedlessRetry
    | Pending
    | Uploading
    | Fetching
    | Submitting
    | Transcoding
    | Publishing
    | Restoring
    | Relocating
    | Resting
)


def situation_of(row: VideoRow, request: AnnotationRequest | None) -> Situation:
    """Return the case: first what people request, then the phase. ``request``: None until the resource was listed."""
    desired, observed = row.desired, row.observed
    if desired.deleted:
        return Deleted()
    if observed.is_withdrawn:
        return Withdrawn()
    if observed.is_relocating and observed.phase in AT_REST:
        # What was begun is ended first, also while it is paused: no public copy may wait for an edition.
        return _relocating(row)
    if request is not None and request.is_paused != observed.is_paused:
        return PauseChange(request.is_paused)
    if observed.is_paused:
        return Paused()
    # An annotation that was removed leaves the last request taken up.
    token = (request.retry_token if request is not None else None) or observed.retry_token
    wants_retry = desired.retries > observed.retries or token != observed.retry_token
    wants_edition = desired.edition > observed.edition
    if is_retryable(observed) and (wants_retry or wants_edition):
        return Starting(token)
    if wants_edition and observed.phase is Phase.READY:
        return Starting(token)
    return NeedlessRetry(token) if wants_retry else _by_phase(row)


def _by_phase(row: VideoRow) -> Situation:
    published = row.observed.published
    match row.observed.phase:
        case Phase.PENDING:
            return Pending()
        case Phase.UPLOADING:
            return Uploading(_multipart(row)) if row.source_url is None else Fetching()
        case Phase.UPLOADED:
            return Submitting()
        case Phase.PROCESSING:
            if row.observed.reason is Reason.PUBLISHING and published is not None:
                return Publishing(published)
            return Transcoding()
        case Phase.READY | Phase.ERRORED:
            if published is not None and not row.observed.is_playable:
                return Restoring(published)
            return _relocating(row) if is_misplaced(row.desired, row.observed) else Resting()
        case _:
            assert_never(row.observed.phase)


def _relocating(row: VideoRow) -> Situation:
    """A restored video gets its stable files first, unless the copies of others are only to be removed."""
    published = row.observed.published
    if published is not None and not row.observed.is_playable and is_misplaced(row.desired, row.observed):
        return Restoring(published)
    return Relocating()


def _multipart(row: VideoRow) -> MultipartUpload | None:
    file_bytes = row.desired.declared_bytes
    if row.desired.upload_mode is not UploadMode.MULTIPART or row.upload_id is None:
        return None
    if file_bytes is None or row.part_bytes is None:
        return None
    return MultipartUpload(row.upload_id, PartPlan(file_bytes, row.part_bytes))
