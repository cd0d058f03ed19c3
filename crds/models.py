"""The VideoUpload kind as pydantic models: the same fields and bounds as crds/videouploads.yaml.

A unit test compares the two both ways. What the API server checks beyond shape (transitions, the
storage key's prefix) is written as CEL in the YAML only. The way from and to the nouns of
domain/video.py is in crds/spec.py and crds/status.py.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from crds.resource import REQUEST_MAX
from domain.failures import FailureCode, Stage
from domain.reasons import SHOWN_REASONS
from domain.video import DEFAULT_PROFILE, Phase, Reason, UploadMode

OWNER_MAX = 255
TITLE_MAX = 500
FILENAME_MAX = 255
CONTENT_TYPE_MAX = 255
REGION_MAX = 63
STORAGE_KEY_MAX = 1024
MESSAGE_MAX = 1024
PROVIDER_ANSWER_MAX = 4096
RENDITIONS_MAX = 16
# The largest object S3 can hold; the service's own limit is a setting of storage/.
FILE_BYTES_MAX = 5 * 1024**4
# What an integer column holds: the row must be able to follow every spec that the API server took.
COUNTER_MAX = 2**31 - 1

STORAGE_KEY_PATTERN = r"^(uploads|imports)/[^/\x00-\x1f\x7f]+/[^\x00-\x1f\x7f]+$"
# Postgres takes no NUL, a terminal no escapes.
TEXT_PATTERN = r"^[^\x00-\x1f\x7f]*$"
PROFILE_PATTERN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"


class ConditionType(StrEnum):
    """The first three follow kstatus; the others are ours."""

    READY = "Ready"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"
    SOURCE_VERIFIED = "SourceVerified"
    JOB_SUBMITTED = "JobSubmitted"
    OUTPUTS_VERIFIED = "OutputsVerified"


class ConditionStatus(StrEnum):
    """Kubernetes' three values of a condition."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


def _in_utc(value: datetime) -> datetime:
    # Postgres answers in its session's zone. One spelling per instant keeps an idle pass from writing.
    return value.astimezone(UTC)


def _one_of_ours(value: str) -> str:
    if value not in SHOWN_REASONS:
        raise ValueError(f"{value} is no reason")
    return value


ShownReason = Annotated[str, AfterValidator(_one_of_ours), Field(json_schema_extra={"enum": SHOWN_REASONS})]
Instant = Annotated[AwareDatetime, AfterValidator(_in_utc)]
Count = Annotated[int, Field(ge=0)]
Message = Annotated[str, Field(max_length=MESSAGE_MAX)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class Source(_Model):
    """Where the original lies. Fixed for the life of the resource."""

    storage_key: str = Field(min_length=1, max_length=STORAGE_KEY_MAX, pattern=STORAGE_KEY_PATTERN)
    region: str = Field(default="", max_length=REGION_MAX, pattern=TEXT_PATTERN)


class Spec(_Model):
    """What is wanted. A field that a GitOps import leaves out gets its default from the API server."""

    source: Source
    owner: str = Field(default="", max_length=OWNER_MAX, pattern=TEXT_PATTERN)
    title: str = Field(default="", max_length=TITLE_MAX, pattern=TEXT_PATTERN)
    filename: str = Field(default="", max_length=FILENAME_MAX, pattern=TEXT_PATTERN)
    content_type: str = Field(default="", max_length=CONTENT_TYPE_MAX, pattern=TEXT_PATTERN)
    declared_bytes: int | None = Field(default=None, ge=1, le=FILE_BYTES_MAX)
    upload_mode: UploadMode = UploadMode.SINGLE
    profile: str = Field(default=DEFAULT_PROFILE, min_length=1, max_length=63, pattern=PROFILE_PATTERN)
    edition: int = Field(default=1, ge=1, le=COUNTER_MAX)
    retries: int = Field(default=0, ge=0, le=COUNTER_MAX)
    confirmations: int = Field(default=0, ge=0, le=COUNTER_MAX)
    deleted: bool = False
    revision: int = Field(default=1, ge=1)


class RejectedStatus(_Model):
    """The newest object version that failed verification."""

    code: str = Field(min_length=1, max_length=64)
    message: Message
    version: str = Field(max_length=512)
    confirmations: Count


class WorkStatus(_Model):
    """The newest edition: how far it is, exactly as the operator last committed it to Postgres."""

    phase: Phase
    since: Instant
    reason: Reason
    message: Message
    deadline_at: Instant | None = None
    edition: int = Field(ge=1)
    retries: Count
    attempt: Count
    attempt_floor: Count
    confirmations_floor: Count
    job_id: str | None = Field(default=None, min_length=1, max_length=128)
    progress_percent: int = Field(ge=0, le=100)
    progress_at: Instant | None = None
    rejections: Count
    rejected: RejectedStatus | None = None


class SourceStatus(_Model):
    """The original as storage described it when it was verified."""

    etag: str = Field(min_length=1, max_length=256)
    last_modified: Instant
    file_bytes: int = Field(ge=0, le=FILE_BYTES_MAX)
    container: str = Field(max_length=64)


class RenditionStatus(_Model):
    """One variant of the published stream."""

    uri: str = Field(min_length=1, max_length=1024)
    bandwidth: Count
    average_bandwidth: Count | None = None
    width: Count | None = None
    height: Count | None = None
    codecs: str | None = Field(default=None, max_length=255)
    frame_rate: float | None = Field(default=None, ge=0)


class PublishedStatus(_Model):
    """The outputs behind the stable playlist."""

    edition: int = Field(ge=1)
    attempt: Count
    duration_seconds: float = Field(ge=0)
    has_poster: bool
    renditions: tuple[RenditionStatus, ...] = Field(max_length=RENDITIONS_MAX)


class FailureStatus(_Model):
    """Why the newest edition is errored. Stage, retryable and action follow from the code."""

    code: FailureCode
    message: Message
    attempt: Count
    stage: Stage
    retryable: bool
    action: Message
    provider_answer: str | None = Field(default=None, max_length=PROVIDER_ANSWER_MAX)


class Condition(_Model):
    """A Kubernetes condition."""

    type: ConditionType
    status: ConditionStatus
    reason: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z]+$")
    message: Message
    last_transition_time: Instant
    observed_generation: Count


class Status(_Model):
    """What the operator observed: complete enough that a restored Postgres can learn it back."""

    # -1 is the API server's default: no pass has looked yet.
    observed_generation: int = Field(ge=-1)
    revision: Count
    phase: Phase
    reason: ShownReason
    message: Message
    progress: str | None = Field(default=None, max_length=8)
    deadline: Instant | None = None
    waiting_for: Message | None = None
    what_to_do: Message | None = None
    # Words, because the time of the next look is computed and never stored: it would be a write for each look.
    next_check: str | None = Field(default=None, max_length=64)
    submissions_left: Count
    is_playable: bool
    is_paused: bool = False
    work: WorkStatus
    source: SourceStatus | None = None
    published: PublishedStatus | None = None
    failure: FailureStatus | None = None
    conditions: tuple[Condition, ...] = Field(max_length=16)
    last_handled_reconcile_at: str | None = Field(default=None, max_length=REQUEST_MAX)
    last_handled_retry_at: str | None = Field(default=None, max_length=REQUEST_MAX)


def clipped(text: str) -> str:
    """Return a message that fits. A status that is refused for its length would be refused at every pass."""
    return text if len(text) <= MESSAGE_MAX else text[: MESSAGE_MAX - 1] + "…"
