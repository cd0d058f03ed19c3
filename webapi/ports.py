"""What the API needs of its neighbours. The real ones are in database/, storage/ and crds/, joined in wiring.py."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from database.creation import Created, NewVideo
from database.deliveries import DeliveryPage, DeliveryRow, DeliverySelection, Replayed
from database.idempotency_keys import IdempotencyKey
from database.overview import Overview
from database.queries import Cursor, Page, Selection
from database.retranscodes import Allowance
from database.webhook_endpoints import EndpointChange, EndpointRow
from domain.notifications import NotificationKind
from domain.objects import ObjectFacts, SignedDownload, StoredPart
from domain.records import EventRow, VideoRow
from domain.video import DesiredState


class VideoQueries(Protocol):
    """The rows, to be read. Every method raises UnavailableError."""

    def get(self, video_id: str) -> VideoRow | None:
        """Return a row, whoever owns it."""
        ...

    def of_owner(self, selection: Selection, *, after: Cursor | None, at_most: int) -> Page:
        """Return a page of one owner's videos, newest first."""
        ...

    def dead_letters(self, *, after: Cursor | None, at_most: int) -> Page:
        """Return a page of the videos whose newest edition failed, whoever owns them, the latest failure first."""
        ...


class History(Protocol):
    """The transitions of videos."""

    def of_video(self, video_id: str, *, at_most: int) -> list[EventRow]:
        """Return the newest lines, oldest first. Raises UnavailableError."""
        ...


class Overviews(Protocol):
    """The working set as a whole."""

    def look(self, now: datetime) -> Overview:
        """Count what is where. Raises UnavailableError."""
        ...


class VideoCommands(Protocol):
    """The rows, to be changed by what clients ask for. Every method raises UnavailableError."""

    def create(self, new: NewVideo, *, per_hour: int, key: IdempotencyKey | None = None) -> Created:
        """Insert a row, or return the one that ``key`` made before.

        Raises LimitReachedError, KeyInUseError, KeyReusedError.
        """
        ...

    def open_upload(self, video_id: str, *, upload_id: str, part_bytes: int, instead_of: str | None) -> VideoRow:
        """Record a multipart upload that was opened, unless somebody else was faster or nothing is waited for."""
        ...

    def confirm(self, video_id: str) -> VideoRow:
        """Record the client's word that the bytes are there. Raises VideoGoneError, as all that follow."""
        ...

    def retry(self, video_id: str) -> VideoRow:
        """Ask for another try, if the video can be retried."""
        ...

    def retranscode(self, video_id: str, *, allowance: Allowance) -> VideoRow:
        """Ask for a new edition, if the newest one can be played. Raises RetranscodesSpentError."""
        ...

    def delete(self, video_id: str) -> VideoRow:
        """Delete the video until somebody restores it."""
        ...

    def restore(self, video_id: str) -> VideoRow:
        """Take a deletion back, if it is not too late."""
        ...


class Claims(Protocol):
    """What callbacks say."""

    def record(self, *, video_id: str, attempt: int, job_id: str) -> None:
        """Keep a claim and nudge the operator. Raises UnavailableError."""
        ...


class SignedUpload(Protocol):
    """A request that the client may make at storage until ``expires_at``."""

    @property
    def method(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def expires_at(self) -> datetime: ...


class Storage(Protocol):
    """The bucket of the originals."""

    def presign_upload(
        self, key: str, *, content_type: str, declared_bytes: int | None, expires_seconds: int
    ) -> SignedUpload:
        """Sign a PUT without asking anybody."""
        ...

    def presign_download(self, key: str, *, filename: str, expires_seconds: int) -> SignedDownload:
        """Sign a GET that browsers save under a name, without asking anybody."""
        ...

    def head(self, key: str) -> ObjectFacts | None:
        """Return what storage knows of an object, None when it has none. Raises UnavailableError, RefusedError."""
        ...


class Parts(Protocol):
    """Originals that come in parts. Every method but the signing one raises UnavailableError, RefusedError."""

    def create(self, key: str, *, content_type: str) -> str:
        """Open an upload and return its id."""
        ...

    def parts(self, key: str, upload_id: str) -> tuple[StoredPart, ...] | None:
        """Return the parts that arrived, None when there is no such upload any more."""
        ...

    def presign_part(
        self, key: str, upload_id: str, number: int, *, part_bytes: int, expires_seconds: int
    ) -> SignedUpload:
        """Sign a PUT of one part without asking anybody."""
        ...

    def complete(self, key: str, upload_id: str, parts: Sequence[StoredPart], *, rejected: str | None = None) -> None:
        """Join the parts; repeating it is no trouble."""
        ...

    def abort(self, key: str, upload_id: str) -> None:
        """Give an upload up, with its parts."""
        ...


class Publisher(Protocol):
    """The way of a committed wish into Kubernetes."""

    def enqueue(self, desired: DesiredState) -> None:
        """Apply the resource soon, or never: the operator's sweep finds what is missing. Never blocks."""
        ...


class Endpoints(Protocol):
    """Who is told by webhook. Every method raises UnavailableError."""

    def all(self) -> list[EndpointRow]:
        """Return every endpoint, oldest first."""
        ...

    def get(self, endpoint_id: UUID) -> EndpointRow | None:
        """Return one endpoint."""
        ...

    def create(self, *, url: str, description: str, kinds: Sequence[NotificationKind], secret: str) -> EndpointRow:
        """Register an endpoint with its first secret. Raises TooManyError."""
        ...

    def change(self, endpoint_id: UUID, change: EndpointChange) -> EndpointRow | None:
        """Change an endpoint and return it as it is then; None when there is none, as below."""
        ...

    def delete(self, endpoint_id: UUID) -> bool:
        """Forget an endpoint with its secrets and its deliveries; False when there is none."""
        ...

    def add_secret(self, endpoint_id: UUID, secret: str) -> EndpointRow | None:
        """Let one more secret sign. Raises TooManyError."""
        ...

    def remove_secret(self, endpoint_id: UUID, secret_id: UUID) -> EndpointRow | None:
        """Let a secret sign no more. Raises LastSecretError."""
        ...


class Deliveries(Protocol):
    """The log of deliveries. Every method raises UnavailableError."""

    def page(self, selection: DeliverySelection, *, after: Cursor | None, at_most: int) -> DeliveryPage:
        """Return a page, newest first."""
        ...

    def replay(self, delivery_id: UUID) -> DeliveryRow | None:
        """Make a delivery again from the start; None when there is none, as below."""
        ...

    def replay_range(self, endpoint_id: UUID, *, since: datetime, until: datetime, at_most: int) -> Replayed | None:
        """Tell an endpoint again what was told in some time."""
        ...

    def test(self, endpoint_id: UUID) -> DeliveryRow | None:
        """Send a test to an endpoint."""
        ...


class Checkable(Protocol):
    """A neighbour without which no request can be answered."""

    def check(self) -> None:
        """Raise UnavailableError when it does not answer."""
        ...
