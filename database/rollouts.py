"""Rollouts: plans, what they have started, and how far they are. What may start is decided in domain/rollouts.py.

A video is started like one whose owner asks for a new edition (database/retranscodes.py), and counted by its plan
instead of its owner. That a plan starts each video once is a primary key; everything that one call starts is one
transaction, so a process that is killed in between has started all of it or nothing.

Outdated videos are found by the index `videos_made_with`, hash by hash: what is up to date costs nothing.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from database import wakeups
from database.pool import Connection, Database
from database.regions import IN_SCOPE, scope_parameters
from database.retranscodes import NEW_EDITION, RETRANSCODABLE
from domain.profiles import ORIGINAL_HASH
from domain.records import Cause
from domain.regions import EVERYWHERE, RegionScope
from domain.rollouts import (
    DECLARATION_LASTS,
    JUDGED_MAX,
    DeclaredRollout,
    RolloutApproval,
    RolloutDecision,
    RolloutFacts,
    RolloutOrder,
    RolloutPlan,
    RolloutSpec,
    RolloutState,
    decide,
    json_of_rollout,
    rollout_of_json,
    within,
)
from domain.spending import start_of_day
from domain.video import COUNTER_MAX

# Rows of one statement that counts: some ten milliseconds.
COUNT_PAGE = 5_000
# A profile does not change so often; more are found once those before are made anew.
_HASHES_MAX = 200
_SETTLED_AT_ONCE = 500
_FORGOTTEN_AT_ONCE = 1_000

# As the index says it.
MADE_WITH = f"coalesce(published ->> 'profile_hash', '{ORIGINAL_HASH}')"
_SECONDS = "least((published ->> 'duration_seconds')::float, %(longest_seconds)s)"

_SUPERSEDE = """
UPDATE rollouts SET superseded_at = clock_timestamp(), may_buy = false
WHERE superseded_at IS NULL AND profile = %(profile)s AND hash <> %(hash)s
"""
_PLAN = """
INSERT INTO rollouts (profile, hash, outputs, dollars_per_minute, declared, resume_token)
VALUES (%(profile)s, %(hash)s, %(outputs)s, %(dollars_per_minute)s, %(declared)s, %(resume_token)s)
ON CONFLICT (profile) WHERE superseded_at IS NULL DO NOTHING
"""
# A declaration that says what it said is written again only while it is what lets something be bought.
_DECLARE = """
UPDATE rollouts SET declared = %(declared)s, declared_at = clock_timestamp(), is_approved = given.is_approved,
    dollars_per_minute = %(dollars_per_minute)s, resume_token = given.resume_token,
    judged_since = CASE WHEN given.resume_token IS DISTINCT FROM rollouts.resume_token
                        THEN clock_timestamp() ELSE judged_since END
FROM (SELECT plan, %(is_auto)s OR coalesce(%(approved_plan)s::text = plan || '-' || hash, false) AS is_approved,
             coalesce(%(resume_token)s::text, resume_token) AS resume_token
      FROM rollouts WHERE profile = %(profile)s AND superseded_at IS NULL) AS given
WHERE rollouts.plan = given.plan
  AND ((rollouts.declared, rollouts.dollars_per_minute, rollouts.is_approved, rollouts.resume_token)
           IS DISTINCT FROM (%(declared)s, %(dollars_per_minute)s, given.is_approved, given.resume_token)
       OR may_buy AND declared_at < clock_timestamp() - %(lasts)s / 3)
"""
_END_OTHERS = """
UPDATE rollouts SET superseded_at = clock_timestamp(), may_buy = false
WHERE superseded_at IS NULL AND NOT profile = ANY(%(names)s)
"""

_CURRENT = """
SELECT plan, profile, hash, declared, state, is_approved, counted_at, outdated, planned, minutes, dollars, done, failed,
       spent_dollars, first_started_at,
       (SELECT count(*) FROM rollout_videos WHERE profile = rollouts.profile AND result IS NULL) AS running,
       (SELECT count(*) FROM rollout_videos WHERE plan = rollouts.plan AND result IS NOT NULL
            AND settled_at > clock_timestamp() - interval '1 hour') AS settled_last_hour
