"""The least that could answer: Falcon, a pool of connections and one statement; for POST also one signature.

No token, no validation, no history, no limit. `gunicorn bench.bare:app` serves it as the service is served.
"""

import os
from typing import Any

import boto3
import falcon
import orjson
from botocore.config import Config
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

from domain.video import new_video_id

_SELECT = "SELECT * FROM videos WHERE video_id = %s"
_INSERT = """
INSERT INTO videos (video_id, origin, owner, title, filename, content_type, upload_mode, region, storage_key, profile,
                    phase, phase_since, reason, message, deadline_at)
VALUES (%s, 'api', 'bare', %s, %s, %s, 'single', 'tor1', %s, 'hls-1080p', 'uploading', now(), 'WaitingForFile', '',
        now() + interval '1 day')
"""
_SHOWN = ("video_id", "title", "phase", "filename", "created_at", "published")


class Videos:
    """An insert and a signature."""

    def __init__(self, pool: "ConnectionPool[Any]", signer: Any, bucket: str) -> None:
        self._pool, self._signer, self._bucket = pool, signer, bucket

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Insert a row and sign its upload."""
        asked, video_id = orjson.loads(req.bounded_stream.read()), new_video_id()
        key = f"uploads/{video_id}/original.mp4"
        with self._pool.connection() as connection:
            connection.execute(_INSERT, [video_id, asked["title"], asked["filename"], asked["content_type"], key])
        signed = {"Bucket": self._bucket, "Key": key, "ContentType": asked["content_type"]}
        url = self._signer.generate_presigned_url("put_object", Params=signed, ExpiresIn=900)
        resp.status = falcon.HTTP_201
        resp.data = orjson.dumps({"video_id": video_id, "upload_url": url})


class Livez:
    """Whether it serves."""

    def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
        """Answer."""
        resp.data = b"{}"


class Video:
    """A select."""

    def __init__(self, pool: "ConnectionPool[Any]") -> None:
        self._pool = pool

    def on_get(self, _req: falcon.Request, resp: falcon.Response, video_id: str) -> None:
        """Show some columns of a row."""
        with self._pool.connection() as connection:
            row = connection.execute(_SELECT, [video_id]).fetchone()
        resp.data = orjson.dumps({name: row[name] for name in _SHOWN})


def make_app() -> "falcon.App[Any, Any]":
    """Return the application, told by the same variables as the service."""
    told = os.environ
    pool: ConnectionPool[Any] = ConnectionPool(
        told["DATABASE_URL"],
        min_size=1,
        max_size=16,
        open=True,
        kwargs={"autocommit": True, "row_factory": dict_row},
    )
    signer = boto3.client(
        "s3",
        endpoint_url=told["S3_ENDPOINT"],
        region_name=told["S3_REGION"],
        aws_access_key_id=told["S3_ACCESS_KEY"],
        aws_secret_access_key=told["S3_SECRET_KEY"],
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )
    app = falcon.App()
    app.add_route("/api/v1/videos", Videos(pool, signer, told["S3_RAW_BUCKET"]))
    app.add_route("/api/v1/videos/{video_id}", Video(pool))
    app.add_route("/livez", Livez())
    return app


app = make_app()
