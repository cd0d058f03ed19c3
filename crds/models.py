"""The VideoUpload kind as pydantic models: the same fields and bounds as crds/videouploads.yaml.

A unit test compares the two both ways. What the API server checks beyond shape (transitions, the
storage key's prefix) is written as CEL in the YAML only. crds/spec.py and crds/status.py translate
these models to the dataclasses of domain/video.py and back.
"""

from dataclasses import MISSING, fields
from datetime import UTC, datetime
from enum import StrEnum
from functools import reduce
from operator import or_
from types import UnionType
from typing import Annotated, Any, get_args, get_type_hints

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, create_model
from pydantic.alias_generators import to_camel

from crds.profiles import STATIC_MP4S_MAX, ProfileHash, ProfileSpecBody
from crds.resource import REQUEST_MAX
from domain.failures import FailureCode, Stage
from domain.profiles import DEFAULT_PROFILE, PROFILE_NAME_MAX, PROFILE_PATTERN
from domain.reasons import SHOWN_REASONS
from domain.video import COUNTER_MAX, DeletionPolicy, ObservedState, Orientation, Phase, UploadMode, Visibility

OWNER_MAX = 255
TITLE_MAX = 500
FILENAME_MAX = 255
CONTENT_TYPE_MAX = 255
REGION_MAX = 63
STORAGE_KEY_MAX = 1024
MESSAGE_MAX = 1024
PROVIDER_ANSWER_MAX = 4096
SIGNATURE_MAX = 128
RENDITIONS_MAX = 16
# The largest object S3 can hold; the service's own limit is a setting of storage/.
FILE_BYTES_MAX = 5 * 1024**4

STORAGE_KEY_PATTERN = r"^(uploads|imports)/[^/\x00-\x1f\x7f]+/[^\x00-\x1f\x7f]+$"
ORIGINAL_KEY_PATTERN = r"^originals/[a-z0-9-]{1,63}/[a-z0-9.]{1,64}$"
# No NUL, which Postgres refuses, and no escapes, which a terminal would obey.
TEXT_PATTERN = r"^[^\x00-\x1f\x7f]*$"
FOLDER_PATTERN = r"^[1-9][0-9]{0,8}(-[a-z2-7]{1,52})?$"


class ConditionType(StrEnum):
    """Types of conditions. The first three follow kstatus; the others are ours."""

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
    # Postgres answers in its session's time zone. One spelling for each instant keeps an idle pass from writing.
    return value.astimezone(UTC)


def _is_shown_reason(value: str) -> str:
    if value not in SHOWN_REASONS:
        raise ValueError(f"{value} is not a reason")
    return value