FROM rollouts WHERE superseded_at IS NULL ORDER BY profile
"""

# The hashes that ready videos of a profile were made with, each found by one step in the index.
_HASHES = f"""
WITH RECURSIVE made(hash) AS (
    (SELECT {MADE_WITH} FROM videos WHERE profile = %(profile)s AND {RETRANSCODABLE} ORDER BY {MADE_WITH} LIMIT 1)
    UNION ALL
    SELECT (SELECT {MADE_WITH} FROM videos WHERE profile = %(profile)s AND {RETRANSCODABLE} AND {MADE_WITH} > made.hash
            ORDER BY {MADE_WITH} LIMIT 1)
    FROM made WHERE made.hash IS NOT NULL
)
SELECT hash FROM made WHERE hash IS NOT NULL AND hash <> %(hash)s LIMIT {_HASHES_MAX}
"""  # noqa: S608 - a constant

_IS_LEFT = """edition <= observed_edition
    AND NOT EXISTS (SELECT FROM rollout_videos WHERE plan = %(plan)s AND rollout_videos.video_id = videos.video_id)"""

COUNT = f"""
WITH page AS MATERIALIZED (
    SELECT created_at, video_id, {_SECONDS} AS seconds, {_IS_LEFT} AS is_left FROM videos
    WHERE profile = %(profile)s AND {MADE_WITH} = %(made_with)s AND {RETRANSCODABLE}
      AND (created_at, video_id) > (%(after_at)s::timestamptz, %(after_id)s)
    ORDER BY created_at, video_id LIMIT %(at_most)s
)
SELECT count(*) AS rows, count(*) FILTER (WHERE is_left) AS videos,
       coalesce(sum(seconds) FILTER (WHERE is_left), 0) AS seconds, max(created_at) AS after_at,
       max(video_id) FILTER (WHERE created_at = (SELECT max(created_at) FROM page)) AS after_id
FROM page
"""  # noqa: S608 - a constant

_STORE_COUNT = """
UPDATE rollouts SET outdated = %(videos)s, counted_at = clock_timestamp(),
    planned = CASE WHEN first_started_at IS NULL THEN %(videos)s ELSE planned END,
    minutes = CASE WHEN first_started_at IS NULL THEN %(seconds)s / 60 * outputs ELSE minutes END,
    dollars = CASE WHEN first_started_at IS NULL THEN %(seconds)s / 60 * outputs * dollars_per_minute ELSE dollars END
WHERE plan = %(plan)s AND superseded_at IS NULL
"""

# Whatever plan it is of: what an older one has started comes to rest too. What it cost is what its attempts bill.
_SETTLE = """
WITH ended AS (
    SELECT rollout_videos.plan, rollout_videos.video_id,
           CASE WHEN videos.deleted THEN 'dropped' WHEN videos.phase = 'ready' THEN 'done' ELSE 'failed' END AS result,
           (SELECT coalesce(sum(attempts.minutes), 0) FROM attempts
            WHERE attempts.video_id = rollout_videos.video_id AND attempts.edition = rollout_videos.edition
              AND attempts.state <> 'refused') AS minutes
    FROM rollout_videos JOIN videos USING (video_id)
    WHERE rollout_videos.result IS NULL
      AND (videos.deleted OR videos.observed_edition >= rollout_videos.edition AND videos.phase IN ('ready', 'errored'))
    LIMIT %(at_most)s FOR UPDATE OF rollout_videos SKIP LOCKED
), settled AS (
    UPDATE rollout_videos SET result = ended.result, settled_at = clock_timestamp(),
        dollars = ended.minutes * rollouts.dollars_per_minute
    FROM ended JOIN rollouts USING (plan)
    WHERE rollout_videos.plan = ended.plan AND rollout_videos.video_id = ended.video_id
    RETURNING rollout_videos.plan, rollout_videos.result, rollout_videos.dollars
)
UPDATE rollouts SET done = rollouts.done + counted.done, failed = rollouts.failed + counted.failed,
    spent_dollars = spent_dollars + counted.dollars
FROM (SELECT plan, count(*) FILTER (WHERE result = 'done') AS done,
             count(*) FILTER (WHERE result = 'failed') AS failed, sum(dollars) AS dollars
      FROM settled GROUP BY plan) AS counted
WHERE rollouts.plan = counted.plan
"""

# The lock makes two operators decide one after the other.
_LOCK = """
SELECT plan, profile, hash, outputs, dollars_per_minute, declared, is_approved, state, may_buy, judged_since, outdated,
       declared_at > clock_timestamp() - %(lasts)s AS is_current
