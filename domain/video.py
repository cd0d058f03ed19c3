"""The nouns: the desired state of one video, and what the operator has observed of it.

`DesiredState` is all that a resource's spec is made from (crds/spec.py); `ObservedState` is all that its status is
made from (crds/status.py). Postgres holds both (database/), Kubernetes shows them. The rules that lead
from one observation to the next are in controller/rules/machine.py.
"""

import base64
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.failures import Failure
from domain.profiles import DEFAULT_PROFILE, ORIGINAL_HASH, OrderedProfile

GROUP = "video.uploads.dev"
ORIGIN_LABEL = f"{GROUP}/origin"
# Requests that people make with kubectl alone; docs/videoupload.md explains them.
RECONCILE_REQUESTED_ANNOTATION = f"{GROUP}/reconcile-requested-at"
RETRY_REQUESTED_ANNOTATION = f"{GROUP}/retry-requested-at"
PAUSED_ANNOTATION = f"{GROUP}/paused"
# Of a TranscodeProfile; docs/profiles.md explains them.
APPROVED_PLAN_ANNOTATION = f"{GROUP}/approved-plan"
ROLLOUT_RESUMED_ANNOTATION = f"{GROUP}/rollout-resumed-at"

# A DNS label: what the API makes, and what people may call their imports. It becomes part of keys, URLs and signatures.
VIDEO_ID_PATTERN = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
VIDEO_ID_MAX = 63


# Where counters end: a row can still count on from here, and the schema of the kind has the same bound.
COUNTER_MAX = 10**9


class Phase(StrEnum):
    """Where the newest edition is. The same six words in the API, the CRD, SQL and the docs."""

    PENDING = "pending"
    UPLOADING = "uploading"
    UPLOADED = "uploaded"
    PROCESSING = "processing"
    READY = "ready"
    ERRORED = "errored"


AT_REST = frozenset({Phase.READY, Phase.ERRORED})
BEFORE_THE_FILE = frozenset({Phase.PENDING, Phase.UPLOADING})


class Origin(StrEnum):
    """Who owns the desired state: our row (`api`), or a resource that a user applies (`kubernetes`)."""

    API = "api"
    KUBERNETES = "kubernetes"


class UploadMode(StrEnum):
    """How the bytes are sent: one PUT, or parts."""

    SINGLE = "single"
    MULTIPART = "multipart"


class Visibility(StrEnum):
    """Who can read a video's files: everyone who has a URL, or only holders of a URL that we signed for a while."""

    PUBLIC = "public"
    PRIVATE = "private"


class DeletionPolicy(StrEnum):
    """What becomes of an import's video that plays when its resource is deleted."""

    DELETE = "delete"
    RETAIN = "retain"


class Reason(StrEnum):
    """Why an upload is where it is: stable CamelCase words for conditions and the REASON column."""

    WAITING_FOR_UPLOAD_URL = "WaitingForUploadUrl"
    WAITING_FOR_FILE = "WaitingForFile"
    WAITING_FOR_SOURCE = "WaitingForSource"
    FETCHING_SOURCE = "FetchingSource"
    SOURCE_DELAYED = "SourceDelayed"
    FILE_REJECTED = "FileRejected"
    WAITING_FOR_SUBMISSION = "WaitingForSubmission"
    WAITING_FOR_PROFILE = "WaitingForProfile"
    SUBMISSION_DELAYED = "SubmissionDelayed"
    SUBMISSION_UNCERTAIN = "SubmissionUncertain"
    SUBMISSION_HELD = "SubmissionHeld"
    ATTEMPT_FAILED = "AttemptFailed"
    SUBMISSIONS_PAUSED = "SubmissionsPaused"
    WAITING_FOR_CAPACITY = "WaitingForCapacity"
    WAITING_FOR_OWN_JOBS = "WaitingForOwnJobs"
    DAILY_LIMIT_REACHED = "DailyLimitReached"
    SPENDING_STOPPED = "SpendingStopped"
    TRANSCODING = "Transcoding"
    PUBLISHING = "Publishing"
    PUBLISHED = "Published"
    FAILED = "Failed"
    FILE_REMOVED = "FileRemoved"


# An upload that failed, with its file and without it: people see why it failed.
HAS_FAILED = frozenset({Reason.FAILED, Reason.FILE_REMOVED})


