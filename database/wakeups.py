"""NOTIFY and LISTEN: how a commit wakes the operator, and the API's clients that wait for a change.

Two channels: nudges request a pass, and announcements say that a video has changed. A lost one of either costs one poll
interval, nothing else.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from database.pool import KEEPALIVE_OPTIONS, Connection, DeadlineConnection
from domain.errors import UnavailableError
from domain.records import Cause

# A connection can stay open although nothing arrives through it any more, so a quiet one is tested this often.
_CHECK_SECONDS = 15.0
_CHANNEL = "video_uploads"
_NOTIFY = "SELECT pg_notify(%(channel)s, %(payload)s)"
_ANNOUNCEMENTS = "video_uploads_changed"
# A column of RETURNING, after the others: it announces each row that the statement changed, in the same round trip.
ANNOUNCE = f"pg_notify('{_ANNOUNCEMENTS}', video_id)"


@dataclass(frozen=True)
class Wakeup:
    """A request to look at this video now. ``cause`` is stored with the transition that follows."""

    video_id: str
    cause: Cause


def send(connection: Connection, nudge: Wakeup) -> None:
    """Wake the operator when the transaction of ``connection`` commits."""
    connection.execute(_NOTIFY, {"channel": _CHANNEL, "payload": f"{nudge.cause} {nudge.video_id}"})


def listen(url: str, *, quiet_seconds: float, check_seconds: float = _CHECK_SECONDS) -> Iterator[Wakeup | None]:
    """Yield nudges as they arrive, and None at least every ``quiet_seconds`` so that the caller can stop.

    The first None says that the channel is open. Every ``check_seconds`` Postgres is asked whether it still answers.
    Raises UnavailableError when the connection is lost, or no answer comes through it.
    """
    for notice in _notices(url, (_CHANNEL,), quiet_seconds=quiet_seconds, check_seconds=check_seconds):
        if notice is None:
            yield None
        elif (nudge := _parse(notice.payload)) is not None:
            yield nudge


def listen_for_changes(
    url: str, *, quiet_seconds: float, check_seconds: float = _CHECK_SECONDS
) -> Iterator[str | None]:
    """Yield the ids of videos that may have changed, otherwise like `listen`.

    Every change of a desired state nudges the operator, so nudges count as announcements too.
    """
    channels = (_ANNOUNCEMENTS, _CHANNEL)
    for notice in _notices(url, channels, quiet_seconds=quiet_seconds, check_seconds=check_seconds):
        if notice is None:
            yield None
        elif notice.channel == _ANNOUNCEMENTS:
            yield notice.payload
        elif (nudge := _parse(notice.payload)) is not None:
            yield nudge.video_id


def _notices(
    url: str, channels: tuple[str, ...], *, quiet_seconds: float, check_seconds: float
) -> Iterator[psycopg.Notify | None]:
    try:
        conninfo = make_conninfo(url, **KEEPALIVE_OPTIONS)
        with DeadlineConnection.connect(
            conninfo, autocommit=True, connect_timeout=3, application_name="video-uploads-listen"
        ) as conn:
            for channel in channels:
                conn.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
            yield None
            checked_at = time.monotonic()
            while True:
                yield from conn.notifies(timeout=quiet_seconds, stop_after=1)
                if time.monotonic() - checked_at >= check_seconds:
                    conn.execute("SELECT 1")
                    checked_at = time.monotonic()
                yield None
    except psycopg.OperationalError as error:
        raise UnavailableError(f"listening at Postgres: {type(error).__name__}") from error


def _parse(payload: str) -> Wakeup | None:
    cause, _, video_id = payload.partition(" ")
    try:
        return Wakeup(video_id, Cause(cause))
    except ValueError:  # another program uses the channel; it cannot harm us
        return None
