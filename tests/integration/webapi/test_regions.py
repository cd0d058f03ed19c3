"""Videos of several regions: where they are created, signed and shown."""

from dataclasses import replace
from typing import Any

import falcon.testing
import pytest

from domain.errors import UnavailableError
from domain.object_keys import playback_url
from domain.video import Published
from runtime.bulkhead import guard
from runtime.upstream_breaker import UpstreamBreaker
from tests.support.api import A_VIDEO, Api, verify_file
from tests.support.hostile.problems import assert_problem
from tests.support.hostile.requests import RawResponse
from webapi.http.country import CountryHeader
from webapi.http.problems import ProblemCode
from webapi.videos.serializers import Serializer
from webapi.videos.stores import Store, Stores

VIDEOS = "/api/v1/videos"
PARTED: dict[str, Any] = {"upload_mode": "multipart", "size_bytes": 9}


PUBLISHED = Published(1, 1, 3.0, (), has_poster=True)


def only_home(api: Api, home: str = "tor1") -> falcon.testing.TestClient:
    """Return an API that knows one region."""
    stores = Stores({home: api.stores.of(api.row(api.create()))})
    return api.rebuilt(stores=stores, serializer=Serializer(stores.playback_base, api.deps.serializer.policy))


def ask(client: falcon.testing.TestClient, api: Api, method: str, path: str) -> falcon.testing.Result:
    return client.simulate_request(method, path, headers={"Authorization": api.bearer()})


def raw(answer: falcon.testing.Result) -> RawResponse:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return RawResponse(answer.status_code, headers, answer.content)


def code_of(answer: falcon.testing.Result) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


def test_without_a_wish_the_home_region_gets_the_upload(api: Api) -> None:
    answer = api.call("POST", VIDEOS, json=A_VIDEO)

    assert (answer.json["region"], api.row(answer.json["video_id"]).desired.region) == ("tor1", "tor1")


def test_the_wanted_region_gets_the_upload_and_every_answer_names_it(api: Api) -> None:
    created = api.call("POST", VIDEOS, json={**A_VIDEO, "region": "fra1"})
    path = f"{VIDEOS}/{created.json['video_id']}"

    assert (created.status_code, created.json["region"]) == (201, "fra1")
    assert api.row(created.json["video_id"]).desired.region == "fra1"
    assert api.call("POST", f"{path}/upload_url").json["region"] == "fra1"
    assert api.call("GET", path).json["region"] == "fra1"
    assert [video["region"] for video in api.call("GET", VIDEOS).json["videos"]] == ["fra1"]
    assert api.offers.commands[0].region == "fra1"


@pytest.mark.parametrize("region", ["TOR1", "ams3", "fra1 ", "tor", "tor1,fra1"])
def test_an_unknown_region_is_refused_with_the_names_of_all(api: Api, region: str) -> None:
    answer = api.call("POST", VIDEOS, json={**A_VIDEO, "region": region})

    assert_problem(raw(answer), ProblemCode.INVALID_REQUEST, ["region"])
    assert answer.json["errors"] == [{"field": "region", "detail": "must be one of fra1, tor1"}]
    assert api.video_ids() == []


def test_the_same_key_with_another_region_is_another_request(api: Api) -> None:
    keyed = {"Idempotency-Key": "again"}
    api.call("POST", VIDEOS, json=A_VIDEO, headers=keyed)

    assert code_of(api.call("POST", VIDEOS, json={**A_VIDEO, "region": "fra1"}, headers=keyed)) == (
        422,
        "idempotency_key_reused",
    )


def test_a_file_is_looked_for_only_in_the_region_of_its_video(api: Api) -> None:
    video_id = api.create(region="fra1")
    key = api.store(video_id)  # in the home region
    assert code_of(api.call("POST", f"{VIDEOS}/{video_id}/upload_complete")) == (409, "object_missing")

    api.elsewhere.put_raw(key, b"video")
    assert api.call("POST", f"{VIDEOS}/{video_id}/upload_complete").status_code == 202