class Hindrance(StrEnum):
    """What keeps the operator from seeing how far an upload is. People see it instead of the reason, which stays."""

    STORAGE_AWAY = "StorageAway"
    STORAGE_REFUSES_KEY = "StorageRefusesKey"
    JOBS_UNKNOWN = "JobsUnknown"


# What a limit of the running jobs, or the provider's health, holds back: uploads with these reasons form one queue.
WAITING_FOR_A_PLACE = frozenset({Reason.WAITING_FOR_CAPACITY, Reason.WAITING_FOR_OWN_JOBS, Reason.SUBMISSIONS_PAUSED})
# What a limit of the day holds back.
WAITING_FOR_A_DAY = frozenset({Reason.DAILY_LIMIT_REACHED, Reason.SPENDING_STOPPED})

# The message of an upload that waits for its file.
FILE_NOT_ARRIVED = "the file has not arrived yet"
# That of one whose file is fetched from a URL, as long as others are fetched.
SOURCE_NOT_BEGUN = "the file is to be fetched from its URL"


@dataclass(frozen=True)
class DesiredState:
    """What the owner wants of one video. ``revision`` rises with each change; ``declared_bytes``: by the client."""

    video_id: str
    revision: int
    origin: Origin
    owner: str
    title: str
    filename: str
    content_type: str
    declared_bytes: int | None
    upload_mode: UploadMode
    region: str
    storage_key: str
    profile: str = DEFAULT_PROFILE
    visibility: Visibility = Visibility.PUBLIC
    deletion_policy: DeletionPolicy = DeletionPolicy.DELETE
    edition: int = 1
    retries: int = 0
    confirmations: int = 0
    deleted: bool = False


class Orientation(StrEnum):
    """How a picture lies when it is shown."""

    PORTRAIT = "portrait"
    LANDSCAPE = "landscape"


# The container of a file that verification neither recognised nor could refuse.
UNKNOWN_CONTAINER = "unknown"


@dataclass(frozen=True)
class SourceFacts:
    """The original as storage described it when it was verified. ``etag`` without quotes.

    ``orientation``: of a picture that its container turns, as phones write it; None for all others. ``key``: where the
    accepted file is kept; None if it stays where it was sent, as an import and the uploads of earlier releases do.
    ``duration_seconds``: what the container states, None where that is not read.
    """

    etag: str
    last_modified: datetime
    file_bytes: int
    container: str
    orientation: Orientation | None = None
    key: str | None = None
    duration_seconds: float | None = None

    @property
    def is_recognised(self) -> bool:
        """Return whether verification recognised the container."""
        return self.container != UNKNOWN_CONTAINER

    @property
    def version(self) -> str:
        """Return a text that differs from that of any other object version."""
        return object_version(self.etag, self.last_modified)


@dataclass(frozen=True)
class Rejection:
    """An object version that failed verification, and the client's confirmations when it did."""

    code: str
    message: str
    version: str
    confirmations: int


@dataclass(frozen=True)
class Rendition:
    """One variant of a published stream. ``uri`` is relative to the video's prefix; rates in bits/s."""

    uri: str
    bandwidth: int
    average_bandwidth: int | None = None
    width: int | None = None
    height: int | None = None
    codecs: str | None = None
    frame_rate: float | None = None


@dataclass(frozen=True)
class Published:
    """The outputs that the stable playlist is made from: committed first, written and read back after.

    ``profile``, ``profile_hash``: what it was made with; None for editions from before profiles. ``mp4_heights``: the
    heights of the MP4 files that were made.
    """

    edition: int
    attempt: int
    duration_seconds: float
    renditions: tuple[Rendition, ...]
    has_poster: bool
    profile: str | None = None
    profile_hash: str | None = None
    has_storyboard: bool = False
    mp4_heights: tuple[int, ...] = ()

    @property
    def made_with(self) -> str:
        """Return the hash of the profile that it was made with."""
        return self.profile_hash or ORIGINAL_HASH

    @property
    def folder(self) -> str:
        """Return the name of the folder that the attempt's job wrote to: every rendition's URI begins with it."""
        return self.renditions[0].uri.partition("/")[0] if self.renditions else str(self.attempt)


