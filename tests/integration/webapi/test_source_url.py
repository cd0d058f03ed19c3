"""POST /api/v1/videos with `source_url`: the service fetches the file, and shows the URL to its owner alone."""

from ipaddress import ip_network
from typing import Any

import falcon.testing
import pytest

from domain.failures import Failure, FailureCode
from domain.video import Phase, Reason
from tests.support.api import A_VIDEO, Api, token
from webapi.videos.source_urls import SourceUrls

VIDEOS = "/api/v1/videos"
URL = "https://files.example.com/cats.mp4?key=secret"


def create(api: Api, url: str = URL, *, key: str | None = None, **changes: Any) -> falcon.testing.Result:
    headers = {} if key is None else {"Idempotency-Key": key}
    return api.call("POST", VIDEOS, json={**A_VIDEO, "source_url": url, **changes}, headers=headers)


def test_nothing_is_to_be_sent_and_the_upload_waits_for_its_source(api: Api) -> None:
    answer = create(api)
    video_id = answer.json["video_id"]

    assert answer.status_code == 201
    assert answer.json == {
        "video_id": video_id,
        "region": "tor1",
        "storage_key": f"uploads/{video_id}/original.mp4",
        "status": "uploading",
        "upload": {"mode": "url"},
    }
    assert answer.headers["Cache-Control"] == "no-store"
    assert "secret" not in answer.text
    assert api.row(video_id).source_url == URL
    assert api.row(video_id).observed.reason is Reason.WAITING_FOR_SOURCE


def test_a_repeated_request_gets_the_same_video_at_any_time(api: Api) -> None:
    first = create(api, key="k1")
    api.observe(first.json["video_id"], phase=Phase.UPLOADED, reason=Reason.WAITING_FOR_SUBMISSION)
    again = create(api, key="k1")
    assert (again.status_code, again.json["video_id"]) == (201, first.json["video_id"])
    assert create(api, "https://files.example.com/dogs.mp4", key="k1").json["code"] == "idempotency_key_reused"


def test_it_counts_as_an_upload_of_the_hour(api: Api) -> None:
    answers = [create(api).status_code for _ in range(11)]
    assert answers == [201] * 10 + [429]


@pytest.mark.parametrize(
    "url",
    [
        "http://files.example.com/cats.mp4",
        "ftp://files.example.com/cats.mp4",
        "https://ann:secret@files.example.com/cats.mp4",
        "https://files.example.com/cats.mp4#part",
        "https://127.0.0.1/cats.mp4",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/cats.mp4",
        "https://[::ffff:10.0.0.1]/cats.mp4",
        "https://10.0.0.1:8443/cats.mp4",
        "https:///cats.mp4",
        "https://files.example.com:0/cats.mp4",
        "https://files.example.com:65536/cats.mp4",
        "https://files.example.com/cats and dogs.mp4",
        "//files.example.com/cats.mp4",
        "",
        "https://files.example.com/" + "a" * 2048,
    ],
)
def test_another_url_is_refused_and_not_quoted(api: Api, url: str) -> None:
    answer = create(api, url)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_request")
    assert [problem["field"] for problem in answer.json["errors"]] == ["source_url"]
    assert "secret" not in answer.text
    assert api.video_ids() == []


@pytest.mark.parametrize(("name", "value"), [("upload_mode", "single"), ("content_md5", "XUFAKrxLKna5cZ2REBfFkg==")])
def test_what_is_for_a_file_that_the_client_sends_is_refused(api: Api, name: str, value: str) -> None:
    answer = create(api, **{name: value})
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, name)


def test_an_installation_may_fetch_nothing_or_from_its_own_network(api: Api) -> None:
    inside = {**A_VIDEO, "source_url": "http://10.2.0.9/cats.mp4"}
    headers = {"Authorization": api.bearer()}
    for source_urls, expected in (
        (SourceUrls(is_on=False), 422),
        (SourceUrls(networks=[ip_network("10.3.0.0/16")]), 422),
        (SourceUrls(networks=[ip_network("10.2.0.0/16")]), 201),
    ):
        client = api.rebuilt(source_urls=source_urls)
        assert client.simulate_post(VIDEOS, json=inside, headers=headers).status_code == expected


def test_only_the_owner_sees_the_whole_url(api: Api) -> None:
    video_id = create(api).json["video_id"]
    api.observe(
        video_id,
        phase=Phase.ERRORED,
        reason=Reason.FAILED,
        failure=Failure(FailureCode.SOURCE_REFUSED, "the server answered HTTP 403", attempt=0),
    )
    shown = api.call("GET", f"{VIDEOS}/{video_id}").json
    listed = api.client.simulate_get(
        "/api/v1/admin/videos?status=errored", headers={"Authorization": f"Bearer {token(scope='admin')}"}
    )

    assert shown["source_url"] == URL
    assert (shown["error"]["code"], shown["error"]["retryable"]) == ("source_refused", False)
    assert listed.json["videos"][0]["source_url"] == "https://files.example.com/…"
    assert "secret" not in listed.text
    assert api.call("GET", f"{VIDEOS}/{video_id}", user="bob").status_code == 404


@pytest.mark.parametrize(
    ("method", "call", "code"),
    [
        ("POST", "upload_url", "upload_closed"),
        ("POST", "upload_complete", "upload_closed"),
        ("GET", "parts", "upload_closed"),
    ],
)
def test_the_client_can_send_no_file_for_it(api: Api, method: str, call: str, code: str) -> None:
    video_id = create(api).json["video_id"]
    answer = api.call(method, f"{VIDEOS}/{video_id}/{call}")
    assert (answer.status_code, answer.json["code"]) == (409, code)
    assert api.row(video_id).desired.confirmations == 0


def test_a_video_whose_file_is_sent_shows_no_url(api: Api) -> None:
    assert api.call("GET", f"{VIDEOS}/{api.create()}").json["source_url"] is None
