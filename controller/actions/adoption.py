"""Learning: before a pass decides anything, its row takes in what the resource knows better.

What is to be learnt is decided in adoption.py. While the resource gives no answer nothing is learnt and no pass is
made: a row that may be behind must not pay for anything.
"""

from datetime import datetime
from typing import assert_never

import structlog

from controller.actions.status import show
from controller.dependencies import World
from controller.rules.adoption import Adopt, CatchUp, Refuse, Remove, must_ask, refused, with_row, without_row
from controller.rules.cached_resource import Known
from crds.resource import Resource
from crds.spec import desired_state_of
from domain.errors import ConflictError
from domain.records import VideoRow

log = structlog.get_logger(__name__)


def learn(name: str, row: VideoRow | None, known: Known | None, world: World, now: datetime) -> VideoRow | None:
    """Return the row as it is after learning; None when there is none to make a pass over.

    Raises ConflictError, UnavailableError, RefusedError.
    """
    if not must_ask(row, known):
        return row
    resource = world.resources.get(name)
    if row is None:
        return None if resource is None else _begin(resource, world, now)
    lesson = with_row(row, resource)
    return row if lesson is None else _catch_up(row, resource, lesson, world, now)


def _begin(resource: Resource, world: World, now: datetime) -> VideoRow | None:
    lesson = without_row(resource, world.endings.last_attempt(resource.name), now, world.rules.timing)
    match lesson:
        case Adopt():
            row = world.learning.adopt(lesson.desired, lesson.observed, created_at=resource.created_at, at=now)
            return _told("adopted", row, resource.name)
        case Refuse():
            _refuse(resource, lesson.why, world, now)
            return None
        case Remove():
            world.resources.delete(resource.name, uid=resource.uid, resource_version=resource.resource_version)
            log.info("left_over_removed", video=resource.name)
            return None
        case _:
            assert_never(lesson)


def _catch_up(row: VideoRow, resource: Resource | None, lesson: CatchUp, world: World, now: datetime) -> VideoRow:
    if lesson.refusal is not None and resource is not None:
        _refuse(resource, lesson.refusal, world, now)
    if lesson.desired is None and lesson.observed is None:
        return row
    learnt = world.learning.learn(row, desired=lesson.desired, observed=lesson.observed, at=now)
    return _told("learnt", learnt, row.desired.video_id)


def _refuse(resource: Resource, why: str, world: World, now: datetime) -> None:
    show(desired_state_of(resource), refused(resource, why, now), resource, world, now)


def _told(event: str, row: VideoRow | None, name: str) -> VideoRow:
    if row is None:
        raise ConflictError(f"learning about {name}: its row moved")
    log.info(
        event,
        video=name,
        desired=row.desired.revision,
        observed=row.observed.revision,
        phase=str(row.observed.phase),
        attempt=row.observed.attempt,
    )
    return row
