"""When a delivery is retried, and when never."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from controller.notify.backoff import ATTEMPTS_MAX, PAUSES_SECONDS, Backoff
from controller.notify.outcome import DeliveryResponse, Disposition, result_of
from domain.notifications import DeliveryState, Endpoint, LeasedDelivery
from tests.support.builders.notifications import NOON, a_notification

SCHEDULE = Backoff()


def taken(attempt: int = 1) -> LeasedDelivery:
    return LeasedDelivery(
        UUID(int=3), attempt, a_notification(), Endpoint(UUID(int=4), "https://a.example.com", ("s",))
    )


def again(status: int | None = 500, **changes: object) -> DeliveryResponse:
    return DeliveryResponse(Disposition.RETRY, status, "no", **changes)  # type: ignore[arg-type]


def test_an_accepted_delivery_is_settled() -> None:
    result = result_of(DeliveryResponse(Disposition.ACCEPTED, 204, ""), taken(), SCHEDULE, NOON)

    assert (result.state, result.status, result.next_at) == (DeliveryState.DELIVERED, 204, None)


@pytest.mark.parametrize("attempt", range(1, ATTEMPTS_MAX))
def test_after_each_failure_it_waits_longer(attempt: int) -> None:
    result = result_of(again(), taken(attempt), SCHEDULE, NOON)
    least = timedelta(seconds=PAUSES_SECONDS[attempt - 1])

    assert result.state is DeliveryState.PENDING
    assert result.next_at is not None
    assert least <= result.next_at - NOON <= 1.1 * least
    assert result.held_until is None


def test_retries_end_after_three_days_and_not_before() -> None:
    assert timedelta(days=3) <= timedelta(seconds=sum(PAUSES_SECONDS)) <= timedelta(days=3.5)
    assert result_of(again(), taken(ATTEMPTS_MAX), SCHEDULE, NOON).state is DeliveryState.FAILED


def test_deliveries_that_failed_together_are_retried_apart() -> None:
    pauses = {SCHEDULE.pause(uuid4(), attempt=4, retry_after_seconds=None) for _ in range(50)}
    assert len(pauses) == 50


@pytest.mark.parametrize(("desired", "pause"), [(3600.0, 3600.0), (1.0, PAUSES_SECONDS[0])])
def test_a_receiver_may_ask_for_more_time_but_not_for_less(desired: float, pause: float) -> None:
    result = result_of(again(503, retry_after_seconds=desired, is_overloaded=True), taken(), SCHEDULE, NOON)

    assert result.next_at is not None
    assert pause <= (result.next_at - NOON).total_seconds() <= 1.1 * pause
    assert result.held_until == NOON + timedelta(seconds=desired)


def test_a_receiver_at_its_limit_is_paused_for_five_seconds() -> None:
    assert result_of(again(429, is_overloaded=True), taken(), SCHEDULE, NOON).held_until == NOON + timedelta(seconds=5)


def test_a_receiver_that_is_gone_is_disabled() -> None:
    result = result_of(DeliveryResponse(Disposition.GONE, 410, ""), taken(), SCHEDULE, NOON)

    assert (result.state, result.is_gone) == (DeliveryState.FAILED, True)


def test_an_email_that_is_refused_for_good_is_abandoned_at_once() -> None:
    result = result_of(DeliveryResponse(Disposition.REJECTED, 550, "no such user"), taken(), SCHEDULE, NOON)

    assert (result.state, result.is_gone) == (DeliveryState.FAILED, False)


def test_a_long_answer_is_cut() -> None:
    result = result_of(DeliveryResponse(Disposition.RETRY, 500, "x" * 5000), taken(), SCHEDULE, NOON)

    assert len(result.answer) == 1024
