"""Decides what a receiver's response means for its delivery. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from controller.notify.backoff import Backoff
from domain.notifications import ANSWER_MAX, DeliveryResult, DeliveryState, LeasedDelivery


class Disposition(Enum):
    """What a response means, whichever channel it came by."""

    ACCEPTED = auto()
    RETRY = auto()
    REJECTED = auto()  # the receiver will never accept this message
    GONE = auto()  # the receiver will accept no message any more


@dataclass(frozen=True)
class DeliveryResponse:
    """A receiver's response. ``status``: None if there was none; ``is_overloaded``: the receiver asks for fewer."""

    disposition: Disposition
    status: int | None
    text: str
    retry_after_seconds: float | None = None
    is_overloaded: bool = False


def one_line(raw: bytes | str) -> str:
    """Return a receiver's text as it may be stored and shown: characters that cannot be printed become spaces."""
    text = raw.decode("utf-8", errors="replace") if isinstance(raw, bytes) else raw
    return "".join(character if character.isprintable() else " " for character in text)


def result_of(response: DeliveryResponse, delivery: LeasedDelivery, backoff: Backoff, now: datetime) -> DeliveryResult:
    """Return the result to record."""
    text, is_gone = response.text[:ANSWER_MAX], response.disposition is Disposition.GONE
    match response.disposition:
        case Disposition.ACCEPTED:
            return DeliveryResult(DeliveryState.DELIVERED, response.status, text)
        case Disposition.REJECTED | Disposition.GONE:
            return DeliveryResult(DeliveryState.FAILED, response.status, text, is_gone=is_gone)
        case Disposition.RETRY:
            return _retried(response, delivery, backoff, now)


def _retried(response: DeliveryResponse, delivery: LeasedDelivery, backoff: Backoff, now: datetime) -> DeliveryResult:
    seconds = response.retry_after_seconds
    pause = backoff.pause(delivery.delivery_id, attempt=delivery.attempt, retry_after_seconds=seconds)
    held_until = None
    if response.is_overloaded or seconds is not None:
        # A receiver that asks for a pause means all its deliveries.
        held_until = now + (backoff.default_retry_after if seconds is None else timedelta(seconds=seconds))
    return DeliveryResult(
        DeliveryState.FAILED if pause is None else DeliveryState.PENDING,
        response.status,
        response.text[:ANSWER_MAX],
        next_at=None if pause is None else now + pause,
        held_until=held_until,
    )
