"""Migrations that run while the release before them works: what they build delays no write, also after a kill."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest
import sqlalchemy

from database.migrations.__main__ import upgrade
from tests.integration.databases import fresh_database
from tests.support.eventually import eventually

INDICES = ("videos_created", "videos_listed", "videos_profile")
_INSERT = """
INSERT INTO videos (video_id, origin, owner, title, filename, content_type, upload_mode, region, storage_key, profile,
    phase, phase_since, reason, message, deadline_at)
VALUES (%(video_id)s, 'api', 'ann', 'Cats', 'cats.mp4', 'video/mp4', 'single', 'tor1', 'uploads/a/original.mp4',
    'hls-1080p', 'uploading', now(), 'WaitingForFile', '', now())
"""
_BUILDING = (
    "SELECT pid FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX CONCURRENTLY%' AND datname = current_database()"
)
# Without Postgres' own processes, such as autovacuum's.
_OTHERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
_VALID = "SELECT relname, indisvalid FROM pg_index JOIN pg_class ON oid = indexrelid WHERE relname = ANY(%s)"


@pytest.fixture
def before(postgres_url: str) -> Iterator[str]:
    """A database as the release before these indices left it."""
    with fresh_database(postgres_url, migrated=False) as url:
        upgrade(url, to="0030")
        yield url


@contextmanager
def building(url: str, watching: psycopg.Connection) -> Iterator[tuple[Future[str], int]]:
    """Migrate while a transaction is open that has written, so that the first index waits for it.

    Yields the migration and the process of Postgres that builds; the transaction ends afterwards.
    """
    with ThreadPoolExecutor() as pool, psycopg.connect(url) as writing:
        writing.execute(_INSERT, {"video_id": "a" * 26})
        migrated = pool.submit(upgrade, url, to="0031")
        eventually(lambda: watching.execute(_BUILDING).fetchone(), within_seconds=20)
        (pid,) = watching.execute(_BUILDING).fetchone() or (0,)
        yield migrated, pid
        writing.commit()


def validity(connection: psycopg.Connection) -> dict[str, bool]:
    return dict(connection.execute(_VALID, [list(INDICES)]).fetchall())


def test_videos_are_created_while_an_index_is_built(before: str) -> None:
    with psycopg.connect(before, autocommit=True) as other:
        other.execute("SET lock_timeout = '2s'")
        with building(before, other) as (migrated, _):
            other.execute(_INSERT, {"video_id": "b" * 26})
            assert not migrated.done()
        assert migrated.result(timeout=20) == "0031"
        assert validity(other) == dict.fromkeys(INDICES, True)


def test_an_index_that_an_ended_build_left_is_built_again(before: str) -> None:
    with psycopg.connect(before, autocommit=True) as other:
        with building(before, other) as (migrated, pid):
            other.execute("SELECT pg_terminate_backend(%s)", [pid])
            with pytest.raises(sqlalchemy.exc.OperationalError):
                migrated.result(timeout=20)
        assert validity(other) == {"videos_created": False}

        assert upgrade(before, to="0031") == "0031"
        assert validity(other) == dict.fromkeys(INDICES, True)


def test_a_process_that_waits_for_its_turn_holds_up_no_index(before: str) -> None:
    with psycopg.connect(before, autocommit=True) as other, ThreadPoolExecutor() as pool:
        with building(before, other) as (migrated, _):
            second = pool.submit(upgrade, before, to="0031")
            # Besides this one: the transaction that has written, the process that builds, and the one that waits.
            eventually(lambda: other.execute(_OTHERS).fetchall() == [(3,)], within_seconds=20)
            assert not second.done()
        assert [migrated.result(timeout=20), second.result(timeout=20)] == ["0031", "0031"]
        assert validity(other) == dict.fromkeys(INDICES, True)
