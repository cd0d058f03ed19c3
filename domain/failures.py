"""Why an edition can end in `errored`: the closed list of codes, and what each one means for a person.

The API, the resource's status and the docs use the same words. Problems of one API call (a bad field, a missing token)
are in webapi/http/problems.py.
"""

from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """The stage at which an upload failed."""

    UPLOAD = "upload"
    SUBMISSION = "submission"
    TRANSCODE = "transcode"
    OUTPUTS = "outputs"


class FailureCode(StrEnum):
    """Every reason to end in `errored`."""

    IMPORT_REFUSED = "import_refused"
    UPLOAD_EXPIRED = "upload_expired"
    SOURCE_UNREACHABLE = "source_unreachable"
    SOURCE_REFUSED = "source_refused"
    SOURCE_FORBIDDEN = "source_forbidden"
    SOURCE_TOO_LARGE = "source_too_large"
    FILE_EMPTY = "file_empty"
    FILE_TOO_LARGE = "file_too_large"
    SIZE_MISMATCH = "size_mismatch"
    NOT_A_VIDEO = "not_a_video"
    VIDEO_INCOMPLETE = "video_incomplete"
    VIDEO_TOO_LONG = "video_too_long"
    SOURCE_MISSING = "source_missing"
    SOURCE_CHANGED = "source_changed"
    PROVIDER_UNAVAILABLE = "provider_unavailable"
    PROVIDER_REFUSED = "provider_refused"
    LIMIT_REACHED = "limit_reached"
    SUBMISSION_UNRESOLVED = "submission_unresolved"
    SUBMISSIONS_EXHAUSTED = "submissions_exhausted"
    VIDEO_UNDECODABLE = "video_undecodable"
    TRANSCODE_FAILED = "transcode_failed"
    TRANSCODE_TIMEOUT = "transcode_timeout"
    JOB_LOST = "job_lost"
    OUTPUTS_INVALID = "outputs_invalid"
    OUTPUTS_MISMATCH = "outputs_mismatch"
    STORAGE_UNAVAILABLE = "storage_unavailable"


@dataclass(frozen=True)
class Advice:
    """What a failure code means for a person. ``retryable``: the same file may succeed on a retry."""

    stage: Stage
    retryable: bool
    action: str


# Of a file that the service fetched no other one can be uploaded; a retry fetches it again.
_CORRECT_AT_URL = "or correct the file at its source URL, then retry"
_NEW_FILE = f"Upload a playable video file, {_CORRECT_AT_URL}."
_RETRY = "Retry the video; nothing needs to be uploaded again."

ADVICE: dict[FailureCode, Advice] = {
    FailureCode.IMPORT_REFUSED: Advice(
        Stage.UPLOAD, False, "Apply another VideoUpload, whose file lies under imports/ and the name of its namespace."
    ),
    FailureCode.UPLOAD_EXPIRED: Advice(Stage.UPLOAD, True, "Ask for a retry and upload the file again."),
    FailureCode.SOURCE_UNREACHABLE: Advice(
        Stage.UPLOAD, True, "Check that the server of the source URL answers, then retry; the file is fetched again."
    ),
    FailureCode.SOURCE_REFUSED: Advice(
        Stage.UPLOAD, False, "Create the video again, with a URL that gives the file to everyone who has the URL."
    ),
    FailureCode.SOURCE_FORBIDDEN: Advice(
        Stage.UPLOAD,
        False,
        "Create the video again, with an https URL of a public server, which redirects only to such.",
    ),
    FailureCode.SOURCE_TOO_LARGE: Advice(
        Stage.UPLOAD, False, "Create the video again, with the URL of a smaller file."
    ),
    FailureCode.FILE_EMPTY: Advice(Stage.UPLOAD, False, _NEW_FILE),
    FailureCode.FILE_TOO_LARGE: Advice(Stage.UPLOAD, False, f"Upload a smaller file, {_CORRECT_AT_URL}."),
    FailureCode.SIZE_MISMATCH: Advice(
        Stage.UPLOAD, False, f"Upload the whole file of the declared size, {_CORRECT_AT_URL}."
    ),
    FailureCode.NOT_A_VIDEO: Advice(Stage.UPLOAD, False, _NEW_FILE),
    FailureCode.VIDEO_INCOMPLETE: Advice(
        Stage.UPLOAD, False, f"Upload the complete file, {_CORRECT_AT_URL}; this one is cut off."
    ),
    FailureCode.VIDEO_TOO_LONG: Advice(
        Stage.UPLOAD, False, f"Upload a shorter video or parts of this one, {_CORRECT_AT_URL}."
    ),
    FailureCode.SOURCE_MISSING: Advice(
        Stage.SUBMISSION, True, "Upload the file again, then retry; one with a source URL is fetched again."
    ),
    FailureCode.SOURCE_CHANGED: Advice(Stage.SUBMISSION, True, "Retry the video to accept the file that is there now."),
    FailureCode.PROVIDER_UNAVAILABLE: Advice(Stage.SUBMISSION, True, _RETRY),
    FailureCode.PROVIDER_REFUSED: Advice(Stage.SUBMISSION, False, "An operator must read the provider's answer."),
    FailureCode.LIMIT_REACHED: Advice(
        Stage.SUBMISSION,
        True,
        "Retry the video once fewer of this owner are waiting; nothing needs to be uploaded again.",
    ),
    FailureCode.SUBMISSION_UNRESOLVED: Advice(
        Stage.SUBMISSION, True, "Look for the job in the provider's dashboard, then retry; a retry may buy it again."
    ),
    FailureCode.SUBMISSIONS_EXHAUSTED: Advice(Stage.SUBMISSION, True, _RETRY),
    FailureCode.VIDEO_UNDECODABLE: Advice(
        Stage.TRANSCODE,
        False,
        "Upload another encoding of the video, such as H.264 in MP4; this file fails again.",
    ),
    FailureCode.TRANSCODE_FAILED: Advice(Stage.TRANSCODE, True, "Retry; if it fails again, upload another encoding."),
    FailureCode.TRANSCODE_TIMEOUT: Advice(Stage.TRANSCODE, True, _RETRY),
    FailureCode.JOB_LOST: Advice(Stage.TRANSCODE, True, _RETRY),
    FailureCode.OUTPUTS_INVALID: Advice(Stage.OUTPUTS, True, _RETRY),
    FailureCode.OUTPUTS_MISMATCH: Advice(
        Stage.OUTPUTS,
        False,
        "Upload another encoding of the video; the same file would give the same result.",
    ),
    FailureCode.STORAGE_UNAVAILABLE: Advice(Stage.OUTPUTS, True, _RETRY),
}


@dataclass(frozen=True)
class Failure:
    """Why the newest edition is `errored`. ``provider_answer``: raw, at most 4 KB, URLs redacted."""

    code: FailureCode
    message: str
    attempt: int
    provider_answer: str | None = None

    @property
    def advice(self) -> Advice:
        """Return what the code means for a person."""
        return ADVICE[self.code]
