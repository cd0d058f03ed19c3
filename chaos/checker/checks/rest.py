"""Invariants 2 and 3: every upload comes to rest within the bound, and stays there until a person asks."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from chaos.checker.journeys import Journey, journeys
from chaos.checker.violation import Rule, Violation
from chaos.checker.world import AT_REST, HistoryLine, World


def check(world: World) -> Iterator[Violation]:
    """Look at every way to rest, and at every step away from it."""
    for journey in journeys(world):
        if not journey.is_held:
            yield from _too_long(journey, world)
    for video in world.videos.values():
        left = _departures(world.history_of.get(video.video_id, ()))
        asked = video.edition - 1 + video.retries
        if left > asked:
            text = f"it left rest {left} times, and {asked} editions and retries were requested"
            yield Violation(Rule.STAYS_AT_REST, text, video.video_id)


def _too_long(journey: Journey, world: World) -> Iterator[Violation]:
    """Report an upload that is not at rest, or came to it too late. The bound counts from the last fault on its way."""
    bound, seconds = world.run.bound_seconds, round(journey.seconds(world.run.ended_at))
    if journey.ended_at is None:
        video = world.videos[journey.video_id]
        text = f"it is {video.phase} ({video.reason}) {seconds} s after it was requested: {video.message}"
        yield Violation(Rule.COMES_TO_REST, text, journey.video_id)
        return
    on_its_way = [fault.until for fault in world.faults if fault.overlaps(journey.begun_at, journey.ended_at)]
    late = round(journey.ended_at - max([journey.begun_at, *on_its_way]) - bound)
    if late > 0:
        text = f"it came to rest after {seconds} s, {late} s later than {round(bound)} s after its last fault"
        yield Violation(Rule.COMES_TO_REST, text, journey.video_id)


def _departures(history: Sequence[HistoryLine]) -> int:
    """Return how often an upload left `ready` or `errored`, also for the other of the two."""
    return sum(before.phase in AT_REST and after.phase != before.phase for before, after in pairwise(history))
