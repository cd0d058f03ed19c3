"""Bodies of responses. videos/serializers.py makes them from rows."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from crds.models import ShownReason
from domain.bulk import BulkAction, LeftOut
from domain.failures import Stage
from domain.records import Cause
from domain.rollouts import RolloutState
from domain.video import Origin, Phase, Reason, UploadMode, Visibility


class ResponseModel(BaseModel):
    """Base of all responses."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def as_json(self) -> bytes:
        """Return the bytes to send."""
        return self.model_dump_json().encode()


class UploadPlan(ResponseModel):
    """How the file is to be sent."""

    mode: UploadMode


class MultipartPlan(UploadPlan):
    """How the file is cut: ``part_count`` parts of ``part_size`` bytes; the last one may be smaller."""

    part_size: int
    part_count: int


class UploadTarget(ResponseModel):
    """Where to send the file, with exactly these ``headers``."""

    video_id: str
    region: str
    upload_url: str
    storage_key: str
    method: str
    headers: dict[str, str]
    expires_at: datetime
    status: Phase
    upload: MultipartPlan | UploadPlan


class FetchPlan(ResponseModel):
    """The file is fetched from its ``source_url``; nothing is to be sent."""

    mode: Literal["url"] = "url"


class FetchedVideo(ResponseModel):
    """A video whose file the service fetches."""

    video_id: str
    region: str
    storage_key: str
    status: Phase
    upload: FetchPlan = FetchPlan()


class OriginalDownload(ResponseModel):
    """Where to download the original file until ``expires_at``."""

    video_id: str
    url: str
    expires_at: datetime
    filename: str
    size_bytes: int


class PartBody(ResponseModel):
    """A part that has arrived."""

    part_number: int
    size_bytes: int
    etag: str


class PartList(ResponseModel):
    """The parts of a file that have arrived, and the numbers of those that are missing."""

    video_id: str
    size_bytes: int
    part_size: int
    part_count: int
    parts: tuple[PartBody, ...]
    missing: tuple[int, ...]


class SignedPart(ResponseModel):
    """Where to send one part of exactly ``size_bytes`` bytes."""

    part_number: int
    upload_url: str
    method: str
    headers: dict[str, str]
    size_bytes: int
    expires_at: datetime


class SignedParts(ResponseModel):
    """Where to send the requested parts, in the order of the request."""

    video_id: str
    part_size: int
    part_count: int
    parts: tuple[SignedPart, ...]


class ConfirmedVideo(ResponseModel):
    """The confirmation is recorded; no further call is needed."""

    status: Literal["processing_queued"] = "processing_queued"
    video_id: str


class VideoError(ResponseModel):
    """Why the newest edition failed, or why the last file was refused. ``retryable``: the same file may succeed."""

    code: str
    message: str
    stage: Stage
    attempt: int
    retryable: bool
    what_to_do: str


class RenditionBody(ResponseModel):
    """One variant of the published stream; bandwidths in bits/s."""

    width: int | None
    height: int | None
    bandwidth: int
    average_bandwidth: int | None
    codecs: str | None
    frame_rate: float | None


class MadeWith(ResponseModel):
    """The profile that the published edition was made with, and its hash when the job was ordered."""

    profile: str
    hash: str


class Mp4File(ResponseModel):
    """One rendition as a file."""

    height: int
    url: str


class VideoBody(ResponseModel):
    """One video. ``edition_status`` is the phase of its newest edition, ``status`` that of the video.

    ``poster``: whether ``thumbnail_url`` shows a picture that the owner chose, from the moment at which it was chosen,
    or the one of the transcode; null if there is none, as before the video can be played.
    ``embed_origins``: the sites that may show it; null for those of the installation, which bound every list too.
    ``submissions_left``: how many more jobs may be paid for before a person has to ask for a retry.
    """

    id: str
    region: str
    title: str
    status: Phase
    revision: str
    playback_url: str | None
    thumbnail_url: str | None
    poster: Literal["automatic", "own"] | None
    is_playable: bool
    visibility: Visibility
    embed_origins: tuple[str, ...] | None
    progress: int = Field(ge=0, le=100)
    reason: ShownReason
    waiting_for: str | None
    what_to_do: str | None
    phase_since: datetime
    next_check_at: datetime | None
    deadline_at: datetime | None
    attempt: int
    submissions_left: int
    edition: int
    edition_status: Phase
    error: VideoError | None
    renditions: tuple[RenditionBody, ...]
    profile: str
    made_with: MadeWith | None
    storyboard_url: str | None
    mp4_files: tuple[Mp4File, ...]
    duration_seconds: float | None
    filename: str
    content_type: str
    size_bytes: int | None
    content_md5: str | None
    source_url: str | None
    metadata: dict[str, str]
    created_at: datetime
    deleted_at: datetime | None
    restorable_until: datetime | None


class VideoList(ResponseModel):
    """A page of videos, newest first. ``next_page_token`` is null on the last page."""

    videos: tuple[VideoBody, ...]
    next_page_token: str | None


class AdminVideoBody(VideoBody):
    """A video as administrators see it. ``provider_answer``: the transcoding service's raw error."""

    owner: str
    origin: Origin
    provider_answer: str | None