def test_parts_are_signed_and_joined_in_the_region_of_their_video(api: Api) -> None:
    video_id = api.create(region="fra1", **PARTED)
    row = api.row(video_id)
    assert row.upload_id is not None
    api.elsewhere_multipart.send_part(row.upload_id, 1, b"012345678")

    listed = api.call("GET", f"{VIDEOS}/{video_id}/parts").json
    assert [part["part_number"] for part in listed["parts"]] == [1]
    assert api.call("POST", f"{VIDEOS}/{video_id}/upload_complete").status_code == 202
    assert list(api.elsewhere.raw) == [row.desired.storage_key]
    assert api.storage.raw == {}


def test_a_video_is_played_from_its_region(api: Api) -> None:
    video_id = api.create(region="fra1")
    verify_file(api, video_id, published=PUBLISHED)
    # `verify_file` put it into the home region; the verified one has to be where the video is.
    api.elsewhere.raw[api.row(video_id).original_key] = api.storage.raw.pop(api.row(video_id).original_key)

    shown = api.call("GET", f"{VIDEOS}/{video_id}").json
    assert shown["playback_url"] == playback_url("https://cdn.fra1.example.com", video_id)
    assert api.call("GET", f"{VIDEOS}/{video_id}/original").status_code == 200


def test_a_region_that_is_no_longer_configured_is_named_and_its_videos_are_not_played_from_another(api: Api) -> None:
    video_id, parted = api.create(region="fra1"), api.create(region="fra1", **PARTED)
    stores = Stores({"tor1": api.stores.of(api.row(api.create())), "ams3": api.stores.of(api.row(video_id))})
    client = api.rebuilt(stores=stores, serializer=Serializer(stores.playback_base, api.deps.serializer.policy))
    verify_file(api, video_id, published=PUBLISHED)

    shown = ask(client, api, "GET", f"{VIDEOS}/{video_id}").json
    assert (shown["region"], shown["playback_url"], shown["thumbnail_url"]) == ("fra1", None, None)
    for method, path in (("GET", f"{video_id}/original"), ("POST", f"{parted}/upload_url"), ("GET", f"{parted}/parts")):
        answer = ask(client, api, method, f"{VIDEOS}/{path}")
        assert_problem(raw(answer), ProblemCode.REGION_UNAVAILABLE)
        assert '"fra1"' in answer.json["detail"]
    assert ask(client, api, "DELETE", f"{VIDEOS}/{parted}").status_code == 204


def test_with_one_region_a_bucket_that_was_renamed_still_serves_its_videos(api: Api) -> None:
    client = only_home(api, "ca-central")
    video_id = api.create()
    verify_file(api, video_id, published=PUBLISHED)

    shown = ask(client, api, "GET", f"{VIDEOS}/{video_id}").json
    assert (shown["region"], shown["playback_url"]) == ("tor1", playback_url("https://cdn.example.com", video_id))


def store_of(api: Api, region: str) -> Store:
    return api.stores.of(api.row(api.create(region=region)))


def marked_down(api: Api, *down: str) -> falcon.testing.TestClient:
    """Return an API of two regions, of which a person marked some down."""
    names = ("tor1", "fra1")
    stores = Stores({name: replace(store_of(api, name), is_down=name in down) for name in names})
    return api.rebuilt(stores=stores, country=CountryHeader("CF-IPCountry", 1))


def post(client: falcon.testing.TestClient, api: Api, *, region: str | None = None, **headers: str) -> Any:
    body = A_VIDEO if region is None else {**A_VIDEO, "region": region}
    return client.simulate_post(VIDEOS, json=body, headers={"Authorization": api.bearer(), **headers})


def test_a_region_that_is_down_gets_no_uploads_and_who_wants_it_is_sent_to_another(api: Api) -> None:
    client = marked_down(api, "tor1")

    assert post(client, api).json["region"] == "fra1"
    refused = post(client, api, region="tor1")
    assert_problem(raw(refused), ProblemCode.REGION_UNAVAILABLE)
    assert refused.json["detail"] == 'region "tor1" takes no uploads now; "fra1" does'
    assert refused.headers["Retry-After"] == "60"


