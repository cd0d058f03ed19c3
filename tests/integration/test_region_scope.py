"""What the operators of two regions read of one Postgres: each row by one of them, and no row by both."""

import base64
import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from database.audit import AuditedRows
from database.commands import VideoCommands
from database.observations import Observations
from database.outbox import Outbox
from database.pool import Database
from database.retention import Retention
from database.stats import StatsQueries
from database.webhook_endpoints import Endpoints
from domain.notifications import VIDEO_NOTIFICATION_KINDS
from domain.records import Cause, Intend
from domain.regions import EVERYWHERE, RegionScope
from domain.schedule import Timing
from domain.video import Phase, Reason
from tests.support.builders.videos import a_new_video, in_phase

LATER = datetime(2100, 1, 1, tzinfo=UTC)
HOME = RegionScope("tor1", is_home=True, others=("fra1",))
AWAY = RegionScope("fra1", is_home=False, others=("fra1",))
TORONTO, FRANKFURT = ("toronto" + "a" * 19), ("frankfurt" + "a" * 17)
# An import that names no region is the home region's.
NAMELESS = "nameless" + "a" * 18


@pytest.fixture
def rows(database: Database, database_url: str) -> dict[str, str]:
    """A video of each region, by name."""
    regions = {TORONTO: "tor1", FRANKFURT: "fra1", NAMELESS: ""}
    with psycopg.connect(database_url) as connection:
        for video_id, region in regions.items():
            VideoCommands(database, Timing()).create(replace(a_new_video(video_id), region="tor1"), per_hour=100)
            origin = "api" if region else "kubernetes"
            connection.execute(
                "UPDATE videos SET region = %s, origin = %s WHERE video_id = %s", [region, origin, video_id]
            )
    return regions


def observe(database: Database, video_id: str, attempt: Intend | None = None, **changes: Any) -> None:
    observations = Observations(database)
    row = observations.get(video_id)
    assert row is not None
    after = replace(row.observed, **changes)
    assert observations.commit(row, after, cause=Cause.POLL, attempt=attempt) is not None


def test_each_row_is_in_the_working_set_of_one_operator(database: Database, rows: dict[str, str]) -> None:
    def working(scope: RegionScope) -> set[str]:
        return {row.video_id for row in Observations(database, scope).working(after="", at_most=10)}

    assert working(EVERYWHERE) == set(rows)
    assert (working(HOME), working(AWAY)) == ({TORONTO, NAMELESS}, {FRANKFURT})


def test_places_and_the_spending_of_a_day_are_those_of_a_region(database: Database, rows: dict[str, str]) -> None:
    now = datetime.now(UTC)
    for video_id in rows:
        intent = Intend(attempt=1, edition=1, at=now, minutes=7)
        observe(database, video_id, intent, **in_phase(Phase.PROCESSING) | {"deadline_at": now + timedelta(hours=1)})

    def load(scope: RegionScope) -> tuple[int, int, float]:
        read = Observations(database, scope).submission_load(now, per_owner=10, at_most=10)
        return sum(read.running.values()), sum(read.submitted.values()), read.minutes

    assert [load(scope) for scope in (EVERYWHERE, HOME, AWAY)] == [(3, 3, 21), (2, 2, 14), (1, 1, 7)]


def test_who_waits_for_a_place_waits_in_its_region(database: Database, rows: dict[str, str]) -> None:
    for video_id in rows:
        observe(database, video_id, **in_phase(Phase.UPLOADED) | {"reason": Reason.WAITING_FOR_CAPACITY})

    def waiting(scope: RegionScope) -> set[str]:
        load = Observations(database, scope).submission_load(LATER, per_owner=10, at_most=10)
        return {upload.video_id for upload in load.waiting}

    assert (waiting(HOME), waiting(AWAY)) == ({TORONTO, NAMELESS}, {FRANKFURT})


def test_counts_are_those_of_a_region(database: Database, rows: dict[str, str]) -> None:
    def uploads(scope: RegionScope) -> int:
        return sum(StatsQueries(database, scope).working_set(late=LATER).uploads.values())

    assert rows
    assert [uploads(scope) for scope in (EVERYWHERE, HOME, AWAY)] == [3, 2, 1]


def test_each_row_is_purged_and_audited_by_one_operator(
    database: Database, database_url: str, rows: dict[str, str]
) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE videos SET deleted = true, deleted_at = now() - interval '9 days'")

    def found(scope: RegionScope) -> tuple[set[str], set[str]]:
        audited = AuditedRows(database, scope).all(after="", at_most=10)
        purgeable = Retention(database, scope).purgeable(before=datetime.now(UTC), at_most=10)
        return {one.row.desired.video_id for one in audited}, set(purgeable)

    assert found(EVERYWHERE) == (set(rows), set(rows))
    assert found(HOME) == ({TORONTO, NAMELESS}, {TORONTO, NAMELESS})
    assert found(AWAY) == ({FRANKFURT}, {FRANKFURT})


def test_objects_of_one_name_are_quarantined_in_each_bucket(database: Database) -> None:
    home, away = AuditedRows(database, HOME), AuditedRows(database, AWAY)
    assert (home.quarantine({"uploads/x/a": 1}), away.quarantine({"uploads/x/a": 2})) == (1, 1)

    assert away.release(["uploads/x/a"]) == 1
    assert [one.file_bytes for one in home.quarantined(after="", at_most=10)] == [1]
    assert away.quarantined(after="", at_most=10) == []
    # What was listed before there were regions is in the bucket of the home region.
    assert AuditedRows(database).quarantined_among(["uploads/x/a"]) == {"uploads/x/a"}


def test_the_operator_of_a_region_sends_what_is_about_its_videos(
    database: Database, database_url: str, rows: dict[str, str]
) -> None:
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    Endpoints(database).create(
        url="https://hooks.example.com/", description="", kinds=VIDEO_NOTIFICATION_KINDS, secret=secret
    )
    for video_id in rows:
        observe(database, video_id, **in_phase(Phase.ERRORED))

    def sent(scope: RegionScope) -> set[str]:
        outbox, found = Outbox(database, scope), set[str]()
        outbox.dispatch(with_mail=False, now=datetime.now(UTC), at_most=10)
        now = datetime.now(UTC)
        for lane in outbox.due_queues(with_mail=False, now=now):
            while (taken := outbox.take(lane, now=now, leased_until=LATER)) is not None:
                found.add(taken.notification.video_id)
        return found

    assert sent(AWAY) == {FRANKFURT}
    assert (sent(HOME), sent(AWAY)) == ({TORONTO, NAMELESS}, set())

    with psycopg.connect(database_url) as connection:
        connection.execute("DELETE FROM videos WHERE video_id = %s", [FRANKFURT])
        connection.execute("UPDATE deliveries SET state = 'pending', next_at = now() - interval '1 hour'")
    # What is left of a purged video has no region.
    assert (sent(AWAY), sent(HOME)) == (set(), set(rows))
