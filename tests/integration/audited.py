"""Ready videos on real servers, and everything about them that an audit could change."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import tuple_row

from controller.audit.dependencies import AuditDependencies
from controller.audit.findings import Report
from controller.audit.limits import AuditRules
from controller.audit.runner import Audit, AuditRun
from database.adoption import Adoption
from database.audit import AuditedRows
from database.commands import VideoCommands
from database.observations import Observations
from database.pool import Database
from devstack.s3 import S3Access, client_for
from domain import object_keys
from domain.audit_records import AuditedRow
from domain.objects import VerifiedOutputs
from domain.records import AttemptState, Cause, Intend, Settle
from domain.schedule import Timing
from domain.stable_playlist import stable_playlist
from domain.video import Phase, Published, Reason, SourceFacts
from storage.listing import Inventory
from storage.object_store import Storage
from tests.integration.storage.reach import settings_for
from tests.support.builders.videos import a_new_video
from tests.support.fakes.videos import mp4, stream

MAX_FILE_BYTES = 10_000
TABLES = ("videos", "attempts", "job_claims", "video_events", "notifications", "tombstones", "quarantine")


@dataclass(frozen=True)
class AuditedWorld:
    """Rows in Postgres and files in S3, written as the API, the operator and Coconut write them."""

    database: Database
    database_url: str
    s3: S3Access

    def ready(self, video_id: str, *, attempts: int = 1) -> AuditedRow:
        """Walk a video to `ready`, as passes do; each attempt replaces the one before."""
        key = object_keys.original_key(video_id, "cats.mp4")
        VideoCommands(self.database, Timing()).create(a_new_video(video_id, declared_bytes=None), per_hour=100)
        self._client.put_object(Bucket=self.s3.raw_bucket, Key=key, Body=mp4(), ContentType="video/mp4")
        facts = self._storage.head(key)
        assert facts is not None
        source = self._storage.verify_source(key, facts, declared_bytes=None, max_bytes=MAX_FILE_BYTES)
        assert isinstance(source, SourceFacts)
        for attempt in range(1, attempts + 1):
            self._publish(video_id, attempt, source)
        return self.row(video_id)

    def _publish(self, video_id: str, attempt: int, source: SourceFacts) -> None:
        now = datetime.now(UTC)
        for path, body in stream().items():
            self.put(object_keys.outputs_prefix(video_id, str(attempt)) + path, body)
        outputs = self._storage.verify_outputs(video_id, str(attempt), input_seconds=None)
        assert isinstance(outputs, VerifiedOutputs)
        assert outputs.poster_key is not None
        published = Published(1, attempt, outputs.duration_seconds, outputs.renditions, has_poster=True)
        self._storage.publish_poster(video_id, outputs.poster_key, is_private=False)
        self._observe(video_id, Intend(attempt, 1, now), attempt=attempt)
        self._observe(video_id, Settle(attempt, AttemptState.ACCEPTED, now, f"job{attempt}-{video_id}"))
        done = Settle(attempt, AttemptState.COMPLETED, now)
        at_rest: dict[str, Any] = {"phase": Phase.READY, "reason": Reason.PUBLISHED, "deadline_at": None}
        self._observe(video_id, done, source=source, published=published, is_playable=True, **at_rest)
        self._storage.write_playlist(video_id, stable_playlist(published), is_private=False)

    def _observe(self, video_id: str, made: Intend | Settle, **changes: Any) -> None:
        row = self.row(video_id).row
        after = replace(row.observed, **changes)
        assert Observations(self.database).commit(row, after, cause=Cause.POLL, attempt=made) is not None

    def row(self, video_id: str) -> AuditedRow:
        """Return a row that is there."""
        row = AuditedRows(self.database).get(video_id)
        assert row is not None
        return row

    def put(self, key: str, body: bytes) -> None:
        """Write an output."""
        self._client.put_object(Bucket=self.s3.processed_bucket, Key=key, Body=body)

    def remove(self, key: str) -> None:
        """Lose a file."""
        self._client.delete_object(Bucket=self.s3.processed_bucket, Key=key)

    def body(self, key: str) -> bytes:
        """Return what a file holds."""
        body: bytes = self._client.get_object(Bucket=self.s3.processed_bucket, Key=key)["Body"].read()
        return body

    def audit(self, *, may_repair: bool = True, may_purge: bool = False, **rules: Any) -> Report:
        """Audit once, as the operator does."""
        spaces = settings_for(self.s3)
        deps = AuditDependencies(AuditedRows(self.database), self._storage, Inventory(spaces), Adoption(self.database))
        run = AuditRun(may_repair=may_repair, may_purge=may_purge)
        Audit(deps, AuditRules(**rules), clock=lambda: datetime.now(UTC)).full(run)
        return run.report

    def objects(self) -> Mapping[str, tuple[str, datetime]]:
        """Return every object with its ETag and its date."""
        found = self._client.list_objects_v2(Bucket=self.s3.processed_bucket)
        assert not found["IsTruncated"]
        return {item["Key"]: (item["ETag"], item["LastModified"]) for item in found.get("Contents", ())}

    def tables(self) -> Mapping[str, list[tuple[Any, ...]]]:
        """Return all rows, with the transaction that wrote each."""
        with psycopg.connect(self.database_url, row_factory=tuple_row) as connection:
            select = sql.SQL("SELECT xmin::text, * FROM {} ORDER BY 2, 3")
            return {table: connection.execute(select.format(sql.Identifier(table))).fetchall() for table in TABLES}

    def say(self, statement: str, **parameters: object) -> None:
        """Change rows by hand."""
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            connection.execute(statement, parameters)

    @cached_property
    def _client(self) -> Any:
        return client_for(self.s3)

    @cached_property
    def _storage(self) -> Storage:
        return Storage(settings_for(self.s3))
