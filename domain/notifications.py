"""Notifications as values: what integrators and owners are told, and what became of a delivery."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

from domain.failures import FailureCode


class NotificationKind(StrEnum):
    """What is told. Only a person asks for the last one."""

    READY = "video.ready"
    ERRORED = "video.errored"
    DELETED = "video.deleted"
    TEST = "webhook.test"


VideoNotificationKind = Literal[NotificationKind.READY, NotificationKind.ERRORED, NotificationKind.DELETED]


VIDEO_NOTIFICATION_KINDS: tuple[VideoNotificationKind, ...] = (
    NotificationKind.READY,
    NotificationKind.ERRORED,
    NotificationKind.DELETED,
)


@dataclass(frozen=True)
class NotifiedFailure:
    """Why an edition failed, without the provider's raw words."""

    code: FailureCode
    message: str


@dataclass(frozen=True)
class Notification:
    """Something to be told. ``sequence`` rises with the video; 0 where an earlier release wrote none.

    ``email``: the owner's, if the token told one. ``is_playable``: whether some edition could be played then.
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


WEBHOOK = "webhook"
MAIL = "mail"
CHANNELS = (WEBHOOK, MAIL)

# How much of a receiver's answer is kept, in bytes and in characters.
ANSWER_MAX = 1024


class DeliveryState(StrEnum):
    """What is known of one delivery."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True)
class Endpoint:
    """Where a webhook goes, and what signs it."""

    endpoint_id: UUID
    url: str
    secrets: tuple[str, ...]


@dataclass(frozen=True)
class LeasedDelivery:
    """A delivery that is ours to make, for the ``attempt``-th time. Without an endpoint it goes by mail."""

    delivery_id: UUID
    attempt: int
    notification: Notification
    endpoint: Endpoint | None


@dataclass(frozen=True)
class DeliveryResult:
    """What became of one attempt. ``next_at``: when the next one is due, if there is one.

    ``held_until``: until when the endpoint wants to be left alone; ``is_gone``: it wants nothing any more.
    """

    state: DeliveryState
    status: int | None
    answer: str
    next_at: datetime | None = None
    held_until: datetime | None = None
    is_gone: bool = False
