"""The running stack as tests use it from outside: API calls, kubectl, rows, the stand-in's ledger."""

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import requests
from mypy_boto3_s3 import S3Client
from psycopg.rows import dict_row

from devstack import s3
from devstack.description import StackDescription
from devstack.stack import Stack
from domain.video import RECONCILE_REQUESTED_ANNOTATION
from tests.support.eventually import eventually
from videoupload import Client, NewVideo, Upload, Video

_TABLES = ("videos", "attempts", "job_claims", "video_events")
_TIMEOUT_SECONDS = 10

# The API server's counts of writes to etcd of our kind. A server-side apply that creates counts as an update.
_WRITES = re.compile(
    r'^etcd_request_duration_seconds_count\{group="video\.uploads\.dev",'
    r'operation="(?:create|update|delete)",resource="videouploads"\} (\d+)$',
    re.MULTILINE,
)
# Writes that the schema or one of its rules refused. A conflict (409) is not one of them.
_REFUSED = re.compile(
    r'^apiserver_request_total\{code="(?:400|422)",.*resource="videouploads".*\} (\d+)$', re.MULTILINE
)

Row = dict[str, Any]


@dataclass(frozen=True)
class Person:
    """A user with a token: the calls of the client, and any other HTTP call."""

    client: Client
    api_url: str
    token: str

    def call(self, method: str, path: str, *, expected: int, json: object = None) -> Any:
        """Make a call below /api/v1 and return the response's JSON."""
        headers, url = {"Authorization": f"Bearer {self.token}"}, f"{self.api_url}/api/v1{path}"
        response = requests.request(method, url, headers=headers, json=json, timeout=_TIMEOUT_SECONDS)
        assert response.status_code == expected, response.text
        return response.json() if response.content else None