@dataclass(frozen=True)
class ObservedState:
    """What the operator last saw and concluded. One commit to Postgres per ``revision``.

    ``edition``, ``retries``: the desired ones this responds to. ``attempt``: number of the newest paid
    submission, 0 before the first. ``attempt_floor``: attempts up to this number belong to earlier editions
    and retries, and do not count against the submissions allowed for this one. ``is_playable``: a stable
    playlist was read back. ``is_paused``: a person paused this upload, and its deadline with it. ``retry_token``: the
    newest request for a retry by annotation that was taken up. ``confirmations_floor``: those up to this number
    were about files of earlier tries. ``folder``: where the newest attempt's job writes; None if the attempt is from
    before folders had random names. ``is_withdrawn``: the video was deleted, and its public files are, or are being,
    moved to where they cannot be read; true until the last one of a restored video is back. ``hindrance``: None as
    soon as the next look succeeds. ``is_private``: the files of the attempts, and what was published of them, lie below
    the private prefix; decided when the first attempt is stored, and changed once its files were copied.
    ``is_relocating``: files may lie below the other prefix too, because they are copied there or still to be removed.
    ``ordered``: what the newest attempt was ordered with; None before the first, and for attempts from before profiles.
    """

    revision: int
    phase: Phase
    phase_since: datetime
    reason: Reason
    message: str
    deadline_at: datetime | None
    edition: int = 1
    retries: int = 0
    attempt: int = 0
    attempt_floor: int = 0
    confirmations_floor: int = 0
    job_id: str | None = None
    progress_percent: int = 0
    progress_at: datetime | None = None
    rejections: int = 0
    rejected: Rejection | None = None
    source: SourceFacts | None = None
    published: Published | None = None
    is_playable: bool = False
    failure: Failure | None = None
    is_paused: bool = False
    retry_token: str | None = None
    folder: str | None = None
    is_withdrawn: bool = False
    hindrance: Hindrance | None = None
    is_private: bool = False
    ordered: OrderedProfile | None = None
    is_relocating: bool = False

    @property
    def outputs_folder(self) -> str:
        """Return the name of the folder that the newest attempt's job writes to."""
        return self.folder or str(self.attempt)

    @property
    def confirmations_answered(self) -> int:
        """Return how many confirmations a rejection has answered, or belong to earlier tries."""
        return self.rejected.confirmations if self.rejected else self.confirmations_floor


def shown_phase(desired: DesiredState, observed: ObservedState) -> Phase:
    """Return the phase people see: `ready` as long as any edition is playable, else the newest edition's."""
    if observed.is_playable and not desired.deleted:
        return Phase.READY
    return observed.phase


def is_misplaced(desired: DesiredState, observed: ObservedState) -> bool:
    """Return whether the files are to lie below the other prefix: who can play the video was changed since."""
    return observed.attempt > 0 and observed.is_private is not (desired.visibility is Visibility.PRIVATE)


def must_relocate(desired: DesiredState, observed: ObservedState) -> bool:
    """Return whether files are to be copied or removed because of that. While an edition is made, they wait."""
    is_due = observed.is_relocating or is_misplaced(desired, observed)
    return is_due and observed.phase in AT_REST and not desired.deleted


def is_retryable(observed: ObservedState) -> bool:
    """Return whether a retry is possible: the newest edition failed, or a person must decide about its submission."""
    return observed.phase is Phase.ERRORED or (
        observed.phase is Phase.UPLOADED and observed.reason is Reason.SUBMISSION_HELD
    )


def is_retranscodable(observed: ObservedState) -> bool:
    """Return whether a new edition can be requested: the newest is playable. A failed one is retried instead."""
    return observed.phase is Phase.READY and observed.is_playable


def object_version(etag: str, last_modified: datetime) -> str:
    """Name one version of an object: S3 buckets without versioning have no better handle."""
    return f"{etag}@{last_modified.isoformat()}"


def is_video_id(text: str) -> bool:
    """Return whether the text is a valid video id."""
    return re.fullmatch(VIDEO_ID_PATTERN, text) is not None


def new_video_id() -> str:
    """Return 128 random bits as 26 characters that are valid as a resource name and in a URL."""
    return base64.b32encode(secrets.token_bytes(16)).decode().rstrip("=").lower()
