"""Calls about existing videos to an API under gunicorn, on real Postgres and S3 and without Kubernetes."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import requests

from crds.client import UploadsClient
from database.observations import Observations
from database.pool import Database
from database.queries import Cursor, VideoQueries
from database.retention import Retention
from database.wakeups import Wakeup, listen
from devstack.cluster import ClusterAdmin
from devstack.s3 import S3Access
from domain.records import Cause, VideoRow
from domain.video import ObservedState, Phase, Reason, SourceFacts
from tests.integration.api_process import ApiProcess, environment_of, running, without_cluster
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


def test_title_and_metadata_change_once_and_the_history_says_so(api: ApiProcess, rows: OperatorRows) -> None:
    path = f"{VIDEOS}/{api.create(metadata={'album': 'cats', 'draft': 'yes'})['video_id']}"
    body = {"title": "Cats, again", "metadata": {"draft": None, "year": "2026"}}
    before = rows.row(path.rpartition("/")[2])

    for media_type in ("application/json", "application/merge-patch+json"):
        answer = api.call("PATCH", path, json=body, headers={"Content-Type": media_type})
        assert answer.status_code == 200
        assert (answer.json()["title"], answer.json()["metadata"]) == (
            "Cats, again",
            {"album": "cats", "year": "2026"},
        )

    after = rows.row(before.desired.video_id)
    assert after.desired.revision == before.desired.revision + 1
    assert after.observed == before.observed
    lines = [line["message"] for line in api.call("GET", f"{path}/events").json()["events"]]
    assert lines.count("the title or the metadata was changed") == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"title": None}, "title"),
        ({"title": " "}, "title"),
        ({"metadata": None}, "metadata"),
        ({"metadata": {"large": "x" * 1500}}, "metadata"),
        ({"metadata": {"number": 1}}, "metadata.number"),
        ({"filename": "dogs.mp4"}, "filename"),
        ({"visibility": None}, "visibility"),
        ({"visibility": "hidden"}, "visibility"),
    ],
)
def test_a_wrong_description_is_refused_by_its_field_and_changes_nothing(
    api: ApiProcess, rows: OperatorRows, body: dict[str, Any], field: str
) -> None:
    video_id = api.create(metadata={"note": "y" * 1000})["video_id"]
    before = rows.row(video_id)
    answer = api.call("PATCH", f"{VIDEOS}/{video_id}", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert rows.row(video_id) == before


def test_the_visibility_changes_once_and_the_history_says_so(api: ApiProcess, rows: OperatorRows) -> None:
    path = f"{VIDEOS}/{api.create()['video_id']}"
    before = rows.row(path.rpartition("/")[2])
    for _ in range(2):
        answer = api.call("PATCH", path, json={"visibility": "private"})
        assert (answer.status_code, answer.json()["visibility"]) == (200, "private")
    after = rows.row(before.desired.video_id)
    assert after.desired.revision == before.desired.revision + 1
    assert after.observed == before.observed
    lines = [line["message"] for line in api.call("GET", f"{path}/events").json()["events"]]
    assert lines.count("the owner made the video private") == 1


def test_only_the_owner_describes_a_video(api: ApiProcess) -> None:
    path = f"{VIDEOS}/{api.create()['video_id']}"
    assert api.call("PATCH", path, user="eve", json={"title": "mine"}).status_code == 404
    assert api.call("GET", path).json()["title"] != "mine"


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