def test_an_upload_under_way_in_a_region_that_is_down_waits_and_another_is_named(api: Api) -> None:
    single, parted, sent = api.create(region="fra1"), api.create(region="fra1", **PARTED), api.create(region="fra1")
    api.elsewhere.put_raw(api.row(sent).desired.storage_key, b"video")
    client = marked_down(api, "fra1")

    again = client.simulate_post(
        f"{VIDEOS}/{parted}/parts", json={"part_numbers": [1]}, headers={"Authorization": api.bearer()}
    )
    for answer in (ask(client, api, "POST", f"{VIDEOS}/{single}/upload_url"), again):
        assert_problem(raw(answer), ProblemCode.REGION_UNAVAILABLE)
        assert answer.json["detail"] == (
            'region "fra1" takes no uploads now, and this one waits for it; a new video can be uploaded in "tor1"'
        )
    # What has arrived is not lost, nor is what the operator of the region still does.
    assert ask(client, api, "GET", f"{VIDEOS}/{parted}/parts").status_code == 200
    assert ask(client, api, "POST", f"{VIDEOS}/{sent}/upload_complete").status_code == 202


def test_without_a_region_that_takes_uploads_nothing_is_created(api: Api) -> None:
    client = marked_down(api, "tor1", "fra1")
    before = api.video_ids()

    for region, detail in {
        None: "no region takes uploads now",
        "fra1": 'region "fra1" takes no uploads now; nor does another',
    }.items():
        answer = post(client, api, region=region)
        assert_problem(raw(answer), ProblemCode.REGION_UNAVAILABLE)
        assert answer.json["detail"] == detail
    assert api.video_ids() == before


@pytest.mark.parametrize(
    ("headers", "region"),
    [
        pytest.param({"CF-IPCountry": "DE", "X-Forwarded-For": "192.0.2.1"}, "fra1", id="from-the-proxy"),
        pytest.param({"CF-IPCountry": "CA", "X-Forwarded-For": "192.0.2.1"}, "tor1", id="of-no-region"),
        pytest.param({"CF-IPCountry": "DE"}, "tor1", id="past-the-proxy"),
        pytest.param({"CF-IPCountry": "de", "X-Forwarded-For": "192.0.2.1"}, "tor1", id="no-code"),
        pytest.param({"CF-IPCountry": "DE,FR", "X-Forwarded-For": "192.0.2.1"}, "tor1", id="two-of-them"),
        pytest.param({"X-Forwarded-For": "192.0.2.1"}, "tor1", id="without-a-country"),
    ],
)
def test_the_country_of_the_client_chooses_if_our_proxy_says_it(api: Api, headers: dict[str, str], region: str) -> None:
    stores = Stores({name: store_of(api, name) for name in ("tor1", "fra1")}, countries={"DE": "fra1"})
    client = api.rebuilt(stores=stores, country=CountryHeader("CF-IPCountry", 1))

    assert post(client, api, **headers).json["region"] == region
    assert post(client, api, region="tor1", **headers).json["region"] == "tor1"


def test_behind_fewer_proxies_than_there_should_be_the_country_is_not_believed(api: Api) -> None:
    stores = Stores({name: store_of(api, name) for name in ("tor1", "fra1")}, countries={"DE": "fra1"})
    client = api.rebuilt(stores=stores, country=CountryHeader("CF-IPCountry", 2))

    passed = {"CF-IPCountry": "DE", "X-Forwarded-For": "192.0.2.1"}
    assert post(client, api, **passed).json["region"] == "tor1"
    assert post(client, api, **passed | {"X-Forwarded-For": "192.0.2.1, 192.0.2.2"}).json["region"] == "fra1"


def test_a_region_whose_storage_is_away_gets_no_uploads_until_it_answers_again(api: Api) -> None:
    now, breaker = [0.0], UpstreamBreaker("S3", monotonic=lambda: now[0])
    guarded = replace(store_of(api, "tor1"), storage=guard(breaker, api.storage), health=breaker.health)
    client = api.rebuilt(stores=Stores({"tor1": guarded, "fra1": store_of(api, "fra1")}))
    api.storage.error = UnavailableError("storage is away")
    waiting = api.create(region="tor1")

    for _ in range(3):
        ask(client, api, "POST", f"{VIDEOS}/{waiting}/upload_complete")
    assert post(client, api).json["region"] == "fra1"
    assert "takes no uploads now" in post(client, api, region="tor1").json["detail"]

    api.storage.error = None
    assert post(client, api).json["region"] == "fra1"  # it is not tried so soon
    now[0] += 60
    assert post(client, api).json["region"] == "tor1"
