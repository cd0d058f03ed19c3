"""Calls about existing videos to an API under gunicorn, on real Postgres and S3 and without Kubernetes."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import psycopg
import pytest
import requests

from crds.client import UploadsClient
from database.notify import Wakeup, listen
from database.observations import Observations
from database.pool import Database
from database.queries import Cursor, VideoQueries
from database.retention import Retention
from devstack.cluster import ClusterAdmin
from devstack.s3 import S3Access
from domain.records import Cause, VideoRow
from domain.schedule import Timing, restore_window
from domain.video import ObservedState, Phase, Reason, SourceFacts
from tests.integration.api_process import ApiProcess, environment_of, running, token, without_cluster
from tests.support.builders.resources import SIGNATURES
from tests.support.builders.videos import in_phase
from tests.support.eventually import eventually
from webapi.http.paging import Paging

VIDEOS = "/api/v1/videos"


class OperatorRows:
    """Writes rows as the operator does."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def row(self, video_id: str) -> VideoRow:
        row = VideoQueries(self._database).get(video_id)
        assert row is not None
        return row

    def observe(self, video_id: str, **changes: Any) -> None:
        row = self.row(video_id)
        seen: ObservedState = replace(row.observed, **changes)
        assert Observations(self._database).commit(row, seen, cause=Cause.POLL) is not None

    def fail(self, video_id: str) -> None:
        self.observe(video_id, **in_phase(Phase.ERRORED), reason=Reason.FAILED)

    def purge(self, video_id: str) -> None:
        assert Retention(self._database).purge(self.row(video_id))


@pytest.fixture
def api(database_url: str, s3: S3Access, tmp_path: Path) -> Iterator[ApiProcess]:
    """A running API."""
    with running(environment_of(database_url, s3, without_cluster(tmp_path)), tmp_path) as process:
        yield process


@pytest.fixture
def rows(database_url: str) -> Iterator[OperatorRows]:
    """The rows behind it."""
    database = Database(database_url, max_size=2)
    yield OperatorRows(database)
    database.close()


def test_a_list_is_paged_and_its_tokens_work_only_for_their_owner(api: ApiProcess) -> None:
    made = [api.create()["video_id"] for _ in range(5)][::-1]
    first = api.call("GET", f"{VIDEOS}?page_size=3").json()
    url = f"{VIDEOS}?page_size=3&page_token={first['next_page_token']}"
    second = api.call("GET", url).json()

    assert [video["id"] for video in first["videos"] + second["videos"]] == made
    assert second["next_page_token"] is None
    foreign = api.call("GET", url, user="eve")
    assert (foreign.status_code, foreign.json()["errors"][0]["field"]) == (422, "page_token")
    assert api.call("GET", VIDEOS, user="eve").json() == {"videos": [], "next_page_token": None}


def test_a_made_up_cursor_is_harmless(api: ApiProcess, rows: OperatorRows) -> None:
    video_id = api.create()["video_id"]
    created_at = rows.row(video_id).created_at
    paging = Paging("videos", "ann", ("", "false"))
    for at, seen in [(created_at.replace(year=1970), 0), (created_at.replace(year=9999), 1)]:
        answer = api.call("GET", f"{VIDEOS}?page_token={paging.token(Cursor(at, 'a'))}")
        assert (answer.status_code, len(answer.json()["videos"])) == (200, seen)


def test_many_simultaneous_retries_count_as_one(api: ApiProcess, rows: OperatorRows, database_url: str) -> None:
    video_id = api.create()["video_id"]
    rows.fail(video_id)
    before = rows.row(video_id)
    nudges = listen(database_url, quiet_seconds=10)
    assert next(nudges) is None
    with ThreadPoolExecutor(10) as clients:
        answers = list(clients.map(lambda _: api.call("POST", f"{VIDEOS}/{video_id}/retry"), range(10)))

    assert {answer.status_code for answer in answers} == {202}
    after = rows.row(video_id)
    assert (after.desired.retries, after.desired.revision) == (1, before.desired.revision + 1)
    assert next(nudges) == Wakeup(video_id, Cause.PERSON)

    rows.observe(video_id, **in_phase(Phase.UPLOADED), reason=Reason.WAITING_FOR_SUBMISSION, retries=1)
    late = api.call("POST", f"{VIDEOS}/{video_id}/retry")
    assert (late.status_code, late.json()["code"]) == (409, "not_retryable")