FROM rollouts WHERE plan = %(plan)s AND superseded_at IS NULL FOR UPDATE
"""
# What is up to date and has nothing running needs no look until it is counted again.
_OPEN = """
SELECT plan FROM rollouts
WHERE superseded_at IS NULL AND NOT (state = 'UpToDate' AND coalesce(outdated, 1) = 0) ORDER BY plan
"""
_FACTS = f"""
SELECT
    (SELECT count(*) FROM rollout_videos WHERE profile = %(profile)s AND result IS NULL) AS running,
    (SELECT count(*) FROM rollout_videos WHERE profile = %(profile)s
        AND started_at > clock_timestamp() - interval '1 hour') AS started_last_hour,
    (SELECT coalesce(sum(dollars), 0) FROM rollout_videos WHERE profile = %(profile)s
        AND started_at >= %(day)s) AS dollars_today,
    judged.videos AS judged, judged.failed
FROM (SELECT count(*) AS videos, count(*) FILTER (WHERE result = 'failed') AS failed
      FROM (SELECT result FROM rollout_videos
            WHERE plan = %(plan)s AND result IN ('done', 'failed')
              AND (%(judged_since)s::timestamptz IS NULL OR settled_at > %(judged_since)s)
            ORDER BY settled_at DESC LIMIT {JUDGED_MAX}) AS newest) AS judged
"""  # noqa: S608 - a constant
# Of all profiles: they share the places.
_UNSUBMITTED = f"""
SELECT rollout_videos.profile, videos.video_id FROM rollout_videos JOIN videos USING (video_id)
WHERE result IS NULL AND (videos.observed_edition < rollout_videos.edition OR videos.phase = 'uploaded') AND {IN_SCOPE}
"""  # noqa: S608 - a constant

_CANDIDATES = f"""
SELECT video_id, created_at, {_SECONDS} AS seconds FROM videos
WHERE profile = %(profile)s AND {MADE_WITH} = %(made_with)s AND {RETRANSCODABLE} AND NOT is_paused
  AND edition < %(counter_max)s AND revision < %(counter_max)s - 1
  AND {_SECONDS} <= %(most_seconds)s AND {IN_SCOPE} AND {_IS_LEFT}
ORDER BY created_at {{direction}}, video_id {{direction}} LIMIT %(at_most)s
"""  # noqa: S608 - a constant
CANDIDATES = {
    RolloutOrder.NEWEST: _CANDIDATES.format(direction="DESC"),
    RolloutOrder.OLDEST: _CANDIDATES.format(direction="ASC"),
}
# Under the conditions of an owner's request, which may have come in between.
_START = f"""
WITH started AS (
    UPDATE videos SET {NEW_EDITION}, rollout_edition = edition + 1
    FROM unnest(%(video_ids)s::text[], %(dollars)s::float[]) AS chosen(chosen_id, chosen_dollars)
    WHERE video_id = chosen_id AND {RETRANSCODABLE} AND {_IS_LEFT}
    RETURNING video_id, edition, chosen_dollars
)
INSERT INTO rollout_videos (plan, video_id, profile, edition, dollars)
SELECT %(plan)s, video_id, %(profile)s, edition, chosen_dollars FROM started RETURNING video_id
"""  # noqa: S608 - a constant
_SHOW = """
UPDATE rollouts SET state = %(state)s, may_buy = %(may_buy)s,
    first_started_at = CASE WHEN %(has_started)s THEN coalesce(first_started_at, clock_timestamp())
                            ELSE first_started_at END
WHERE plan = %(plan)s
  AND (%(has_started)s OR (state, may_buy) IS DISTINCT FROM (%(state)s, %(may_buy)s))
"""

# Their money counts for the day on which they were started.
_FORGET_VIDEOS = """
DELETE FROM rollout_videos WHERE (plan, video_id) IN (
    SELECT plan, video_id FROM rollout_videos
    WHERE plan = %(plan)s AND result IS NOT NULL LIMIT %(at_most)s)
"""
_FORGOTTEN = """
SELECT plan FROM rollouts WHERE superseded_at < clock_timestamp() - interval '2 days'
  AND NOT EXISTS (SELECT FROM rollout_videos WHERE plan = rollouts.plan AND result IS NULL)
