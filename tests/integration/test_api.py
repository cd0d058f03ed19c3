"""The API under gunicorn on real Postgres and S3. There is no Kubernetes unless a test requests it."""

import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
import requests
from psycopg import sql

from database.wakeups import Wakeup, listen
from devstack.paths import PROJECT_DIR
from devstack.s3 import S3Access
from domain.callback_url import callback_url
from domain.records import Cause
from tests.integration.api_process import (
    CALLBACK_KEY,
    ApiProcess,
    environment_of,
    gunicorn,
    running,
    without_cluster,
)
from tests.support.eventually import eventually

JOB = "S9BkOufdntiPR9"


@pytest.fixture
def environment(database_url: str, s3: S3Access, tmp_path: Path) -> dict[str, str]:
    """The environment of an API without Kubernetes."""
    return environment_of(database_url, s3, without_cluster(tmp_path))


@pytest.fixture
def api(environment: dict[str, str], tmp_path: Path) -> Iterator[ApiProcess]:
    """A running API."""
    with running(environment, tmp_path) as process:
        yield process


def test_an_installations_durations_and_sizes_reach_its_answers(environment: dict[str, str], tmp_path: Path) -> None:
    changes = {
        "UPLOADING_DEADLINE_SECONDS": "7200",
        "UPLOAD_URL_SECONDS": "120",
        "DELETE_GRACE_SECONDS": "100000",
        "S3_MULTIPART_ABOVE_BYTES": "1000",
    }
    with running(environment | changes, tmp_path) as api:
        before = datetime.now(UTC)
        small, large = api.create(size_bytes=1000), api.create(size_bytes=1001)
        assert (small["upload"]["mode"], large["upload"]["mode"]) == ("single", "multipart")
        assert 115 < (datetime.fromisoformat(small["expires_at"]) - before).total_seconds() < 180
        path = f"/api/v1/videos/{small['video_id']}"
        deadline = datetime.fromisoformat(api.call("GET", path).json()["deadline_at"])
        assert 7195 < (deadline - before).total_seconds() < 7260
        assert api.call("DELETE", path).status_code == 204
        until = datetime.fromisoformat(api.call("GET", path).json()["restorable_until"])
        assert 100_000 - 65 < (until - before).total_seconds() < 100_000


def test_a_video_is_created_sent_confirmed_and_read_without_kubernetes(api: ApiProcess, database_url: str) -> None:
    body = b"not really a video"
    created = api.create(size_bytes=len(body))
    path = f"/api/v1/videos/{created['video_id']}"

    early = api.call("POST", f"{path}/upload_complete")
    assert (early.status_code, early.json()["code"]) == (409, "object_missing")
    assert _column(database_url, "confirmations") == 0

    api.send_file(created, body)
    for _ in range(2):
        confirmed = api.call("POST", f"{path}/upload_complete")
        assert confirmed.status_code == 202
        assert confirmed.json() == {"status": "processing_queued", "video_id": created["video_id"]}
    assert _column(database_url, "confirmations") == 1

    video = api.call("GET", path)
    assert (video.status_code, video.json()["status"], video.json()["size_bytes"]) == (200, "uploading", len(body))
    unchanged = api.call("GET", path, headers={"If-None-Match": video.headers["ETag"]})
    # The answer changes by itself when the next look is due.
    assert unchanged.status_code == 304 or unchanged.json()["next_check_at"] != video.json()["next_check_at"]


def test_a_signed_callback_is_recorded_and_nudges(api: ApiProcess, database_url: str) -> None:
    video_id = _submitted(api, database_url)
    url = callback_url(api.url, [CALLBACK_KEY], video_id=video_id, attempt=1)
    nudges = listen(database_url, quiet_seconds=10)
    assert next(nudges) is None
    answer = requests.post(url, json={"job_id": JOB, "event": "job.completed", "data": {}}, timeout=20)

    assert answer.status_code == 204
    assert _claims(database_url) == [(video_id, 1, JOB)]
    assert next(nudges) == Wakeup(video_id, Cause.CLAIM)
    assert url.rpartition("sig=")[2] not in api.log()
    assert '"/webhooks/coconut"' in api.log()


