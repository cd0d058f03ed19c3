"""Clients that wait for a change, at a real API process on a real Postgres. The tests observe as the operator does."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

import pytest

from database.observations import Observations
from database.pool import Database
from devstack.s3 import S3Access
from domain.records import Cause
from tests.integration.api_process import ApiProcess, environment_of, running, token, without_cluster
from tests.support.eventually import eventually

# Far below any wait here, far above the time of a call.
SOON_SECONDS = 10


@pytest.fixture
def environment(database_url: str, s3: S3Access, tmp_path: Path) -> dict[str, str]:
    """The environment of an API of one process with few threads. Kubernetes is away."""
    return environment_of(database_url, s3, without_cluster(tmp_path), THREADS="4", TMPDIR=str(tmp_path))


@pytest.fixture
def api(environment: dict[str, str], tmp_path: Path) -> Iterator[ApiProcess]:
    """A running API."""
    with running(environment, tmp_path) as process:
        eventually(lambda: process.probe("/readyz") == 200)
        yield process


def observe(database: Database, video_id: str, **changes: Any) -> None:
    """Commit an observation."""
    observations = Observations(database)
    row = observations.get(video_id)
    assert row is not None
    assert observations.commit(row, replace(row.observed, **changes), cause=Cause.POLL)


class Client:
    """One connection to the API, with one call under way."""

    def __init__(self, api: ApiProcess, path: str, *, user: str = "ann", headers: Mapping[str, str] | None = None):
        self.connection = HTTPConnection(api.url.removeprefix("http://"), timeout=60)
        self.ask(path, user=user, headers=headers)

    def ask(self, path: str, *, user: str = "ann", headers: Mapping[str, str] | None = None) -> None:
        """Send a request."""
        sent = {"Authorization": f"Bearer {token(user)}", **(headers or {})}
        self.connection.request("GET", path, headers=sent)

    def answer(self) -> HTTPResponse:
        """Return the head of the response."""
        return self.connection.getresponse()

    def body(self) -> dict[str, Any]:
        """Return the JSON of a whole response."""
        with self.answer() as answer:
            assert answer.status == 200
            body: dict[str, Any] = json.loads(answer.read())
            return body

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()


def event(answer: HTTPResponse) -> dict[str, str]:
    """Return the next event of a stream, comments left out; {} at its end."""
    fields: dict[str, str] = {}
    while line := answer.readline().decode():
        name, _, value = line.rstrip("\n").partition(": ")
        if name:
            fields[name] = value
        elif "data" in fields:
            return fields
    return {}


def created(api: ApiProcess) -> tuple[str, str]:
    """Create a video; return its path and its revision."""
    path = f"/api/v1/videos/{api.create()['video_id']}"
    return path, api.call("GET", path).json()["revision"]


def waiting(api: ApiProcess, kind: str) -> float:
    """Return how many clients wait."""
    return metric(api, f'video_uploads_waits_open{{kind="{kind}"}}')


def metric(api: ApiProcess, name: str) -> float:
    """Return the value of one series."""
    text = api.call("GET", "/metrics").text
    return next(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(name + " "))


def test_a_long_poll_answers_as_soon_as_the_video_changes(api: ApiProcess, database: Database) -> None:
    path, revision = created(api)
    with closing(Client(api, f"{path}?wait=50&since={revision}")) as client:
        eventually(lambda: waiting(api, "poll") == 1)
        began = time.monotonic()
        observe(database, path.rpartition("/")[2], message="the file has not arrived yet, still")
        body = client.body()
        assert time.monotonic() - began < SOON_SECONDS
        assert body["revision"] != revision
        eventually(lambda: waiting(api, "poll") == 0)

        # The connection is kept, and carries ordinary calls and further waits.
        client.ask(path)
        assert client.body()["revision"] == body["revision"]
        client.ask(f"{path}?wait=1&since={body['revision']}")
        assert client.body()["revision"] == body["revision"]


def test_a_stream_sends_the_video_at_once_and_after_each_change(api: ApiProcess) -> None:
    path, revision = created(api)
    with closing(Client(api, f"{path}/events/stream")) as client, client.answer() as answer:
        assert (answer.status, answer.getheader("Content-Type")) == (200, "text/event-stream")
        assert answer.getheader("X-Accel-Buffering") == "no"
        first = event(answer)
        assert (first["id"], first["event"]) == (revision, "video")
        assert json.loads(first["data"]) == api.call("GET", path).json() | {
            "next_check_at": json.loads(first["data"])["next_check_at"]
        }
        api.call("DELETE", path)
        second = event(answer)
        assert json.loads(second["data"])["deleted_at"] is not None
        assert second["id"] != revision
