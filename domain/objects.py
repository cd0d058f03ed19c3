"""Values of object storage: facts about objects and parts, verdicts on originals and outputs, signed requests."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from domain.failures import FailureCode
from domain.profiles import OrderedProfile
from domain.video import Published, Rendition, object_version


@dataclass(frozen=True)
class SignedUpload:
    """A request that the client may make to storage until ``expires_at``.

    ``headers`` are signed and must be sent unchanged. A declared length is signed too, but is not among them: every
    HTTP client sends the length of its body itself, and browsers do not let a page set it.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    expires_at: datetime

    def __repr__(self) -> str:
        # The URL is a secret until it expires.
        return f"SignedUpload(method={self.method!r}, expires_at={self.expires_at!r})"


@dataclass(frozen=True)
class SignedDownload:
    """A URL that reads one object until ``expires_at``."""

    url: str
    expires_at: datetime

    def __repr__(self) -> str:
        # The URL is a secret until it expires.
        return f"SignedDownload(expires_at={self.expires_at!r})"


@dataclass(frozen=True)
class ObjectFacts:
    """An object as storage describes it. ``etag`` without quotes, ``last_modified`` in UTC."""

    etag: str
    last_modified: datetime
    file_bytes: int
    content_type: str

    @property
    def version(self) -> str:
        """Return a text that differs from that of any later object under the same key."""
        return object_version(self.etag, self.last_modified)


@dataclass(frozen=True)
class SourceProblem:
    """Why an original is not worth a paid job. ``version``: of the object that was judged."""

    code: FailureCode
    message: str
    version: str


@dataclass(frozen=True)
class ExpectedExtras:
    """What a job makes beside the stream. ``storyboard_from_seconds``: of videos that are as long; None for none."""

    storyboard_from_seconds: int | None = None
    mp4_heights: tuple[int, ...] = ()

    @classmethod
    def of_order(cls, ordered: OrderedProfile | None) -> Self:
        """Return what an attempt was ordered with."""
        if ordered is None:
            return cls()
        board = ordered.spec.storyboard
        return cls(board.interval_seconds if board else None, ordered.spec.mp4_heights)

    @classmethod
    def of_published(cls, published: Published) -> Self:
        """Return what a published edition has."""
        return cls(0 if published.has_storyboard else None, published.mp4_heights)


@dataclass(frozen=True)
class VerifiedOutputs:
    """A job's complete outputs. ``poster_key``: one of the attempt's thumbnails, None if there are none.

    ``mp4_heights``: the heights of the MP4 files.
    """

    renditions: tuple[Rendition, ...]
    duration_seconds: float
    poster_key: str | None
    has_storyboard: bool = False
    mp4_heights: tuple[int, ...] = ()

    @property
    def billed_minutes(self) -> float:
        """Return what the provider bills for them."""
        return self.duration_seconds / 60 * (len(self.renditions) + len(self.mp4_heights))


@dataclass(frozen=True)
class OutputsProblem:
    """Why a job's outputs cannot be published: the first problem. ``is_permanent``: the same file gives it again."""

    message: str
    is_permanent: bool = False


@dataclass(frozen=True)
class StoredFile:
    """An object in a listing. ``last_modified`` in UTC."""

    key: str
    file_bytes: int
    last_modified: datetime


@dataclass(frozen=True)
class FolderPage:
    """One page of the folders and files directly under a prefix. ``folders``: names without slashes."""

    folders: tuple[str, ...]
    files: tuple[StoredFile, ...]


@dataclass(frozen=True)
class StoredPart:
    """A part that has arrived. ``etag`` without quotes, ``last_modified`` in UTC."""

    number: int
    etag: str
    file_bytes: int
    last_modified: datetime


@dataclass(frozen=True)
class OpenUpload:
    """A multipart upload that was neither completed nor aborted. ``initiated_at`` in UTC."""

    key: str
    upload_id: str
    initiated_at: datetime