@dataclass(frozen=True)
class World:
    """One running stack, with queries about one upload."""

    stack: Stack

    @property
    def described(self) -> StackDescription:
        """Return the description of the stack."""
        return self.stack.description

    def client(self) -> Client:
        """Return the client of a new user."""
        return self.person().client

    def person(self, *, is_admin: bool = False) -> Person:
        """Return a new user."""
        token = self.stack.token(user=f"user-{secrets.token_hex(4)}", uploads_per_hour=100, is_admin=is_admin)
        return Person(Client(self.described.api_url, token), self.described.api_url, token)

    def faults(self, **values: float) -> None:
        """Set faults of the Coconut stand-in; the next test starts without any."""
        requests.put(f"{self._coconut}/_faults", json=values, timeout=_TIMEOUT_SECONDS).raise_for_status()

    def jobs(self, video_id: str) -> list[Row]:
        """Return every paid job of a video, from the stand-in's ledger."""
        ledger = requests.get(f"{self._coconut}/_ledger", timeout=_TIMEOUT_SECONDS).json()
        return [job for job in ledger if job["video"] == video_id]

    def rows(self, video_id: str) -> dict[str, list[Row]]:
        """Return all rows of a video in Postgres, by table."""
        rows = {}
        with psycopg.connect(self.described.database_url, row_factory=dict_row, autocommit=True) as connection:
            for table in _TABLES:
                selected = connection.execute(f"SELECT * FROM {table} WHERE video_id = %s ORDER BY 1, 2", [video_id])  # noqa: S608
                rows[table] = selected.fetchall()
        return rows

    def causes(self, video_id: str) -> list[str]:
        """Return the cause of each transition of a video, oldest first."""
        return [event["cause"] for event in self.rows(video_id)["video_events"]]

    def original_key(self, video_id: str) -> str:
        """Return where the original of a video is: its accepted copy, or where it was sent."""
        (row,) = self.rows(video_id)["videos"]
        return str((row["source"] or {}).get("key") or row["storage_key"])

    def original(self, video_id: str) -> bytes:
        """Return the original of a video in storage."""
        return self.storage.get_object(Bucket=self.described.s3.bucket, Key=self.original_key(video_id))["Body"].read()

    def resource(self, video_id: str) -> Row | None:
        """Return the resource, None if there is none."""
        shown = self.stack.cluster.kubectl("get", "vu", video_id, "--ignore-not-found", "--output=json")
        return json.loads(shown) if shown.strip() else None

    def columns(self, video_id: str) -> Mapping[str, str]:
        """Return the columns that `kubectl get vu` prints of it, without empty ones."""
        shown = self.stack.cluster.kubectl("get", "vu", video_id, "--ignore-not-found", "--output=wide")
        return _columns(shown.splitlines())

    def status(self, video_id: str) -> Row:
        """Return the resource's status, empty while there is none."""
        resource = self.resource(video_id)
        status: Row = resource.get("status", {}) if resource else {}
        return status

    def annotate(self, video_id: str, annotation: str) -> None:
        """Annotate the resource with `name=value`, or remove an annotation with `name-`."""
        self.stack.cluster.kubectl("annotate", "--overwrite", "vu", video_id, annotation)

    def reconcile_now(self, video_id: str, request: str) -> None:
        """Request a pass under a name of its own, and wait until its status was written."""
        self.annotate(video_id, f"{RECONCILE_REQUESTED_ANNOTATION}={request}")
        eventually(lambda: self.status(video_id).get("lastHandledReconcileAt") == request)

    def file_bytes(self, key: str) -> int | None:
        """Return the size of a file in the bucket, None if there is none."""
        stored = self.storage.list_objects_v2(Bucket=self.described.s3.bucket, Prefix=key)
        return next((item["Size"] for item in stored.get("Contents", ())), None)

    def writes(self) -> int:
        """Return the number of writes of our kind to etcd since the API server started."""
        return self._counted(_WRITES)

    def refused_writes(self) -> int:
        """Return the number of writes that the kind's rules refused."""
        return self._counted(_REFUSED)

    def _counted(self, pattern: re.Pattern[str]) -> int:
        return sum(int(count) for count in pattern.findall(self.stack.cluster.kubectl("get", "--raw", "/metrics")))

    @cached_property
    def storage(self) -> S3Client:
        """Return a client of the object storage with the main key. One bucket holds originals and outputs."""
        bucket = self.described.s3
        access = s3.access(self.stack.paths, urlsplit(bucket.endpoint).port or 0, bucket=bucket.bucket)
        return s3.client_for(access)

    @property
    def _coconut(self) -> str:
        return self.described.coconut.url.removesuffix("/v2")


def plays_attempt(playback_url: str | None, attempt: int) -> bool:
    """Return whether the stable playlist leads into the folder of this attempt."""
    assert playback_url is not None
    return re.search(rf"^{attempt}(-\w+)?/hls/", requests.get(playback_url, timeout=5).text, re.MULTILINE) is not None


def create(client: Client, path: Path) -> Upload:
    """Create an upload of a file in one piece."""
    return client.create(NewVideo(path.stem, path.name, "video/mp4", path.stat().st_size, upload_mode="single"))


def put(upload: Upload, path: Path) -> None:
    """Send the file to storage."""
    with path.open("rb") as file:
        response = requests.put(upload.upload_url, data=file, headers=upload.headers, timeout=_TIMEOUT_SECONDS)
    response.raise_for_status()


def uploaded(client: Client, path: Path) -> str:
    """Create an upload, send the file, confirm it, and return the video's id."""
    upload = create(client, path)
    put(upload, path)
    assert client.confirm(upload.video_id) == "processing_queued"
    return upload.video_id


def in_phase(client: Client, video_id: str, phase: str) -> Video | None:
    """Return the video if it is in a phase, else None. Fails if it ended in an error."""
    video = client.video(video_id)
    if video.status == phase:
        return video
    assert video.status != "errored", video.error
    return None


def _columns(lines: list[str]) -> Mapping[str, str]:
    if len(lines) < 2:
        return {}
    names = list(re.finditer(r"\S+", lines[0]))
    ends = [name.start() for name in names[1:]] + [None]
    cells = {name[0]: lines[1][name.start() : end].strip() for name, end in zip(names, ends, strict=True)}
    return {name: cell for name, cell in cells.items() if cell}