def test_a_deleted_video_can_be_restored_until_its_purge(
    api: ApiProcess, rows: OperatorRows, database_url: str
) -> None:
    video_id = api.create()["video_id"]
    path = f"{VIDEOS}/{video_id}"
    for _ in range(2):
        assert api.call("DELETE", path).status_code == 204
    seen = api.call("GET", path).json()
    assert (seen["reason"], seen["playback_url"], seen["next_check_at"]) == ("Deleted", None, None)
    assert api.call("GET", VIDEOS).json()["videos"] == []
    assert api.call("GET", f"{VIDEOS}?deleted=true").json()["videos"] == [seen]

    assert api.call("POST", f"{path}/restore").status_code == 202
    assert api.call("POST", f"{path}/restore").status_code == 200
    assert rows.row(video_id).deleted_at is None

    api.call("DELETE", path)
    _age_deletion(database_url, by=restore_window(Timing()))
    late = api.call("POST", f"{path}/restore")
    assert (late.status_code, late.json()["code"]) == (409, "not_restorable")
    rows.purge(video_id)
    for method, suffix in [("GET", ""), ("DELETE", ""), ("POST", "/restore"), ("GET", "/events")]:
        assert api.call(method, path + suffix).status_code == 404


def test_a_simultaneous_delete_and_restore_end_in_one_of_the_two_states(api: ApiProcess, rows: OperatorRows) -> None:
    video_id = api.create()["video_id"]
    path = f"{VIDEOS}/{video_id}"
    calls = [("DELETE", path), ("POST", f"{path}/restore")] * 8
    with ThreadPoolExecutor(16) as clients:
        answers = list(clients.map(lambda call: api.call(*call), calls))

    assert {answer.status_code for answer in answers} <= {200, 202, 204}
    row = rows.row(video_id)
    assert row.desired.deleted == (row.deleted_at is not None)


def test_a_file_can_be_sent_to_a_fresh_url_until_it_is_accepted(api: ApiProcess, rows: OperatorRows) -> None:
    body = b"not really a video"
    created = api.create(size_bytes=len(body))
    path = f"{VIDEOS}/{created['video_id']}"
    fresh = api.call("POST", f"{path}/upload_url")
    assert (fresh.status_code, fresh.json()["storage_key"]) == (200, created["storage_key"])

    api.send_file(fresh.json(), body)
    longer = requests.put(fresh.json()["upload_url"], headers=fresh.json()["headers"], data=body * 2, timeout=20)
    assert longer.status_code == 403
    assert api.call("POST", f"{path}/upload_complete").status_code == 202
    assert api.call("POST", f"{path}/upload_url").json()["code"] == "upload_closed"
    assert fresh.json()["upload_url"].partition("X-Amz-Signature=")[2] not in api.log()

    rows.observe(created["video_id"], phase=Phase.UPLOADED, reason=Reason.WAITING_FOR_SUBMISSION, message="is due")
    assert api.call("POST", f"{path}/upload_url").json()["code"] == "upload_closed"
    events = api.call("GET", f"{path}/events").json()["events"]
    assert [(event["cause"], event["status"]) for event in events] == [
        ("client", "pending"),
        ("client", "uploading"),
        ("poll", "uploaded"),
    ]


def as_admin() -> dict[str, str]:
    """Return the headers of an administrator, made when they are used: a token is valid for ten minutes."""
    return {"Authorization": f"Bearer {token('root', scope='admin')}"}


