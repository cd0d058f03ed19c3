"""Invariant 10: each end of an edition is one notification of each kind, delivered at least once under one id."""

from collections.abc import Iterator
from typing import NamedTuple

from chaos.checker.violation import Rule, Violation
from chaos.checker.world import NotificationRecord, World

_TEST = "webhook.test"


class _End(NamedTuple):
    """What is notified once."""

    video_id: str
    kind: str
    edition: int


def check(world: World) -> Iterator[Violation]:
    """Compare the rows with each other, with the ends of editions, and with what arrived."""
    rows = [(_end_of(row), row.notification_id) for row in world.notifications if row.kind != _TEST]
    arrived = [
        (_End(receipt.video_id, receipt.type, receipt.edition), receipt.notification_id, receipt.at)
        for receipt in world.receipts
        if receipt.type != _TEST
    ]
    ids = dict[_End, set[str]]()
    ends = dict[str, set[_End]]()
    for end, notification_id in [*rows, *((end, notification_id) for end, notification_id, _ in arrived)]:
        ids.setdefault(end, set()).add(notification_id)
        ends.setdefault(notification_id, set()).add(end)
    for end, of_end in ids.items():
        if len(of_end) > 1:
            text = f"{end.kind} of edition {end.edition} has {len(of_end)} ids: {', '.join(sorted(of_end))}"
            yield Violation(Rule.NOTIFIED_ONCE, text, end.video_id)
    for notification_id, of_id in ends.items():
        if len(of_id) > 1:
            said = ", ".join(f"{end.kind} of edition {end.edition}" for end in sorted(of_id))
            text = f"one id, {notification_id}, stands for {said}"
            yield Violation(Rule.NOTIFIED_ONCE, text, min(of_id).video_id)
    recorded = {end for end, _ in rows}
    for end, _, at in arrived:
        if end not in recorded and not world.is_lost_with_dump(at):
            text = f"{end.kind} of edition {end.edition} arrived, and no row says so"
            yield Violation(Rule.NOTIFIED_ONCE, text, end.video_id)
    yield from _missing(world, recorded)
    yield from _undelivered(world, {notification_id for _, notification_id, _ in arrived})


def _end_of(row: NotificationRecord) -> _End:
    return _End(row.video_id, row.kind, row.edition)


def _missing(world: World, recorded: set[_End]) -> Iterator[Violation]:
    for video in world.videos.values():
        end = _End(video.video_id, f"video.{video.phase}", video.observed_edition)
        if video.is_at_rest and end not in recorded:
            text = f"edition {end.edition} ended {video.phase}, and there is no notification of it"
            yield Violation(Rule.NOTIFIED_ONCE, text, video.video_id)
    deleted = {end.video_id for end in recorded if end.kind == "video.deleted"}
    for video_id in world.tombstones:
        if video_id not in deleted:
            yield Violation(Rule.NOTIFIED_ONCE, "it was purged, and there is no notification of it", video_id)


def _undelivered(world: World, arrived: set[str]) -> Iterator[Violation]:
    """Find what never arrived, unless it waits to be sent again."""
    deliveries = {delivery.notification_id: delivery for delivery in world.deliveries}
    since = world.receiving_since
    for row in world.notifications:
        if since is None or row.created_at < since or row.notification_id in arrived:
            continue
        delivery = deliveries.get(row.notification_id)
        if delivery is not None and delivery.state == "pending" and not world.is_old(delivery.next_at):
            continue
        state = "was never sent" if delivery is None else f"is {delivery.state} after {delivery.attempts} attempts"
        text = f"{row.kind} of edition {row.edition} {state}, and it has not reached the receiver"
        yield Violation(Rule.NOTIFIED_ONCE, text, row.video_id)
