"""From a receiver's answer to what becomes of the delivery: pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from controller.notify.backoff import Backoff
from domain.notifications import ANSWER_MAX, DeliveryResult, DeliveryState, LeasedDelivery


class Disposition(Enum):
    """What an answer means, whatever it came by."""

    ACCEPTED = auto()
    AGAIN = auto()
    NEVER = auto()  # this message will not be taken
    GONE = auto()  # no message will be taken any more


@dataclass(frozen=True)
class DeliveryResponse:
    """What came back. ``status``: None when nothing did; ``is_full``: the receiver has more than it can take."""

    fate: Disposition
    status: int | None
    text: str
    retry_after_seconds: float | None = None
    is_full: bool = False


def one_line(raw: bytes | str) -> str:
    """Return a receiver's text as it may be stored and shown: whatever cannot be printed becomes a space."""
    text = raw.decode("utf-8", errors="replace") if isinstance(raw, bytes) else raw
    return "".join(character if character.isprintable() else " " for character in text)


def outcome_of(answer: DeliveryResponse, taken: LeasedDelivery, schedule: Backoff, now: datetime) -> DeliveryResult:
    """Return what to put on record."""
    text = answer.text[:ANSWER_MAX]
    match answer.fate:
        case Disposition.ACCEPTED:
            return DeliveryResult(DeliveryState.DELIVERED, answer.status, text)
        case Disposition.NEVER | Disposition.GONE:
            return DeliveryResult(DeliveryState.FAILED, answer.status, text, is_gone=answer.fate is Disposition.GONE)
        case Disposition.AGAIN:
            return _again(answer, taken, schedule, now)


def _again(answer: DeliveryResponse, taken: LeasedDelivery, schedule: Backoff, now: datetime) -> DeliveryResult:
    desired = answer.retry_after_seconds
    pause = schedule.pause(taken.delivery_id, attempt=taken.attempt, retry_after_seconds=desired)
    held_until = None
    if answer.is_full or desired is not None:
        # What was said of one message is meant for all of them.
        held_until = now + (schedule.default_retry_after if desired is None else timedelta(seconds=desired))
    if pause is None:
        return DeliveryResult(DeliveryState.FAILED, answer.status, answer.text[:ANSWER_MAX], held_until=held_until)
    return DeliveryResult(
        DeliveryState.PENDING, answer.status, answer.text[:ANSWER_MAX], next_at=now + pause, held_until=held_until
    )
