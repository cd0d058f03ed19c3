"""What the API asks of S3 and Kubernetes. The database's classes are used directly."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from domain.objects import ObjectFacts, SignedDownload, SignedUpload, StoredPart
from domain.video import DesiredState


class OriginalStorage(Protocol):
    """The bucket of the originals (storage/object_store.py)."""

    def presign_upload(
        self,
        key: str,
        *,
        content_type: str,
        declared_bytes: int | None,
        expires_seconds: int,
        content_md5: str | None = None,
    ) -> SignedUpload:
        """Sign a PUT. Sends no request."""
        ...

    def presign_download(self, key: str, *, filename: str, expires_seconds: int) -> SignedDownload:
        """Sign a GET that browsers save under ``filename``. Sends no request."""
        ...

    def head(self, key: str) -> ObjectFacts | None:
        """Return the facts of an object, None if there is none. Raises UnavailableError, RefusedError."""
        ...


class PlaybackStorage(Protocol):
    """The files of private videos (storage/object_store.py)."""

    def signed_playlist(self, video_id: str, path: str, *, signed_at: datetime, ends_at: datetime) -> str | None:
        """Return a media playlist with signed URLs, None if there is none. Raises UnavailableError, RefusedError.

        ``path``: below the video's prefix.
        """
        ...

    def presign_private(self, video_id: str, path: str, *, signed_at: datetime, ends_at: datetime) -> str:
        """Sign a GET of one file. Sends no request."""
        ...


class FileStorage(OriginalStorage, PlaybackStorage, Protocol):
    """All files but those that are sent in parts."""


class MultipartStorage(Protocol):
    """Originals that are sent in parts (storage/multipart.py). Calls to it raise UnavailableError, RefusedError."""

    def create(self, key: str, *, content_type: str) -> str:
        """Open an upload and return its id."""
        ...

    def parts(self, key: str, upload_id: str) -> tuple[StoredPart, ...] | None:
        """Return the parts that arrived, None if there is no such upload."""
        ...

    def presign_part(
        self, key: str, upload_id: str, number: int, *, part_bytes: int, expires_seconds: int
    ) -> SignedUpload:
        """Sign a PUT of one part. Sends no request."""
        ...

    def complete(self, key: str, upload_id: str, parts: Sequence[StoredPart], *, rejected: str | None = None) -> None:
        """Join the parts. Safe to repeat."""
        ...

    def abort(self, key: str, upload_id: str) -> None:
        """Abort an upload and delete its parts."""
        ...


class Publisher(Protocol):
    """Applies desired state to Kubernetes in the background (publisher.py)."""

    def enqueue(self, desired: DesiredState) -> None:
        """Apply the resource soon, or never: the operator's resync repairs what is missing. Never blocks."""
        ...