def test_only_administrators_see_and_retry_the_dead_letters_of_all_owners(api: ApiProcess, rows: OperatorRows) -> None:
    mine = api.create()["video_id"]
    rows.fail(mine)
    admin = f"/api/v1/admin{VIDEOS.removeprefix('/api/v1')}"
    for path, method in [(f"{admin}?status=errored", "GET"), (f"{admin}/{mine}/retry", "POST")]:
        refused = api.call(method, path)
        assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope")
    assert rows.row(mine).desired.retries == 0

    (letter,) = api.call("GET", f"{admin}?status=errored", headers=as_admin()).json()["videos"]
    assert (letter["id"], letter["owner"]) == (mine, "ann")
    assert api.call("POST", f"{admin}/{mine}/retry", headers=as_admin()).status_code == 202
    assert rows.row(mine).desired.retries == 1


def test_no_call_changes_an_import(api: ApiProcess, rows: OperatorRows, database_url: str) -> None:
    video_id = api.create()["video_id"]
    rows.fail(video_id)
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE videos SET origin = 'kubernetes'")
    before = rows.row(video_id)
    path = f"{VIDEOS}/{video_id}"
    for method, suffix in [
        ("DELETE", ""),
        *(("POST", f"/{name}") for name in ("retry", "restore", "upload_complete", "upload_url")),
    ]:
        answer = api.call(method, path + suffix)
        assert (answer.status_code, answer.json()["code"]) == (409, "managed_by_kubernetes")
    assert rows.row(video_id) == before


def test_the_resource_follows_each_change_by_the_owner(
    database_url: str, s3: S3Access, api_server: ClusterAdmin, api_kubeconfig: Path, rows: OperatorRows, tmp_path: Path
) -> None:
    environment = environment_of(database_url, s3, api_kubeconfig, NAMESPACE=api_server.namespace)
    uploads = UploadsClient.from_environment(
        namespace=api_server.namespace, signatures=SIGNATURES, kubeconfig=api_server.admin_kubeconfig
    )

    def spec(video_id: str) -> tuple[bool, int]:
        resource = uploads.get(video_id)
        assert resource is not None
        return resource.spec["deleted"], resource.spec["retries"]

    with running(environment, tmp_path) as api:
        video_id = api.create()["video_id"]
        eventually(lambda: spec(video_id) == (False, 0))
        rows.fail(video_id)
        api.call("POST", f"{VIDEOS}/{video_id}/retry")
        eventually(lambda: spec(video_id) == (False, 1))
        api.call("DELETE", f"{VIDEOS}/{video_id}")
        eventually(lambda: spec(video_id) == (True, 1))
        api.call("POST", f"{VIDEOS}/{video_id}/restore")
        eventually(lambda: spec(video_id) == (False, 1))


def _age_deletion(database_url: str, *, by: timedelta) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE videos SET deleted_at = deleted_at - %s", (by,))


def test_the_original_can_be_downloaded_only_with_the_signed_url(
    rows: OperatorRows, database_url: str, s3: S3Access, tmp_path: Path
) -> None:
    environment = environment_of(database_url, s3, without_cluster(tmp_path), LOG_LEVEL="DEBUG")
    with running(environment, tmp_path) as api:
        created = api.create(filename="Kätzchen.mp4")
        api.send_file(created, b"video")
        original = f"{VIDEOS}/{created['video_id']}/original"
        assert api.call("GET", original).json()["code"] == "original_unavailable"

        etag = hashlib.md5(b"video", usedforsecurity=False).hexdigest()
        source = SourceFacts(etag, datetime.now(UTC), 5, "mp4")
        rows.observe(created["video_id"], **in_phase(Phase.PROCESSING), reason=Reason.TRANSCODING, source=source)
        signed = api.call("GET", original).json()
        answer = requests.get(signed["url"], timeout=10)
        assert (answer.content, "K%C3%A4tzchen.mp4" in answer.headers["Content-Disposition"]) == (b"video", True)
        unsigned, _, query = signed["url"].partition("?")
        assert requests.get(unsigned, timeout=10).status_code == 403
        assert api.call("GET", original, user="eve").status_code == 404
        log = api.log()

    assert '"route": "/api/v1/videos/{video_id}/original"' in log
    assert parse_qs(query)["X-Amz-Signature"][0] not in log
