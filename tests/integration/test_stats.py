"""The queries behind the metrics, on a real Postgres."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from database.commands import VideoCommands
from database.job_claims import Claims
from database.observations import Observations
from database.pool import Database
from database.stats import StatsQueries, WorkingSetStats
from domain.records import AttemptChange, Cause, Intend
from domain.schedule import Timing
from domain.video import Phase, Reason
from tests.support.builders.rows import a_failure
from tests.support.builders.videos import a_new_video

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


def create(database: Database, name: str, made: AttemptChange | None = None, **changes: Any) -> str:
    """Make a row and commit an observation of it."""
    video_id = f"{name:a<26}"
    row = VideoCommands(database, Timing()).create(a_new_video(video_id), per_hour=100).row
    after = replace(row.observed, **changes)
    assert Observations(database).commit(row, after, cause=Cause.POLL, attempt=made) is not None
    return video_id


def test_the_working_set_is_counted_by_phase_and_by_need_for_intervention(
    database: Database, database_url: str
) -> None:
    at: dict[str, Any] = {"phase_since": NOON, "deadline_at": NOON + timedelta(hours=1)}
    create(database, "late", **at)
    create(database, "held", is_paused=True, **at)
    create(database, "young", phase_since=NOON + timedelta(hours=2), deadline_at=NOON + timedelta(days=1))
    lost: dict[str, Any] = {"phase": Phase.UPLOADED, "deadline_at": NOON + timedelta(days=7)}
    create(database, "lost", phase_since=NOON, reason=Reason.SUBMISSION_UNCERTAIN, **lost)
    create(database, "left", phase_since=NOON, reason=Reason.SUBMISSION_HELD, **lost)
    gone, retired = create(database, "gone", **at), create(database, "retired", **at)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE videos SET deleted = true, deleted_at = now() WHERE video_id = %s", [gone])
        connection.execute("UPDATE videos SET retired = true WHERE video_id = %s", [retired])

    assert StatsQueries(database).working_set(late=NOON + timedelta(hours=3)) == WorkingSetStats(
        uploads={Phase.UPLOADING: 3, Phase.UPLOADED: 2},
        oldest_since={Phase.UPLOADING: NOON, Phase.UPLOADED: NOON},
        overdue=1,
        uncertain=2,
        paused=1,
    )


def test_an_empty_database_counts_nothing(database: Database) -> None:
    assert StatsQueries(database).working_set(late=NOON) == WorkingSetStats({}, {}, overdue=0, uncertain=0, paused=0)


def test_uploads_without_a_place_are_counted_with_the_oldest(database: Database) -> None:
    at: dict[str, Any] = {"phase": Phase.UPLOADED, "deadline_at": NOON + timedelta(days=7)}
    create(database, "first", reason=Reason.WAITING_FOR_CAPACITY, phase_since=NOON, **at)
    create(database, "second", reason=Reason.WAITING_FOR_CAPACITY, phase_since=NOON + timedelta(hours=1), **at)
    before: dict[str, Any] = {"phase_since": NOON - timedelta(hours=1), **at}
    create(database, "held", reason=Reason.WAITING_FOR_CAPACITY, is_paused=True, **before)
    create(database, "own", reason=Reason.WAITING_FOR_OWN_JOBS, **before)
    stats = StatsQueries(database).working_set(late=NOON)
    assert (stats.without_place, stats.without_place_since) == (2, NOON)


def test_unsent_notifications_are_counted_with_the_age_of_the_oldest(database: Database, database_url: str) -> None:
    def outbox() -> tuple[int, float]:
        stats = StatsQueries(database).working_set(late=NOON)
        since = stats.outbox_since
        return stats.outbox, 0.0 if since is None else round((datetime.now(UTC) - since).total_seconds(), -1)

    with psycopg.connect(database_url, autocommit=True) as connection:
        assert outbox() == (0, 0)
        connection.execute(
            "INSERT INTO notifications (video_id, edition, kind, owner, created_at)"
            " SELECT 'a', n, 'video.ready', 'ann', now() - interval '100 s' FROM generate_series(1, 3) AS n"
        )
        assert outbox() == (3, 100)
        connection.execute("UPDATE notifications SET is_dispatched = true")
        assert outbox() == (0, 0)
        connection.execute("INSERT INTO webhook_endpoints (url, description, kinds) VALUES ('u', '', '{video.ready}')")
        connection.execute(
            "INSERT INTO deliveries (notification_id, endpoint_id, video_id, next_at, created_at)"
            " SELECT notification_id, endpoint_id, video_id, now() + (edition - 2) * interval '300 s',"
            " now() - interval '900 s' FROM notifications, webhook_endpoints"
        )
        # One has been due for 300 seconds, one is due now, one is retried later.
        assert outbox() == (2, 300)
        since = StatsQueries(database).working_set(late=NOON).deliveries_since
        assert round((datetime.now(UTC) - since["webhook"]).total_seconds(), -1) == 900
        connection.execute("UPDATE webhook_endpoints SET held_until = now() - interval '100 s'")
        assert outbox() == (2, 100)
        connection.execute("UPDATE webhook_endpoints SET held_until = now() + interval '100 s'")
        assert outbox() == (0, 0)
        connection.execute(
            "UPDATE webhook_endpoints SET held_until = NULL, disabled_at = now(), disabled_reason = 'gone'"
        )
        assert outbox() == (0, 0)


def test_failed_uploads_are_counted_by_what_became_of_their_file(database: Database, database_url: str) -> None:
    failed: dict[str, Any] = {"phase": Phase.ERRORED, "deadline_at": None, "phase_since": NOON, "failure": a_failure()}
    create(database, "kept", reason=Reason.FAILED, **failed)
    create(database, "away", reason=Reason.FAILED, **failed)
    create(database, "bare", reason=Reason.FILE_REMOVED, **failed)
    create(database, "plays", reason=Reason.FAILED, is_playable=True, **failed)
    gone = create(database, "gone", reason=Reason.FAILED, **failed)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE videos SET deleted = true, deleted_at = now() WHERE video_id = %s", [gone])
        connection.execute("UPDATE videos SET retired = true WHERE phase = 'errored'")
    assert StatsQueries(database).working_set(late=NOON).errored == {"kept": 2, "removed": 1}


def test_any_callback_counts_as_a_claim_of_its_attempt(database: Database) -> None:
    video_id = create(database, "claimed", Intend(1, 1, NOON), phase=Phase.UPLOADED, attempt=1)
    assert not StatsQueries(database).is_claimed(video_id, 1)
    Claims(database).record(video_id=video_id, attempt=1, job_id="job1")
    assert StatsQueries(database).is_claimed(video_id, 1)
    assert not StatsQueries(database).is_claimed(video_id, 2)


def test_waiting_deliveries_are_counted_by_channel(database: Database, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("INSERT INTO webhook_endpoints (url, description, kinds) VALUES ('u', '', '{video.ready}')")
        connection.execute(
            "INSERT INTO notifications (video_id, edition, kind, owner) SELECT 'a', n, 'video.ready', 'ann'"
            " FROM generate_series(1, 3) AS n"
        )
        connection.execute(
            "INSERT INTO deliveries (notification_id, video_id, next_at)"
            " SELECT notification_id, video_id, now() FROM notifications"
        )
        connection.execute(
            "INSERT INTO deliveries (notification_id, endpoint_id, video_id, next_at)"
            " SELECT notification_id, endpoint_id, video_id, now() FROM notifications, webhook_endpoints"
        )
        connection.execute(
            "UPDATE deliveries SET state = 'delivered', settled_at = now() WHERE lane = 'mail' AND notification_id IN"
            " (SELECT notification_id FROM notifications WHERE edition = 1)"
        )
    assert StatsQueries(database).working_set(late=NOON).deliveries == {"mail": 2, "webhook": 3}
