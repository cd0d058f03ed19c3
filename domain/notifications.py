"""Notifications as values: what integrators and owners receive, and the result of each delivery."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

from domain.failures import FailureCode


class NotificationKind(StrEnum):
    """The kinds of notifications. Only an administrator requests the last one."""

    UPLOADED = "video.uploaded"
    PROCESSING = "video.processing"
    READY = "video.ready"
    ERRORED = "video.errored"
    DELETED = "video.deleted"
    CAPTIONS = "video.captions"
    TEST = "webhook.test"


class WebhookFormat(StrEnum):
    """The form of the messages to an endpoint: Standard Webhooks' own, or CloudEvents 1.0 in structured JSON."""

    STANDARD = "standard"
    CLOUDEVENTS = "cloudevents"


VideoNotificationKind = Literal[
    NotificationKind.UPLOADED,
    NotificationKind.PROCESSING,
    NotificationKind.READY,
    NotificationKind.ERRORED,
    NotificationKind.DELETED,
    NotificationKind.CAPTIONS,
]


# What an endpoint gets unless it names its kinds. Owners get mail about no other kind.
VIDEO_NOTIFICATION_KINDS: tuple[VideoNotificationKind, ...] = (
    NotificationKind.READY,
    NotificationKind.ERRORED,
    NotificationKind.DELETED,
)
# Written only while an endpoint asks for them.
PROGRESS_KINDS = (NotificationKind.UPLOADED, NotificationKind.PROCESSING)


@dataclass(frozen=True)
class NotifiedFailure:
    """Why an edition failed, without the provider's raw words."""

    code: FailureCode
    message: str


@dataclass(frozen=True)
class Notification:
    """One notification. ``sequence`` rises with the video; 0 if an earlier release wrote none.

    ``email``: the owner's address, if the token had one. ``is_playable``: whether an edition could be played then;
    ``is_private``: by holders of a signed URL only. ``languages``: those of the captions, if it is about them.
    """

    notification_id: UUID
    kind: NotificationKind
    video_id: str
    edition: int
    owner: str
    created_at: datetime
    sequence: int
    title: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    email: str | None = None
    failure: NotifiedFailure | None = None
    is_playable: bool = False
    is_private: bool = False
    languages: tuple[str, ...] | None = None

    @property
    def has_public_stream(self) -> bool:
        """Return whether an edition could be played then by everyone who has its URL."""
        return self.is_playable and not self.is_private


WEBHOOK = "webhook"
MAIL = "mail"
CHANNELS = (WEBHOOK, MAIL)

# How much of a receiver's response is kept, in bytes and in characters.
ANSWER_MAX = 1024


class DeliveryState(StrEnum):
    """The state of one delivery."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True)
class Endpoint:
    """A webhook's URL, the secrets that sign each delivery, and the form of its messages."""

    endpoint_id: UUID
    url: str
    secrets: tuple[str, ...]
    format: WebhookFormat = WebhookFormat.STANDARD


@dataclass(frozen=True)
class LeasedDelivery:
    """A delivery leased for its ``attempt``-th attempt. Without an endpoint it goes by mail."""

    delivery_id: UUID
    attempt: int
    notification: Notification
    endpoint: Endpoint | None


@dataclass(frozen=True)
class DeliveryResult:
    """The result of one attempt. ``next_at``: when the next one is due, if any.

    ``held_until``: the endpoint asked for no deliveries until then; ``is_gone``: it asked for none any more.
    """

    state: DeliveryState
    status: int | None
    answer: str
    next_at: datetime | None = None
    held_until: datetime | None = None
    is_gone: bool = False
