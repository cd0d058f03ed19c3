"""Videos as clients create them, and the columns that Postgres requires of each phase."""

from typing import Any

from database.creation import NewRow
from domain.failures import Failure, FailureCode
from domain.video import AT_REST, Phase, UploadMode
from tests.support.builders.rows import NOON

VIDEO = "contractcontractcontractco"


def in_phase(phase: Phase) -> dict[str, Any]:
    """Return what an observation of this phase must have."""
    return {
        "phase": phase,
        "deadline_at": None if phase in AT_REST else NOON,
        "failure": Failure(FailureCode.TRANSCODE_FAILED, "the job failed", 1) if phase is Phase.ERRORED else None,
    }


def a_new_video(
    video_id: str = VIDEO,
    *,
    owner: str = "ann",
    declared_bytes: int | None = 9000,
    upload_mode: UploadMode = UploadMode.SINGLE,
) -> NewRow:
    """Return what a client asks for."""
    return NewRow(
        video_id=video_id,
        owner=owner,
        title="Cats",
        filename="cats.mp4",
        content_type="video/mp4",
        declared_bytes=declared_bytes,
        region="tor1",
        storage_key=f"uploads/{video_id}/original.mp4",
        upload_mode=upload_mode,
    )
