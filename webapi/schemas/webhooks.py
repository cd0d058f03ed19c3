"""Requests and responses about webhook endpoints and deliveries."""

from datetime import datetime, timedelta
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, Field, model_validator
from pydantic_core import PydanticCustomError

from database.deliveries import REPLAY_RANGE_MAX, DeliveryRow, Replayed
from database.webhook_endpoints import EndpointRow, SecretRow
from domain.notifications import (
    VIDEO_NOTIFICATION_KINDS,
    DeliveryState,
    NotificationKind,
    VideoNotificationKind,
    WebhookFormat,
)
from runtime.ssrf_guard import URL_MAX, URL_PATTERN
from webapi.schemas.requests import TEXT_PATTERN, UUID_PATTERN, VIDEO_ID, PageSize, PageToken, Request, each_once
from webapi.schemas.responses import ResponseModel

Url = Annotated[
    str,
    Field(
        max_length=URL_MAX,
        pattern=URL_PATTERN,
        description="a URL of visible ASCII characters that begins with https:// and contains no password",
    ),
]
Description = Annotated[str, Field(max_length=200, pattern=TEXT_PATTERN, description="text that is not blank")]
Kinds = Annotated[
    tuple[VideoNotificationKind, ...],
    Field(min_length=1, json_schema_extra={"uniqueItems": True}),
    AfterValidator(each_once),
]


class CreateWebhook(Request):
    """Register an endpoint."""

    url: Url
    description: Description | None = None
    kinds: Kinds = VIDEO_NOTIFICATION_KINDS
    format: WebhookFormat = WebhookFormat.STANDARD


class ChangeWebhook(Request):
    """Change some fields of an endpoint."""

    url: Url | None = None
    description: Description | None = None
    kinds: Kinds | None = None
    format: WebhookFormat | None = None
    enabled: bool | None = None


class ReplayWebhook(Request):
    """Send the messages from ``since`` until before ``until`` again."""

    since: AwareDatetime
    until: AwareDatetime

    @model_validator(mode="after")
    def _has_a_range(self) -> Self:
        if not timedelta() < self.until - self.since <= REPLAY_RANGE_MAX:
            raise PydanticCustomError(
                "range", "`until` must come after `since`, by {days} days at most", {"days": REPLAY_RANGE_MAX.days}
            )
        return self


class ListDeliveries(Request):
    """The query of the list of deliveries."""

    video_id: Annotated[str, VIDEO_ID] | None = None
    endpoint_id: Annotated[str, Field(pattern=UUID_PATTERN)] | None = None
    state: DeliveryState | None = None
    page_size: PageSize = 20
    page_token: PageToken = None


class SecretBody(ResponseModel):
    """A secret's id, without its value."""

    secret_id: UUID
    created_at: datetime


class NewSecretBody(SecretBody):
    """A new secret with its value, which is never shown again."""

    secret: str


class WebhookBody(ResponseModel):
    """An endpoint. ``disabled_reason``: ``person``, or ``gone`` if the endpoint responded with 410.

    ``held_until``: the endpoint asked for no deliveries until then.
    """

    id: UUID
    url: str
    description: str | None
    kinds: tuple[NotificationKind, ...]
    format: WebhookFormat
    enabled: bool
    disabled_at: datetime | None
    disabled_reason: Literal["person", "gone"] | None
    held_until: datetime | None
    secrets: tuple[SecretBody, ...]
    created_at: datetime


class NewWebhookBody(WebhookBody):
    """A new endpoint with its first secret, which is never shown again."""

    secret: str


class WebhookList(ResponseModel):
    """Every endpoint, oldest first."""

    webhooks: tuple[WebhookBody, ...]


class DeliveryBody(ResponseModel):
    """One notification to one receiver. ``endpoint_id`` is null if it is sent to the owner by e-mail."""

    id: UUID
    message_id: UUID
    kind: NotificationKind
    video_id: str | None
    edition: int
    sequence: int
    endpoint_id: UUID | None
    state: DeliveryState
    attempts: int
    next_attempt_at: datetime | None
    last_status: int | None
    last_answer: str | None
    created_at: datetime
    settled_at: datetime | None


class DeliveryList(ResponseModel):
    """A page of deliveries, newest first. ``next_page_token`` is null on the last page."""

    deliveries: tuple[DeliveryBody, ...]
    next_page_token: str | None


class ReplayedBody(ResponseModel):
    """How many deliveries are repeated. ``next_since``: where the next call begins, null after the last one."""

    replayed: int
    next_since: datetime | None


def webhook_body(row: EndpointRow) -> WebhookBody:
    """Return an endpoint without its secrets."""
    return WebhookBody(
        id=row.endpoint_id,
        url=row.url,
        description=row.description or None,
        kinds=row.kinds,
        format=row.format,
        enabled=row.disabled_at is None,
        disabled_at=row.disabled_at,
        disabled_reason=row.disabled_reason,  # type: ignore[arg-type]  # the table's own check
        held_until=row.held_until,
        secrets=tuple(SecretBody(**vars(secret)) for secret in row.secrets),
        created_at=row.created_at,
    )


def new_webhook_body(row: EndpointRow, secret: str) -> NewWebhookBody:
    """Return a new endpoint with its secret."""
    return NewWebhookBody(**dict(webhook_body(row)), secret=secret)


def new_secret_body(row: SecretRow, secret: str) -> NewSecretBody:
    """Return a new secret with its value."""
    return NewSecretBody(**vars(row), secret=secret)


def delivery_body(row: DeliveryRow) -> DeliveryBody:
    """Return a delivery; a test message names no video."""
    return DeliveryBody(
        id=row.delivery_id,
        message_id=row.notification_id,
        kind=row.kind,
        video_id=None if row.kind is NotificationKind.TEST else row.video_id,
        edition=row.edition,
        sequence=row.sequence,
        endpoint_id=row.endpoint_id,
        state=row.state,
        attempts=row.attempts,
        next_attempt_at=row.next_at,
        last_status=row.last_status,
        last_answer=row.last_answer,
        created_at=row.created_at,
        settled_at=row.settled_at,
    )


def replayed_body(replayed: Replayed) -> ReplayedBody:
    """Return the result of a replay."""
    return ReplayedBody(replayed=replayed.count, next_since=replayed.next_since)