ORDER BY superseded_at LIMIT 1
"""
_FORGET = "DELETE FROM rollouts WHERE plan = %(plan)s"


@dataclass(frozen=True)
class Room:
    """What an operator has left over for rollouts.

    ``places``: submissions beyond those that wait. ``day_minutes``: billed minutes of the day, None for no limit.
    ``longest_seconds``: what is longer is not transcoded beyond it.
    """

    places: int
    day_minutes: float | None
    longest_seconds: float


class Rollouts:
    """The rollouts of all profiles. Every method raises UnavailableError."""

    def __init__(self, database: Database, scope: RegionScope = EVERYWHERE) -> None:
        self._database = database
        self._scope = scope_parameters(scope)

    def declare(self, declared: Collection[DeclaredRollout], *, kept: Collection[str] = ()) -> None:
        """Take over all rollouts that there are now; a profile whose hash is new gets a new plan.

        ``kept``: names of further profiles, whose plans stay as they are. All other plans end.
        """
        for one in declared:
            parameters = {
                "profile": one.profile.name,
                "hash": one.profile.hash,
                "outputs": one.profile.spec.billed_outputs,
                "dollars_per_minute": one.dollars_per_minute,
                "declared": Jsonb(json_of_rollout(one.spec)),
                "is_auto": one.spec.approve is RolloutApproval.AUTO,
                "approved_plan": one.approved_plan,
                "resume_token": one.resume_token,
                "lasts": DECLARATION_LASTS,
            }
            with self._database.transaction() as connection:
                connection.execute(_SUPERSEDE, parameters)
                connection.execute(_PLAN, parameters)
                connection.execute(_DECLARE, parameters)
        with self._database.connection() as connection:
            connection.execute(_END_OTHERS, {"names": [*(one.profile.name for one in declared), *kept]})

    def current(self) -> list[RolloutPlan]:
        """Return the plans that hold now, by the name of their profile."""
        with self._database.connection() as connection:
            rows = connection.execute(_CURRENT).fetchall()
        return [_plan_of(columns) for columns in rows]

    def count(self, plan: RolloutPlan, *, longest_seconds: float, on_page: Callable[[], None] = lambda: None) -> int:
        """Count what a plan has left to do, a page at a time and without reading rows; return how many pages.

        ``on_page`` is called before each.
        """
        of_plan = {"plan": plan.plan, "profile": plan.profile, "longest_seconds": longest_seconds}
        videos, seconds, pages = 0, 0.0, 0
        for made_with in self._other_hashes(plan.profile, plan.hash):
            after: dict[str, object] = {"after_at": "-infinity", "after_id": ""}
            while True:
                on_page()
                page = {**of_plan, **after, "made_with": made_with, "at_most": COUNT_PAGE}
                with self._database.connection() as connection:
                    (counted,) = connection.execute(COUNT, page).fetchall()
                videos, seconds, pages = videos + counted["videos"], seconds + counted["seconds"], pages + 1
                if counted["rows"] < COUNT_PAGE:
                    break
                after = {"after_at": counted["after_at"], "after_id": counted["after_id"]}
        with self._database.connection() as connection:
            connection.execute(_STORE_COUNT, {"plan": plan.plan, "videos": videos, "seconds": seconds})
        return pages

    def settle(self) -> None:
        """Take over how the videos ended that came to rest."""
        with self._database.connection() as connection:
            connection.execute(_SETTLE, {"at_most": _SETTLED_AT_ONCE})

    def open_plans(self) -> list[int]:
        """Return the plans that `advance` may change, oldest first."""
        with self._database.connection() as connection:
            return [columns["plan"] for columns in connection.execute(_OPEN).fetchall()]

    def advance(self, plan: int, room: Room, now: datetime) -> int:
        """Start as many videos of a plan as may start now, and store its state; return how many."""
        with self._database.transaction() as connection:
            found = connection.execute(_LOCK, {"plan": plan, "lasts": DECLARATION_LASTS}).fetchone()
            if found is None:
                return 0
            declared = rollout_of_json(found["declared"])
            unsubmitted = connection.execute(_UNSUBMITTED, self._scope).fetchall()
            facts = _facts(connection, found, room, now, unsubmitted=len(unsubmitted))
            decision = decide(declared, facts)
            started, decision = self._start(connection, found, declared, decision, room)
            parameters = {
                "plan": plan,
                "state": decision.state,
                "may_buy": decision.state.may_buy,
                "has_started": started > 0,
            }
            connection.execute(_SHOW, parameters)
            if decision.state.may_buy and not found["may_buy"]:
                # What was held looks rarely by itself.
                for columns in unsubmitted:
                    wakeups.send(connection, wakeups.Wakeup(columns["video_id"], Cause.SWEEP))
        return started

    def forget_old(self) -> None:
        """Remove some of what is stored of a plan that ended some days ago."""
        with self._database.connection() as connection:
            found = connection.execute(_FORGOTTEN).fetchone()
            if found is None:
                return
            of_plan = {"plan": found["plan"], "at_most": _FORGOTTEN_AT_ONCE}
            if connection.execute(_FORGET_VIDEOS, of_plan).rowcount < _FORGOTTEN_AT_ONCE:
                connection.execute(_FORGET, of_plan)

    def _start(
        self,
        connection: Connection,
        plan: Mapping[str, Any],
        declared: RolloutSpec,
        decision: RolloutDecision,
        room: Room,
    ) -> tuple[int, RolloutDecision]:
        """Start videos; return how many, and the decision as it is then: the next one may cost more than is left."""
        if decision.start == 0:
            return 0, decision
        per_minute = plan["dollars_per_minute"]
        candidates = self._candidates(connection, plan, declared, decision.start, room)
        minutes = [seconds / 60 * plan["outputs"] for _, seconds in candidates]
        count = within(decision, minutes, dollars_per_minute=per_minute)
        if count == 0:
            return 0, replace(decision, state=RolloutState.DAY_SPENT) if candidates else decision
        parameters = {
            "plan": plan["plan"],
            "profile": plan["profile"],
            "video_ids": [video_id for video_id, _ in candidates[:count]],
            "dollars": [each * per_minute for each in minutes[:count]],
        }
        started = connection.execute(_START, parameters).fetchall()
        for columns in started:
            wakeups.send(connection, wakeups.Wakeup(columns["video_id"], Cause.SWEEP))
        return len(started), decision

    def _candidates(
        self, connection: Connection, plan: Mapping[str, Any], declared: RolloutSpec, at_most: int, room: Room
    ) -> list[tuple[str, float]]:
        """Return the next outdated videos in the order that was declared, and how many seconds of each are billed.

        One that alone costs more than a day may is left out: it could never start, and would hold up all others.
        """
        dollars_per_second = plan["outputs"] * plan["dollars_per_minute"] / 60
        is_limited = declared.dollars_per_day is not None and dollars_per_second > 0
        parameters = {
            "plan": plan["plan"],
            "profile": plan["profile"],
            "longest_seconds": room.longest_seconds,
            "most_seconds": (declared.dollars_per_day or 0) / dollars_per_second if is_limited else float("inf"),
            "counter_max": COUNTER_MAX,
            "at_most": at_most,
            **self._scope,
        }
        found: list[dict[str, Any]] = []
        for made_with in _hashes(connection, plan["profile"], plan["hash"]):
            statement = CANDIDATES[declared.order]
            found += connection.execute(statement, {**parameters, "made_with": made_with}).fetchall()
        is_descending = declared.order is RolloutOrder.NEWEST
        found.sort(key=lambda columns: (columns["created_at"], columns["video_id"]), reverse=is_descending)
        return [(columns["video_id"], columns["seconds"]) for columns in found[:at_most]]

    def _other_hashes(self, profile: str, current: str) -> list[str]:
        with self._database.connection() as connection:
            return _hashes(connection, profile, current)


def _hashes(connection: Connection, profile: str, current: str) -> list[str]:
    rows = connection.execute(_HASHES, {"profile": profile, "hash": current}).fetchall()
    return [columns["hash"] for columns in rows]


def _facts(
    connection: Connection, plan: Mapping[str, Any], room: Room, now: datetime, *, unsubmitted: int
) -> RolloutFacts:
    parameters = {
        "plan": plan["plan"],
        "profile": plan["profile"],
        "judged_since": plan["judged_since"],
        "day": start_of_day(now),
    }
    (counted,) = connection.execute(_FACTS, parameters).fetchall()
    return RolloutFacts(
        outdated=plan["outdated"],
        is_approved=plan["is_approved"],
        is_current=plan["is_current"],
        unsubmitted=unsubmitted,
        places=room.places,
        day_minutes_left=room.day_minutes,
        **counted,
    )


def _plan_of(columns: Mapping[str, Any]) -> RolloutPlan:
    parsed = {"declared": rollout_of_json(columns["declared"]), "state": RolloutState(columns["state"])}
    return RolloutPlan(**{**columns, **parsed})
