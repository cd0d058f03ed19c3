"""The tables of the service, as values. The columns are those of the public schema."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import dict_row

from chaos.checker.world import (
    Attempt,
    Claim,
    CountedRequest,
    Delivery,
    HistoryLine,
    NotificationRecord,
    Tombstone,
    VideoRecord,
)

_VIDEOS = """
SELECT video_id, created_at, origin, owner, storage_key, revision, edition, retries, heals, deleted, deleted_at,
       retired, observed_revision, phase, phase_since, reason, message, observed_edition, observed_retries, attempt,
       is_paused, is_playable, is_withdrawn, upload_id, source, published, failure
FROM videos
"""
_ATTEMPTS = "SELECT video_id, attempt, edition, state, job_id, intended_at, settled_at, answer, minutes FROM attempts"
_CLAIMS = "SELECT video_id, attempt, job_id, claimed_at FROM job_claims"
_HISTORY = """
SELECT video_id, observed_revision, desired_revision, at, cause, phase, reason, message, attempt FROM video_events
"""
_REQUESTS = "SELECT video_id, kind, edition AS number, asked_at AS at FROM retranscodes"
_NOTIFICATIONS = """
SELECT notification_id::text, video_id, edition, kind, owner, created_at, failure FROM notifications
"""
_DELIVERIES = """
SELECT notification_id::text, state, attempts, next_at, last_answer FROM deliveries WHERE endpoint_id IS NOT NULL
"""
_TOMBSTONES = "SELECT video_id, purged_at, last_attempt FROM tombstones"
_QUARANTINE = "SELECT object_key FROM quarantine"
_ENDPOINTS = "SELECT min(created_at) AS at FROM webhook_endpoints WHERE disabled_at IS NULL"


@dataclass(frozen=True)
class Tables:
    """Everything in Postgres at one moment."""

    videos: dict[str, VideoRecord]
    attempts: list[Attempt]
    claims: list[Claim]
    history: list[HistoryLine]
    requests: list[CountedRequest]
    notifications: list[NotificationRecord]
    deliveries: list[Delivery]
    tombstones: dict[str, Tombstone]
    quarantined: frozenset[str]
    receiving_since: float | None


def read_videos(url: str) -> dict[str, VideoRecord]:
    """Return the rows of all videos. Raises psycopg.Error."""
    with psycopg.connect(url, row_factory=dict_row) as connection:
        return _videos(connection)


def read_tables(url: str) -> Tables:
    """Return all tables as one transaction has them. Raises psycopg.Error."""
    with psycopg.connect(url, row_factory=dict_row) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        (receiving,) = _rows(connection, _ENDPOINTS)
        return Tables(
            videos=_videos(connection),
            attempts=[Attempt(**row) for row in _rows(connection, _ATTEMPTS)],
            claims=[Claim(**row) for row in _rows(connection, _CLAIMS)],
            history=[HistoryLine(**row) for row in _rows(connection, _HISTORY)],
            requests=[CountedRequest(**row) for row in _rows(connection, _REQUESTS)],
            notifications=[NotificationRecord(**row) for row in _rows(connection, _NOTIFICATIONS)],
            deliveries=[Delivery(**row) for row in _rows(connection, _DELIVERIES)],
            tombstones={row["video_id"]: Tombstone(**row) for row in _rows(connection, _TOMBSTONES)},
            quarantined=frozenset(row["object_key"] for row in _rows(connection, _QUARANTINE)),
            receiving_since=receiving["at"],
        )


def _videos(connection: "psycopg.Connection[dict[str, Any]]") -> dict[str, VideoRecord]:
    return {row["video_id"]: VideoRecord(**row) for row in _rows(connection, _VIDEOS)}


def _rows(connection: "psycopg.Connection[dict[str, Any]]", statement: str) -> list[dict[str, Any]]:
    """Return the rows with their times in seconds."""
    rows = connection.execute(statement.encode()).fetchall()
    return [{name: _plain(value) for name, value in row.items()} for row in rows]


def _plain(value: Any) -> Any:
    return value.timestamp() if isinstance(value, datetime) else value
