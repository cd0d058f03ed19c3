"""The bare minimum: Falcon, a connection pool and one statement; for POST also one signature.

It has no token, validation, history or limit. `gunicorn bench.bare:app` serves it like the service.
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


class BareVideos:
    """An insert and a signature."""

    def __init__(self, pool: "ConnectionPool[Any]", signer: Any, bucket: str) -> None:
        self._pool, self._signer, self._bucket = pool, signer, bucket

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Insert a row and sign its upload."""
        body, video_id = orjson.loads(req.bounded_stream.read()), new_video_id()
        key = f"uploads/{video_id}/original.mp4"
        with self._pool.connection() as connection:
            connection.execute(_INSERT, [video_id, body["title"], body["filename"], body["content_type"], key])
        signed = {"Bucket": self._bucket, "Key": key, "ContentType": body["content_type"]}
        url = self._signer.generate_presigned_url("put_object", Params=signed, ExpiresIn=900)
        resp.status = falcon.HTTP_201
        resp.data = orjson.dumps({"video_id": video_id, "upload_url": url})


class BareLivez:
    """The readiness check."""

    def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
        """Respond with 200."""
        resp.data = b"{}"


class BareVideo:
    """A select."""

    def __init__(self, pool: "ConnectionPool[Any]") -> None:
        self._pool = pool

    def on_get(self, _req: falcon.Request, resp: falcon.Response, video_id: str) -> None:
        """Show some columns of a row."""
        with self._pool.connection() as connection:
            row = connection.execute(_SELECT, [video_id]).fetchone()
        resp.data = orjson.dumps({name: row[name] for name in _SHOWN})


def make_app() -> "falcon.App[Any, Any]":
    """Return the application, configured by the same variables as the service."""
    environment = os.environ
    pool: ConnectionPool[Any] = ConnectionPool(
        environment["DATABASE_URL"],
        min_size=1,
        max_size=16,
        open=True,
        kwargs={"autocommit": True, "row_factory": dict_row},
    )
    signer = boto3.client(
        "s3",
        endpoint_url=environment["S3_ENDPOINT"],
        region_name=environment["S3_REGION"],
        aws_access_key_id=environment["S3_ACCESS_KEY"],
        aws_secret_access_key=environment["S3_SECRET_KEY"],
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )
    app = falcon.App()
    app.add_route("/api/v1/videos", BareVideos(pool, signer, environment["S3_RAW_BUCKET"]))
    app.add_route("/api/v1/videos/{video_id}", BareVideo(pool))
    app.add_route("/livez", BareLivez())
    return app


app = make_app()
