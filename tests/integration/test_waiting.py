"""Clients that wait for a change, at a real API process on a real Postgres. The tests observe as the operator does."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest

from database.observations import Observations
from database.pool import Database
from database.retention import Retention
from devstack.s3 import S3Access
from domain.records import Cause
from tests.integration.api_process import ApiProcess, environment_of, running, token, without_cluster
from tests.support.eventually import eventually

# Far below any wait here, far above the time of a call.
SOON_SECONDS = 10
_LISTENING: LiteralString = """
SELECT count(*) FROM pg_stat_activity
WHERE application_name = 'video-uploads-listen' AND datname = current_database()
"""
_END_LISTEN: LiteralString = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name = 'video-uploads-listen' AND datname = current_database()
"""


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


def test_an_event_that_the_client_has_is_not_sent_again(api: ApiProcess, database: Database) -> None:
    path, revision = created(api)
    client = Client(api, f"{path}/events/stream", headers={"Last-Event-ID": revision})
    with closing(client), client.answer() as answer:
        assert answer.readline().startswith(b"retry: ")
        observe(database, path.rpartition("/")[2], message="another message")
        assert event(answer)["id"] == api.call("GET", path).json()["revision"] != revision


@pytest.mark.parametrize("suffix", ["?wait=5&since=1.1", "/events/stream"])
def test_who_may_not_see_a_video_cannot_wait_for_it(api: ApiProcess, suffix: str) -> None:
    path, _ = created(api)
    assert api.call("GET", path + suffix, user="eve").status_code == 404
    assert api.call("GET", path + suffix, headers={"Authorization": "Bearer nonsense"}).status_code == 401
    assert (waiting(api, "poll"), waiting(api, "stream")) == (0, 0)


def test_a_stream_ends_when_the_video_is_removed_for_good(api: ApiProcess, database: Database) -> None:
    path, _ = created(api)
    with closing(Client(api, f"{path}/events/stream")) as client, client.answer() as answer:
        event(answer)
        api.call("DELETE", path)
        event(answer)
        row = Observations(database).get(path.rpartition("/")[2])
        assert row is not None
        assert Retention(database).purge(row)
        assert event(answer) == {}
        # The end of the stream was framed, so the connection carries the next call.
        client.ask(path)
        with client.answer() as next_answer:
            assert next_answer.status == 404
    eventually(lambda: waiting(api, "stream") == 0)


def test_a_stream_ends_when_the_token_does(api: ApiProcess) -> None:
    path, _ = created(api)
    # Clocks may differ by thirty seconds, so this one is accepted for three more.
    short = {"Authorization": f"Bearer {token('ann', exp=int(time.time()) - 27)}"}
    with closing(Client(api, f"{path}/events/stream", headers=short)) as client, client.answer() as answer:
        assert event(answer)["event"] == "video"
        assert event(answer) == {}


def test_clients_that_have_gone_do_not_wait(api: ApiProcess) -> None:
    path, revision = created(api)
    clients = [Client(api, f"{path}?wait=50&since={revision}"), Client(api, f"{path}/events/stream")]
    eventually(lambda: (waiting(api, "poll"), waiting(api, "stream")) == (1, 1))
    for client in clients:
        client.close()
    eventually(lambda: (waiting(api, "poll"), waiting(api, "stream")) == (0, 0))


def test_more_clients_than_may_wait_are_answered_at_once(environment: dict[str, str], tmp_path: Path) -> None:
    with running(environment | {"WAITS": "3", "WAITS_PER_OWNER": "2"}, tmp_path) as api:
        eventually(lambda: api.probe("/readyz") == 200)
        path, revision = created(api)
        clients = [Client(api, f"{path}/events/stream") for _ in range(2)]
        eventually(lambda: waiting(api, "stream") == 2)
        assert api.call("GET", f"{path}?wait=50&since={revision}").json()["revision"] == revision
        refused = api.call("GET", f"{path}/events/stream")
        assert (refused.status_code, refused.json()["code"]) == (503, "temporarily_unavailable")
        assert int(refused.headers["Retry-After"]) > 0
        assert metric(api, 'video_uploads_waits_refused_total{reason="owner"}') == 2
        for client in clients:
            client.close()
        eventually(lambda: waiting(api, "stream") == 0)
        client = Client(api, f"{path}?wait=50&since={revision}")
        eventually(lambda: waiting(api, "poll") == 1)
        client.close()


def test_many_waiting_clients_hold_no_thread(api: ApiProcess, database: Database) -> None:
    path, revision = created(api)
    clients = [Client(api, f"{path}?wait=50&since={revision}") for _ in range(60)]
    try:
        eventually(lambda: waiting(api, "poll") == 60)
        # Four threads, and each of these needs one.
        assert api.call("GET", path).json()["revision"] == revision
        observe(database, path.rpartition("/")[2], message="another message")
        assert {client.body()["revision"] for client in clients} == {api.call("GET", path).json()["revision"]}
    finally:
        for client in clients:
            client.close()


def test_a_stop_answers_polls_and_ends_streams(environment: dict[str, str], tmp_path: Path) -> None:
    with running(environment, tmp_path) as api:
        eventually(lambda: api.probe("/readyz") == 200)
        path, revision = created(api)
        poll, stream = Client(api, f"{path}?wait=50&since={revision}"), Client(api, f"{path}/events/stream")
        with closing(poll), closing(stream), stream.answer() as answer:
            event(answer)
            eventually(lambda: (waiting(api, "poll"), waiting(api, "stream")) == (1, 1))
            api.terminate()
            assert poll.body()["revision"] == revision
            assert event(answer) == {}
        assert api.exit_code() == 0


def test_changes_are_found_without_listen(api: ApiProcess, database_url: str) -> None:
    path, revision = created(api)
    with closing(Client(api, f"{path}?wait=50&since={revision}")) as client:
        eventually(lambda: waiting(api, "poll") == 1)
        # Past every statement that announces.
        with psycopg.connect(database_url) as connection:
            connection.execute("UPDATE videos SET observed_revision = observed_revision + 1")
        assert client.body()["revision"] != revision


def test_listen_comes_back_after_its_connection_was_lost(
    api: ApiProcess, database: Database, database_url: str
) -> None:
    path, _ = created(api)
    with closing(Client(api, f"{path}/events/stream")) as client, client.answer() as answer:
        event(answer)
        eventually(lambda: metric(api, "video_uploads_changes_listening") == 1)
        with psycopg.connect(database_url, autocommit=True) as connection:
            ended = connection.execute(_END_LISTEN).fetchall()
        assert ended == [(True,)]
        observe(database, path.rpartition("/")[2], message="another message")
        assert json.loads(event(answer)["data"])["revision"] == api.call("GET", path).json()["revision"]
        eventually(lambda: metric(api, "video_uploads_changes_listening") == 1)


def test_each_process_listens_once_and_wakes_its_own_clients(
    environment: dict[str, str], database: Database, database_url: str, tmp_path: Path
) -> None:
    with running(environment | {"PROCESSES": "2"}, tmp_path) as api:
        eventually(lambda: count(database_url, _LISTENING) == 2)
        path, revision = created(api)
        clients = [Client(api, f"{path}?wait=50&since={revision}") for _ in range(12)]
        eventually(lambda: waiting(api, "poll") == 12)
        observe(database, path.rpartition("/")[2], message="another message")
        assert all(client.body()["revision"] != revision for client in clients)
        for client in clients:
            client.close()


def count(database_url: str, statement: LiteralString) -> int:
    """Return a number from Postgres."""
    with psycopg.connect(database_url) as connection:
        (found,) = connection.execute(statement).fetchall()
    return int(found[0])
