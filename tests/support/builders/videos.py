"""Videos as clients create them, and the columns that Postgres requires of each phase."""

from dataclasses import replace
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


def a_new_video(video_id: str = VIDEO, **changes: Any) -> NewRow:
    """Return a video as a client creates it."""
    new = NewRow(
        video_id=video_id,
        owner="ann",
        title="Cats",
        filename="cats.mp4",
        content_type="video/mp4",
        declared_bytes=9000,
        region="tor1",
        storage_key=f"uploads/{video_id}/original.mp4",
        upload_mode=UploadMode.SINGLE,
    )
    return replace(new, **changes)
