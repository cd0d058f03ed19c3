"""Reads the transitions of a video and their causes from `video_events` in Postgres, like an operator of the service.

Phases, progress and URLs come from the API, as for any client.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from database.events import EventLog
from devstack.demo.errors import DemoError
from domain.errors import UnavailableError


@dataclass(frozen=True)
class Transition:
    """One line of the history. ``cause`` is what triggered the operator's pass."""

    at: datetime
    phase: str
    reason: str
    cause: str
    message: str


History = Callable[[str], Sequence[Transition]]


def from_postgres(events: EventLog) -> History:
    """Return a function that reads a video's history, oldest line first, and raises DemoError."""

    def read(video_id: str) -> Sequence[Transition]:
        try:
            rows = events.of_video(video_id)
        except UnavailableError as error:
            raise DemoError(f"reading the history: {error}") from error
        return [Transition(e.at, str(e.phase), str(e.reason), str(e.cause), e.message) for e in rows]

    return read


def seconds_by_phase(transitions: Sequence[Transition]) -> dict[str, float]:
    """Return how long each phase lasted, in the order of the phases. The last phase has not ended."""
    spent: dict[str, float] = {}
    for before, after in pairwise(transitions):
        spent[before.phase] = spent.get(before.phase, 0.0) + (after.at - before.at).total_seconds()
    return spent
