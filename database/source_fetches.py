"""How far the fetches of files from URLs are. Only a fetch writes it, on condition that its upload is still wanted."""

from typing import Any

from psycopg.types.json import Jsonb
from pydantic import TypeAdapter

from database.columns import VIDEO, fetch_video
from database.pool import Database
from domain.records import VideoRow
from domain.source_fetch import SourceFetch

# An upload that was opened by another process, a retry or a deletion ends what this one records.
_IF_STILL_WANTED = """
WHERE video_id = %(video_id)s AND source_url IS NOT NULL AND phase = 'uploading' AND NOT deleted
  AND phase_since = %(since)s AND upload_id IS NOT DISTINCT FROM %(before)s
"""
_BEGIN = f"""
UPDATE videos SET source_fetch = %(fetch)s, upload_id = %(upload_id)s, part_bytes = %(part_bytes)s {_IF_STILL_WANTED}
RETURNING {VIDEO}
"""  # noqa: S608 - constants
_RECORD = f"UPDATE videos SET source_fetch = %(fetch)s {_IF_STILL_WANTED} RETURNING {VIDEO}"  # noqa: S608 - constants

_FETCH = TypeAdapter(SourceFetch)


class SourceFetches:
    """The fetches as the operator records them. Every method raises UnavailableError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, row: VideoRow, fetch: SourceFetch, *, upload_id: str, part_bytes: int) -> VideoRow | None:
        """Store which multipart upload the file is sent to from its first byte on; None if it is not wanted any more.

        ``row``: as it was before; it names the upload that this one replaces.
        """
        return self._write(_BEGIN, row, fetch, upload_id=upload_id, part_bytes=part_bytes)

    def record(self, row: VideoRow, fetch: SourceFetch) -> VideoRow | None:
        """Store how far the fetch is, and return the new row; None if it is not wanted any more."""
        return self._write(_RECORD, row, fetch)

    def _write(self, statement: str, row: VideoRow, fetch: SourceFetch, **more: Any) -> VideoRow | None:
        values = {
            "video_id": row.desired.video_id,
            "since": fetch.since,
            "before": row.upload_id,
            "fetch": Jsonb(_FETCH.dump_python(fetch, mode="json")),
            **more,
        }
        with self._database.connection() as connection:
            return fetch_video(connection, statement, values)
