"""The API's responses as frozen values, and the request `NewVideo`. client.py makes the calls."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypedDict

from pydantic import BaseModel, ConfigDict

MULTIPART = "multipart"


class _ResponseModel(BaseModel):
    # Fields of a newer API are kept, so that `--json` prints the response as it came.
    model_config = ConfigDict(frozen=True, extra="allow")


class UploadMethod(_ResponseModel):
    """Whether the file is sent in one piece or in parts."""

    mode: str


class Upload(_ResponseModel):
    """Where to send the file. The URL is a secret until it expires."""

    video_id: str
    upload_url: str
    storage_key: str
    method: str
    headers: dict[str, str]
    upload: UploadMethod

    @property
    def is_in_parts(self) -> bool:
        """Return whether the file is sent in parts."""
        return self.upload.mode == MULTIPART


class FetchedVideo(_ResponseModel):
    """A video whose file the service fetches."""

    video_id: str


class PartUrl(_ResponseModel):
    """Where to send one part. The URL is a secret until it expires."""

    part_number: int
    upload_url: str
    method: str
    headers: dict[str, str]
    size_bytes: int


class ArrivedPart(_ResponseModel):
    """A part that has arrived in storage."""

    part_number: int
    size_bytes: int


class Parts(_ResponseModel):
    """The parts of a file that have arrived, and the numbers of those that are missing."""

    size_bytes: int
    part_size: int
    part_count: int
    parts: tuple[ArrivedPart, ...]
    missing: tuple[int, ...]


class Rendition(_ResponseModel):
    """One variant of the stream."""

    width: int | None
    height: int | None
    bandwidth: int
    codecs: str | None


class VideoFailure(_ResponseModel):
    """Why a video failed, or why its last file was refused."""

    code: str
    message: str
    retryable: bool
    what_to_do: str


class Video(_ResponseModel):
    """A video as its owner sees it. ``edition_status`` is the phase of its newest edition."""

    id: str
    title: str
    status: str
    edition_status: str
    progress: int
    reason: str
    waiting_for: str | None
    what_to_do: str | None
    deadline_at: datetime | None
    is_playable: bool
    playback_url: str | None
    thumbnail_url: str | None
    duration_seconds: float | None
    renditions: tuple[Rendition, ...]
    error: VideoFailure | None
    size_bytes: int | None
    created_at: datetime
    deleted_at: datetime | None
    restorable_until: datetime | None
    # A service before this field cannot wait for a change.
    revision: str | None = None
    # None of a service before these fields.
    edition: int | None = None
    visibility: str | None = None
    profile: str | None = None
    region: str | None = None
    poster: str | None = None
    # None also if its owner leaves it to the installation.
    embed_origins: tuple[str, ...] | None = None


class Page(_ResponseModel):
    """A page of videos, newest first. ``next_page_token`` is None on the last page."""

    videos: tuple[Video, ...]
    next_page_token: str | None


class Caption(_ResponseModel):
    """Captions in one language. Players offer them once ``status`` is `published`."""

    language: str
    label: str
    default: bool
    status: str
    url: str | None


class Captions(_ResponseModel):
    """The captions of a video, by language."""

    captions: tuple[Caption, ...]


class Event(_ResponseModel):
    """One transition of a video. ``cause`` is what made the service act."""

    at: datetime
    cause: str
    status: str
    reason: str
    message: str
    attempt: int


class Events(_ResponseModel):
    """The newest transitions, the newest last."""

    events: tuple[Event, ...]


class Choices(TypedDict, total=False):
    """What can be chosen when a video is created. None or absent: the default of the service."""

    visibility: str | None
    profile: str | None
    region: str | None


@dataclass(frozen=True)
class NewVideo:
    """The request to create a video. If ``upload_mode`` is None, the service decides by size.

    ``visibility``, ``profile`` and ``region``: None for the default of the service.
    """

    title: str
    filename: str
    content_type: str
    size_bytes: int
    metadata: dict[str, str] = field(default_factory=dict)
    upload_mode: Literal["single", "multipart"] | None = None
    visibility: Literal["public", "private"] | None = None
    profile: str | None = None
    region: str | None = None

    def as_body(self) -> dict[str, object]:
        """Return the request body."""
        body: dict[str, object] = {
            "title": self.title,
            "filename": self.filename,
            "content_type": self.content_type,
            "size_bytes": self.size_bytes,
        }
        if self.metadata:
            body["metadata"] = dict(self.metadata)
        if self.upload_mode is not None:
            body["upload_mode"] = self.upload_mode
        chosen = {"visibility": self.visibility, "profile": self.profile, "region": self.region}
        return body | {name: value for name, value in chosen.items() if value is not None}


@dataclass(frozen=True)
class PolledVideo:
    """A video, and when to ask for it again: None if it is at rest."""

    video: Video
    again_in_seconds: float | None
