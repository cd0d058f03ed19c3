"""Where the causes of transitions come from: the history in Postgres, read as an operator of the service would.

The API tells what a video is, not yet how it came there. So the demo reads `video_events` through the
stack's `database_url`; phases, progress and URLs it takes from the API like any client.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from database.events import Events
from devstack.demo.errors import DemoError
from domain.errors import UnavailableError


@dataclass(frozen=True)
class Transition:
    """One line of the history. ``cause``: what made the operator look."""

    at: datetime
    phase: str
    reason: str
    cause: str
    message: str


History = Callable[[str], Sequence[Transition]]


def from_postgres(events: Events) -> History:
    """Return a reader of histories, oldest line first. The reader raises DemoError."""

    def read(video_id: str) -> Sequence[Transition]:
        try:
            found = events.of_video(video_id)
        except UnavailableError as error:
            raise DemoError(f"reading the history: {error}") from error
        return [Transition(e.at, str(e.phase), str(e.reason), str(e.cause), e.message) for e in found]

    return read


def seconds_by_phase(transitions: Sequence[Transition]) -> dict[str, float]:
    """Return how long each phase lasted, in the order they were entered; the last one has only begun."""
    spent: dict[str, float] = {}
    for before, after in pairwise(transitions):
        spent[before.phase] = spent.get(before.phase, 0.0) + (after.at - before.at).total_seconds()
    return spent