ShownReason = Annotated[str, AfterValidator(_is_shown_reason), Field(json_schema_extra={"enum": SHOWN_REASONS})]
Instant = Annotated[AwareDatetime, AfterValidator(_in_utc)]
Count = Annotated[int, Field(ge=0)]
Message = Annotated[str, Field(max_length=MESSAGE_MAX)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


# The fields of ObservedState and the fields of the status that hold them: some at the top, all others under `work`.
STATUS_FIELDS = {
    "revision": "revision",
    "is_playable": "is_playable",
    "is_paused": "is_paused",
    "source": "source",
    "published": "published",
    "failure": "failure",
    "retry_token": "last_handled_retry_at",
}
WORK_FIELDS = {
    field.name: "since" if field.name == "phase_since" else field.name
    for field in fields(ObservedState)
    if field.name not in STATUS_FIELDS
}

_BOUNDED: dict[Any, Any] = {int: Count, str: Message, datetime: Instant}


def _with_other_work(model: type[BaseModel]) -> type[BaseModel]:
    """Add the fields of ObservedState that the model leaves out: bounded by type, optional if they have a default."""
    types = get_type_hints(ObservedState)
    others: dict[str, Any] = {
        WORK_FIELDS[field.name]: (_bounded(types[field.name]), ... if field.default is MISSING else field.default)
        for field in fields(ObservedState)
        if field.name in WORK_FIELDS and WORK_FIELDS[field.name] not in model.model_fields
    }
    return create_model(model.__name__, __base__=model, __doc__=model.__doc__, __module__=__name__, **others)


def _bounded(hint: Any) -> Any:
    if isinstance(hint, UnionType):
        return reduce(or_, (_bounded(arm) for arm in get_args(hint)))
    return _BOUNDED.get(hint, hint)


class SourceSpec(_Model):
    """Where the original lies. Fixed for the life of the resource."""

    storage_key: str = Field(min_length=1, max_length=STORAGE_KEY_MAX, pattern=STORAGE_KEY_PATTERN)
    region: str = Field(default="", max_length=REGION_MAX, pattern=TEXT_PATTERN)


class Spec(_Model):
    """What is wanted. The API server fills in the defaults that a GitOps import leaves out."""

    source: SourceSpec
    owner: str = Field(default="", max_length=OWNER_MAX, pattern=TEXT_PATTERN)
    title: str = Field(default="", max_length=TITLE_MAX, pattern=TEXT_PATTERN)
    filename: str = Field(default="", max_length=FILENAME_MAX, pattern=TEXT_PATTERN)
    content_type: str = Field(default="", max_length=CONTENT_TYPE_MAX, pattern=TEXT_PATTERN)
    declared_bytes: int | None = Field(default=None, ge=1, le=FILE_BYTES_MAX)
    upload_mode: UploadMode = UploadMode.SINGLE
    # Other words were taken and ignored before schema version 5, so they may be stored: only the schema refuses them.
    profile: str = Field(
        default=DEFAULT_PROFILE, json_schema_extra={"pattern": PROFILE_PATTERN, "maxLength": PROFILE_NAME_MAX}
    )
    # Left out where it is public: a default of the schema would change specs that were signed without it.
    visibility: Visibility | None = None
    # Likewise.
    deletion_policy: DeletionPolicy | None = None
    edition: int = Field(default=1, ge=1, le=COUNTER_MAX)
    retries: int = Field(default=0, ge=0, le=COUNTER_MAX)
    confirmations: int = Field(default=0, ge=0, le=COUNTER_MAX)
    deleted: bool = False
    revision: int = Field(default=1, ge=1, le=COUNTER_MAX)


class RejectedStatus(_Model):
    """The newest object version that failed verification."""

    code: str = Field(min_length=1, max_length=64)
    message: Message
    version: str = Field(max_length=512)
    confirmations: Count


class OrderedStatus(_Model):
    """What the newest attempt was ordered with."""

    name: str = Field(min_length=1, max_length=PROFILE_NAME_MAX)
    hash: ProfileHash
    spec: ProfileSpecBody


@_with_other_work
class WorkStatus(_Model):
    """The newest edition: how far it is, exactly as the operator last committed it to Postgres.

    Only the fields that the CRD requires or bounds by more than their type are named here; the others are generated.
    """

    deadline_at: Instant | None = None
    edition: int = Field(ge=1)
    retries: Count
    attempt: Count
    attempt_floor: Count
    confirmations_floor: Count
    job_id: str | None = Field(default=None, min_length=1, max_length=128)
    progress_percent: int = Field(ge=0, le=100)
    rejections: Count
    rejected: RejectedStatus | None = None
    folder: str | None = Field(default=None, min_length=1, max_length=62, pattern=FOLDER_PATTERN)
    ordered: OrderedStatus | None = None


class SourceStatus(_Model):
    """The original as storage described it when it was verified."""

    etag: str = Field(min_length=1, max_length=256)
    last_modified: Instant
    file_bytes: int = Field(ge=0, le=FILE_BYTES_MAX)
    container: str = Field(max_length=64)
    orientation: Orientation | None = None
    key: str | None = Field(default=None, max_length=138, pattern=ORIGINAL_KEY_PATTERN)
    duration_seconds: float | None = Field(default=None, ge=0)


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
    profile: str | None = Field(default=None, max_length=PROFILE_NAME_MAX)
    profile_hash: ProfileHash | None = None
    has_storyboard: bool = False
    mp4_heights: tuple[Count, ...] = Field(default=(), max_length=STATIC_MP4S_MAX, json_schema_extra={"default": None})


class FailureStatus(_Model):
    """Why the newest edition is errored. Its stage, retryable and action follow from the code."""

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
    """What the operator observed: complete enough to restore the row from it."""

    # -1 is the API server's default, before the first pass.
    observed_generation: int = Field(ge=-1)
    revision: int = Field(ge=0, le=COUNTER_MAX)
    phase: Phase
    reason: ShownReason
    message: Message
    progress: str | None = Field(default=None, max_length=8)
    deadline: Instant | None = None
    waiting_for: Message | None = None
    what_to_do: Message | None = None
    # Words instead of a time: the time of the next check would be written anew after every check.
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
    signature: str | None = Field(default=None, max_length=SIGNATURE_MAX)


def clipped(text: str) -> str:
    """Shorten a message to what the CRD accepts: a status that is too long would be refused at every pass."""
    return text if len(text) <= MESSAGE_MAX else text[: MESSAGE_MAX - 1] + "…"