def test_while_postgres_is_unavailable_clients_get_503_with_retry_after(api: ApiProcess, database_url: str) -> None:
    path = f"/api/v1/videos/{api.create()['video_id']}"
    _allow_connections(database_url, allowed=False)
    answer = api.call("GET", path)

    assert (answer.status_code, answer.json()["code"]) == (503, "temporarily_unavailable")
    assert "Retry-After" in answer.headers
    assert api.probe("/livez") == 200
    eventually(lambda: api.probe("/readyz") == 503)

    _allow_connections(database_url, allowed=True)
    eventually(lambda: api.probe("/readyz") == 200)
    assert api.call("GET", path).status_code == 200


def test_a_signature_in_a_broken_request_does_not_reach_the_log(api: ApiProcess) -> None:
    answer = api.send_raw(b"POST /webhooks/coconut?video=v&attempt=1&sig=5ec1e7\xff HTTP/1.1\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 400 ")
    problem = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert problem["code"] == "malformed_request"
    line = eventually(lambda: next((line for line in api.log().splitlines() if problem["request_id"] in line), None))
    assert "sig=[redacted]" in json.loads(line)["error"]
    assert "5ec1e7" not in api.log()


def test_a_stopping_api_tells_load_balancers_first(environment: dict[str, str], tmp_path: Path) -> None:
    with running({**environment, "DRAIN_SECONDS": "2"}, tmp_path) as api:
        eventually(lambda: api.probe("/readyz") == 200)
        api.terminate()
        eventually(lambda: api.probe("/readyz") == 503, every_seconds=0.05)
        api.create()

        assert api.exit_code() == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("JWT_SIGNING_KEY", "short", id="malformed"),
        pytest.param("JWT_ISSUER", None, id="missing"),
        pytest.param("S3_ENDPOINT", None, id="missing-in-storage"),
        pytest.param("KUBECONFIG", None, id="no-cluster-at-all"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_one_line(
    environment: dict[str, str], name: str, value: str | None
) -> None:
    changed = {known: text for known, text in environment.items() if known != name} | ({name: value} if value else {})
    ended = subprocess.run(
        gunicorn(), cwd=PROJECT_DIR, env=changed, capture_output=True, text=True, timeout=30, check=False
    )

    assert ended.returncode != 0
    lines = (ended.stdout + ended.stderr).splitlines()
    assert len(lines) == 1
    assert name in lines[0]


def _submitted(api: ApiProcess, database_url: str) -> str:
    """Create a video with a recorded first attempt, as the operator leaves it."""
    video_id = str(api.create()["video_id"])
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO attempts (video_id, attempt, edition, state, intended_at) VALUES (%s, 1, 1, 'uncertain', %s)",
            (video_id, datetime.now(UTC)),
        )
    return video_id


def _claims(database_url: str) -> list[tuple[object, ...]]:
    with psycopg.connect(database_url) as connection:
        return connection.execute("SELECT video_id, attempt, job_id FROM job_claims").fetchall()


def _column(database_url: str, name: str) -> object:
    """Return one column of the only row."""
    with psycopg.connect(database_url) as connection:
        (row,) = connection.execute(sql.SQL("SELECT {} FROM videos").format(sql.Identifier(name))).fetchall()
    return row[0]


def _allow_connections(database_url: str, *, allowed: bool) -> None:
    """Let Postgres refuse one database: what the API sees is the same as when the server is gone."""
    server_url, _, name = database_url.rpartition("/")
    statement = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    with psycopg.connect(f"{server_url}/video_uploads", autocommit=True) as connection:
        connection.execute(statement.format(sql.Identifier(name), sql.Literal(allowed)))
        if not allowed:
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
