"""Rollouts: a library that is transcoded anew because its profile changed. What people declare, and what may start now.

A plan is one state of a profile that has a rollout: another hash is another plan, with an approval of its own.
database/rollouts.py stores plans and starts their videos; crds/transcodeprofiles.yaml bounds what people may declare.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import accumulate
from typing import Any

from pydantic import TypeAdapter

from domain.profiles import OrderedProfile

# Fewer are no rate: the first of a thousand may fail by chance.
JUDGED_MIN = 10
# The rate is that of the newest ones, so that a long rollout notices at once that everything fails.
JUDGED_MAX = 100
# Uploads of the same day must find minutes left.
SHARE_OF_DAY = 0.8
# What cannot be read cannot be paused: a declaration that is older starts nothing.
DECLARATION_LASTS = timedelta(minutes=1)
# Fewer give no time of the end that is worth showing.
_PACE_MIN = 10


class RolloutOrder(StrEnum):
    """Which videos come first, by when they were created."""

    NEWEST = "newest"
    OLDEST = "oldest"


class RolloutApproval(StrEnum):
    """Whether a person has to approve each plan, or none has to."""

    MANUAL = "manual"
    AUTO = "auto"


class RolloutState(StrEnum):
    """Where a plan is: the reason of its condition."""

    PLANNING = "Planning"
    AWAITING_APPROVAL = "AwaitingApproval"
    PAUSED = "Paused"
    FAILURE_RATE_EXCEEDED = "FailureRateExceeded"
    DAY_SPENT = "DaySpent"
    IN_PROGRESS = "InProgress"
    UP_TO_DATE = "UpToDate"

    @property
    def may_buy(self) -> bool:
        """Return whether videos that were started may be submitted."""
        return self in {RolloutState.IN_PROGRESS, RolloutState.DAY_SPENT}


@dataclass(frozen=True)
class RolloutSpec:
    """What people declare. ``generation``: another number outdates every video, although the outputs stay the same.

    ``max_running``: videos at the same time; ``jobs_per_hour``: videos that are started in an hour;
    ``dollars_per_day``: what those of a day of UTC may cost, None for no limit of its own; ``max_failure_rate``: in
    percent.
    """

    generation: int = 0
    approve: RolloutApproval = RolloutApproval.MANUAL
    pause: bool = False
    max_running: int = 10
    jobs_per_hour: int = 100
    dollars_per_day: int | None = None
    order: RolloutOrder = RolloutOrder.NEWEST
    max_failure_rate: int = 5


@dataclass(frozen=True)
class RolloutFacts:
    """What the decision needs to know, at one moment.

    ``outdated``: None before they are counted. ``running``: started and not at rest; ``unsubmitted``: those of them
    whose job has not begun. ``started_last_hour``, ``dollars_today``: of the profile, other plans included; the cost of
    what runs is the most that it can be. ``judged``, ``failed``: of the newest that came to rest, at most JUDGED_MAX.
    ``places``: submissions that could be made now beyond those that wait. ``day_minutes_left``: of the installation's
    day, None if it has no limit.
    """

    outdated: int | None
    is_approved: bool
    is_current: bool = True
    running: int = 0
    unsubmitted: int = 0
    started_last_hour: int = 0
    dollars_today: float = 0.0
    judged: int = 0
    failed: int = 0
    places: int = 0
    day_minutes_left: float | None = None


@dataclass(frozen=True)
class RolloutDecision:
    """How many videos to start now, at most, and for how much; and what the plan's state is.

    ``dollars``, ``minutes``: what they may cost and bill together.
    """

    state: RolloutState
    start: int = 0
    dollars: float = math.inf
    minutes: float = math.inf


def decide(declared: RolloutSpec, facts: RolloutFacts) -> RolloutDecision:
    """Decide how many videos to start now. Whatever is doubtful starts none."""
    state = _state(declared, facts)
    if state is not RolloutState.IN_PROGRESS or not facts.is_current:
        return RolloutDecision(state)
    room = min(
        declared.max_running - facts.running,
        declared.jobs_per_hour - facts.started_last_hour,
        facts.places - facts.unsubmitted,
    )
    return RolloutDecision(state, max(0, room), _dollars_left(declared, facts), _minutes_left(facts))


def _state(declared: RolloutSpec, facts: RolloutFacts) -> RolloutState:
    if facts.outdated is None:
        return RolloutState.PLANNING
    if facts.outdated == 0 and facts.running == 0:
        return RolloutState.UP_TO_DATE
    if declared.pause:
        return RolloutState.PAUSED
    if not facts.is_approved:
        return RolloutState.AWAITING_APPROVAL
    if facts.judged >= JUDGED_MIN and 100 * facts.failed > declared.max_failure_rate * facts.judged:
        return RolloutState.FAILURE_RATE_EXCEEDED
    if _dollars_left(declared, facts) <= 0 or _minutes_left(facts) <= 0:
        return RolloutState.DAY_SPENT
    return RolloutState.IN_PROGRESS


def _dollars_left(declared: RolloutSpec, facts: RolloutFacts) -> float:
    return math.inf if declared.dollars_per_day is None else declared.dollars_per_day - facts.dollars_today


def _minutes_left(facts: RolloutFacts) -> float:
    return math.inf if facts.day_minutes_left is None else facts.day_minutes_left


def within(decision: RolloutDecision, minutes: Sequence[float], *, dollars_per_minute: float) -> int:
    """Return how many of the videos, taken in order, the decision's money and minutes suffice for.

    ``minutes``: the most that each can bill.
    """
    sums = list(accumulate(minutes[: decision.start]))
    return sum(each * dollars_per_minute <= decision.dollars and each <= decision.minutes for each in sums)


@dataclass(frozen=True)
class DeclaredRollout:
    """What a profile declares, and what people ask by its annotations.

    ``dollars_per_minute``: of a billed output. ``approved_plan``: the plan that a person approved; ``resume_token``:
    each new text asks once to go on after failures.
    """

    profile: OrderedProfile
    spec: RolloutSpec
    dollars_per_minute: float
    approved_plan: str | None = None
    resume_token: str | None = None


@dataclass(frozen=True)
class RolloutPlan:
    """One plan and how far it is.

    ``planned``: the videos that it would start, as counted until the first was started; ``minutes``: the most that they
    bill, ``dollars``: what that costs. ``outdated``: those that are left, None before they are counted.
    ``done``, ``failed``: videos that came to rest; ``spent_dollars``: for these. ``settled_last_hour``: those of them
    that did so in the last hour.
    """

    plan: int
    profile: str
    hash: str
    declared: RolloutSpec
    state: RolloutState
    is_approved: bool
    counted_at: datetime | None = None
    outdated: int | None = None
    planned: int = 0
    minutes: float = 0.0
    dollars: float = 0.0
    running: int = 0
    done: int = 0
    failed: int = 0
    spent_dollars: float = 0.0
    first_started_at: datetime | None = None
    settled_last_hour: int = 0

    @property
    def plan_id(self) -> str:
        """Return what an approval names: no other plan, of whatever profile or hash, has this text."""
        return f"{self.plan}-{self.hash}"

    def ends_at(self, now: datetime) -> datetime | None:
        """Return when the last video is ready if it goes on as in the last hour; None while that cannot be said."""
        is_moving = self.state in {RolloutState.IN_PROGRESS, RolloutState.DAY_SPENT}
        if not is_moving or self.outdated is None or self.first_started_at is None:
            return None
        if self.settled_last_hour < _PACE_MIN:
            return None
        took = min(now - self.first_started_at, timedelta(hours=1))
        return now + took * ((self.outdated + self.running) / self.settled_last_hour)


_SPEC = TypeAdapter(RolloutSpec)


def rollout_of_json(values: Mapping[str, Any]) -> RolloutSpec:
    """Read a stored declaration; fields of a later release are left out. Raises pydantic.ValidationError."""
    known = RolloutSpec.__dataclass_fields__
    return _SPEC.validate_python({name: value for name, value in values.items() if name in known})


def json_of_rollout(declared: RolloutSpec) -> dict[str, Any]:
    """Return a declaration as it is stored."""
    values: dict[str, Any] = _SPEC.dump_python(declared, mode="json")
    return values
