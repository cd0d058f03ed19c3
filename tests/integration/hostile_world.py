"""A real API process to send bad input to, with all rows of its database to compare."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import LiteralString
from uuid import uuid4

import boto3
import psycopg
from psycopg import sql
from pydantic import TypeAdapter

from devstack.s3 import S3Access
from domain.object_keys import video_prefix
from domain.video import Published
from tests.integration.api_process import (
    A_VIDEO,
    CALLBACK_KEY,
    JWT_SIGNING_KEY,
    PLAYBACK_KEY,
    ApiProcess,
    environment_of,
    running,
    without_cluster,
)
from tests.integration.buckets import with_fresh_bucket
from tests.integration.databases import fresh_database
from tests.integration.webhook_rows import WebhookIds, tidy
from tests.support.hostile.requests import PRIVATE_FILES, PRIVATE_PUBLISHED, Facts, RawResponse, Sent
from tests.support.hostile.tokens import token
from tests.support.hostile.wire import encode, exchange

_FAIL: LiteralString = """
UPDATE videos SET phase = 'errored', reason = 'Failed', deadline_at = NULL,
                  failure = '{"code": "job_lost", "message": "lost", "attempt": 1}'
WHERE video_id = %s
"""
_PUBLISH_PRIVATELY: LiteralString = """
UPDATE videos SET phase = 'ready', reason = 'Published', deadline_at = NULL, published = %s::jsonb, is_playable = true,
                  is_private = true
WHERE video_id = %s
"""
FILE = b"not a video"
_TABLES = (
    *("videos", "attempts", "job_claims", "video_events", "idempotency_keys", "retranscodes"),
    *("notifications", "webhook_endpoints", "webhook_secrets", "deliveries"),
)


class RealWorld:
    """A running API, two users' videos with their files and first attempts, and the rows behind them."""

    def __init__(self, api: ApiProcess, environment: Mapping[str, str]) -> None:
        self.api = api
        self._connection = psycopg.connect(environment["DATABASE_URL"], autocommit=True)
        own, foreign = self._submitted("ann"), self._submitted("eve")
        self.facts = Facts(
            own,
            foreign,
            JWT_SIGNING_KEY,
            [CALLBACK_KEY],
            PLAYBACK_KEY,
            token(JWT_SIGNING_KEY),
            token(JWT_SIGNING_KEY, {"scope": "admin"}),
            waiting=self._created("ann"),
            parted=self._created("ann", upload_mode="multipart", size_bytes=9),
            failed=self._created("ann"),
            deleted=self._created("ann"),
            requested=self._created("ann"),
            verified=self._submitted("ann"),
            private=self._created("ann", visibility="private"),
            endpoint=str(uuid4()),
            secret=str(uuid4()),
            delivery=str(uuid4()),
        )
        self.tidy()
        self._verified(self.facts.verified)
        self._published_privately(self.facts.private, environment)
        self.execute("UPDATE videos SET edition = 2 WHERE video_id = %s", self.facts.requested)
        self.execute(_FAIL, self.facts.failed)
        self.api.call("DELETE", f"/api/v1/videos/{self.facts.deleted}")

    def tidy(self) -> None:
        """Let every call about endpoints and deliveries succeed again."""
        facts = self.facts
        tidy(self._connection, WebhookIds(facts.endpoint, facts.secret, facts.delivery))

    def send(self, sent: Sent) -> RawResponse:
        """Send one request."""
        return self.send_bytes(encode(sent))

    def send_bytes(self, request: bytes, *, is_cut: bool = False) -> RawResponse:
        """Send bytes, and return the answer to them."""
        with self.api.connect() as connection:
            return exchange(connection, request, is_cut=is_cut)

    def state(self) -> object:
        """Return every row."""
        return {table: self.rows(table) for table in _TABLES}

    def rows(self, table: str) -> list[tuple[object, ...]]:
        """Return every row of one table."""
        selected = sql.SQL("SELECT * FROM {} ORDER BY 1, 2").format(sql.Identifier(table))
        return self._connection.execute(selected).fetchall()

    def execute(self, statement: LiteralString, *parameters: object) -> None:
        """Change rows behind the API's back, as the operator does."""
        self._connection.execute(statement, parameters)

    def close(self) -> None:
        """Let the database go."""
        self._connection.close()

    def _created(self, user: str, **changes: object) -> str:
        """Create a video."""
        answer = self.api.call("POST", "/api/v1/videos", user=user, json={**A_VIDEO, **changes})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["video_id"])

    def _verified(self, video_id: str) -> None:
        """Let the file of a video have been found good, as the operator does it."""
        etag = hashlib.md5(FILE, usedforsecurity=False).hexdigest()
        found = {"etag": etag, "last_modified": "2026-03-01T12:00:00Z", "file_bytes": len(FILE), "container": "mp4"}
        self.execute("UPDATE videos SET source = %s::jsonb WHERE video_id = %s", json.dumps(found), video_id)

    def _published_privately(self, video_id: str, environment: Mapping[str, str]) -> None:
        """Let a private video be playable, as the operator leaves it."""
        published = TypeAdapter(Published).dump_json(PRIVATE_PUBLISHED).decode()
        self.execute(_PUBLISH_PRIVATELY, published, video_id)
        bucket = boto3.client(
            "s3",
            endpoint_url=environment["S3_ENDPOINT"],
            region_name=environment["S3_REGION"],
            aws_access_key_id=environment["S3_ACCESS_KEY"],
            aws_secret_access_key=environment["S3_SECRET_KEY"],
        )
        with closing(bucket):
            for path, body in PRIVATE_FILES.items():
                key = video_prefix(video_id, is_private=True) + path
                bucket.put_object(Bucket=environment["S3_PROCESSED_BUCKET"], Key=key, Body=body)

    def _submitted(self, user: str) -> str:
        """Create a video with its file and a recorded first attempt, as the operator leaves it."""
        answer = self.api.call("POST", "/api/v1/videos", user=user, json=A_VIDEO)
        assert answer.status_code == 201, answer.text
        self.api.send_file(answer.json(), FILE)
        video_id = str(answer.json()["video_id"])
        self.execute(
            "INSERT INTO attempts (video_id, attempt, edition, state, intended_at) VALUES (%s, 1, 1, 'uncertain', %s)",
            video_id,
            datetime.now(UTC),
        )
        return video_id


@contextmanager
def real_world(environment: Mapping[str, str], directory: Path) -> Iterator[RealWorld]:
    """Run an API until the end of the block."""
    with running({**environment, "WAITS": "0"}, directory) as api:
        world = RealWorld(api, environment)
        try:
            yield world
        finally:
            world.close()


@contextmanager
def own_world(postgres_url: str, s3_access: S3Access, directory: Path) -> Iterator[RealWorld]:
    """Run an API with a database and a bucket of its own, without Kubernetes, until the end of the block."""
    with fresh_database(postgres_url) as database_url:
        environment = environment_of(database_url, with_fresh_bucket(s3_access), without_cluster(directory))
        with real_world(environment, directory) as world:
            yield world