class AdminVideoList(ResponseModel):
    """A page of all owners' videos. It may hold fewer than wanted, or none, while ``next_page_token`` is not null."""

    videos: tuple[AdminVideoBody, ...]
    next_page_token: str | None


class LeftOutBody(ResponseModel):
    """Videos that a bulk request leaves out for one reason: how many, and the first of them."""

    reason: LeftOut
    videos: int
    detail: str
    first: tuple[str, ...] = Field(description="ids, five at most")


class BulkPlanBody(ResponseModel):
    """What a bulk request would do now; nothing was changed. ``plan`` is null if there is nothing to do.

    ``matched``: videos that the filters want, on this page; ``planned``: those of them that would be requested, the
    others are in ``left_out``. ``minutes``: the length of the planned ones, ``billed_minutes``: times what is made of
    each, and ``dollars`` for that are the most that one job for each costs; ``without_estimate`` ones are not in it.
    """

    action: BulkAction
    at: datetime
    matched: int
    planned: int
    left_out: tuple[LeftOutBody, ...]
    minutes: float
    billed_minutes: float
    dollars: float
    without_estimate: int
    plan: str | None
    expires_at: datetime
    next_page_token: str | None


class BulkResultBody(ResponseModel):
    """What became of a plan. ``remaining`` is above 0 if time ran out: send the same plan again.

    ``requested``: by this call; ``already_requested``: by an earlier one, of this plan or another.
    """

    action: BulkAction
    planned: int
    requested: int
    already_requested: int
    left_out: tuple[LeftOutBody, ...]
    remaining: int


class PhaseCount(ResponseModel):
    """Uploads in one phase. ``oldest_since``: when the oldest of them entered it."""

    phase: Phase
    uploads: int
    overdue: int
    oldest_since: datetime | None


class ReasonCount(ResponseModel):
    """Uploads that are waiting for the same reason."""

    reason: str
    uploads: int


class BreakerBody(ResponseModel):
    """Whether the operator is holding submissions back because the provider fails, and how many uploads wait."""

    is_open: bool
    uploads: int


class CallbacksBody(ResponseModel):
    """Callbacks in the last hour. ``finished_unclaimed``: jobs whose end was found by polling."""

    claims: int
    claims_by_five_minutes: tuple[int, ...] = Field(description="twelve numbers, the oldest first")
    last_claim_at: datetime | None
    finished: int
    finished_unclaimed: int


class OwnerSpendingBody(ResponseModel):
    """What one owner's paid submissions of today bill. ``owner`` is null for all imports together."""

    owner: str | None
    submissions: int
    billed_minutes: float


class SpendingBody(ResponseModel):
    """Paid submissions since midnight of UTC, and their minutes: the length of each video times its variants.

    A job that still runs counts with the most that it can bill. ``owners`` are the ten with the most minutes.
    """

    since: datetime
    submissions: int
    billed_minutes: float
    owners: tuple[OwnerSpendingBody, ...]


class RegionCount(ResponseModel):
    """Uploads of one region that are not at rest. ``hindered``: those that wait for an upstream."""

    region: str
    uploads: int
    overdue: int
    hindered: int


class AdminOverview(ResponseModel):
    """Counts of the uploads in progress or lately at rest. ``is_complete`` is false if there are more than are counted.

    ``held`` wait for a person to decide about their submission; of ``uncertain`` ones the provider's answer was lost.
    """

    at: datetime
    is_complete: bool
    phases: tuple[PhaseCount, ...]
    overdue: int
    waiting: tuple[ReasonCount, ...]
    held: int
    uncertain: int
    paused: int
    dead_letters: int
    breaker: BreakerBody
    callbacks: CallbacksBody
    spending: SpendingBody
    regions: tuple[RegionCount, ...]


class RolloutBody(ResponseModel):
    """How far a profile's plan is: its videos, what they cost, and when the last is ready if it goes on as lately.

    ``planned``, ``minutes`` and ``dollars`` are the most that it can be, as counted before the first video was started;
    ``outdated`` are those that are left, null before they are counted.
    """

    plan: str
    state: RolloutState
    is_approved: bool
    counted_at: datetime | None
    planned: int
    minutes: float
    dollars: float
    outdated: int | None
    running: int
    done: int
    failed: int
    spent_dollars: float
    ends_at: datetime | None


class AdminProfileBody(ResponseModel):
    """A transcode profile. ``is_offered``: whether new videos may name it; ``rollout``: null if it declares none."""

    name: str
    hash: str
    is_offered: bool
    rollout: RolloutBody | None


class AdminProfileList(ResponseModel):
    """All transcode profiles, by name. ``namespace``: where their resources are."""

    at: datetime
    namespace: str
    profiles: tuple[AdminProfileBody, ...]


class CaptionBody(ResponseModel):
    """Captions in one language. ``url``: of their text once they are published."""

    language: str
    label: str
    default: bool
    status: Literal["pending", "published"]
    url: str | None


class CaptionList(ResponseModel):
    """The captions of a video, by language."""

    captions: tuple[CaptionBody, ...]


class EventBody(ResponseModel):
    """One transition. ``status`` is the phase of the newest edition."""

    at: datetime
    cause: Cause
    status: Phase
    reason: Reason
    message: str
    attempt: int


class EventList(ResponseModel):
    """The newest transitions of a video, the newest last."""

    events: tuple[EventBody, ...]
