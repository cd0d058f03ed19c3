"""The sites that may show one video: how they are chosen and shown, and which pages get players and playlists."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import falcon.testing
import pytest

from domain.video import Phase, Published, Reason, Rendition
from tests.support.api import A_SITE, A_VIDEO, API_BASE_URL, Api
from tests.support.fakes.videos import stream
from webapi.site import read_page
from webapi.videos.embed_origins import EmbedOrigins

BASE = "https://videos.example.com"
SHOP, BLOG = "https://shop.example.com", "https://blog.example.com:8443"
PUBLISHED = Published(1, 1, 60.0, (Rendition("1-abc/hls/360p/index.m3u8", 1),), has_poster=True)
FILES = {f"1-abc/{path}": body for path, body in stream().items()} | {"thumbnail.jpg": b"JPG"}


@pytest.fixture
def pages(api: Api, tmp_path: Path) -> falcon.testing.TestClient:
    """The API with pages for viewers, which every site may frame."""
    (tmp_path / "index.html").write_text("<!doctype html>")
    (tmp_path / "watch.html").write_text("<!doctype html><head><!--head--></head><body><!--body--></body>")
    page = read_page(tmp_path, upload_urls=["https://raw.example.com/x"], playback_urls=["https://cdn.example.com"])
    policy = replace(api.deps.policy, embed_origins=EmbedOrigins(["*"]))
    api.client = api.rebuilt(page=page, watch_base_url=BASE, policy=policy)
    return api.client


def wanted(api: Api, video_id: str) -> Any:
    return api.call("GET", f"/api/v1/videos/{video_id}").json["embed_origins"]


def change(api: Api, video_id: str, **body: Any) -> falcon.testing.Result:
    return api.call("PATCH", f"/api/v1/videos/{video_id}", json=body)


def framing(client: falcon.testing.TestClient, video_id: str) -> str:
    policy = client.simulate_get(f"/embed/{video_id}").headers["Content-Security-Policy"]
    (rule,) = [rule for rule in policy.split("; ") if rule.startswith("frame-ancestors ")]
    return rule.removeprefix("frame-ancestors ")


def ready(api: Api, **fields: Any) -> str:
    """Create a public video that plays."""
    video_id = api.create(**fields)
    api.observe(video_id, phase=Phase.READY, reason=Reason.PUBLISHED, published=PUBLISHED, is_playable=True)
    return video_id


def test_a_list_is_kept_changed_and_given_back(api: Api, pages: object) -> None:
    del pages
    video_id = api.create(embed_origins=[SHOP, BLOG])
    assert wanted(api, video_id) == [SHOP, BLOG]
    assert change(api, video_id, title="Dogs").json["embed_origins"] == [SHOP, BLOG]
    assert change(api, video_id, embed_origins=[BLOG]).json["embed_origins"] == [BLOG]
    assert change(api, video_id, embed_origins=[]).json["embed_origins"] == []
    assert change(api, video_id, embed_origins=None).json["embed_origins"] is None
    assert wanted(api, api.create()) is None


def test_a_change_is_one_revision_and_none_if_nothing_changes(api: Api, pages: object) -> None:
    del pages
    video_id = api.create()
    before = api.call("GET", f"/api/v1/videos/{video_id}").json["revision"]
    changed = change(api, video_id, embed_origins=[SHOP]).json["revision"]
    assert changed != before
    assert change(api, video_id, embed_origins=[SHOP]).json["revision"] == changed


@pytest.mark.parametrize(
    ("sites", "field"),
    [
        pytest.param("https://shop.example.com", "embed_origins", id="no-list"),
        pytest.param([None], "embed_origins.0", id="null-in-it"),
        pytest.param(["https://shop.example.com/"], "embed_origins.0", id="a-path"),
        pytest.param([SHOP, "https://*.example.com"], "embed_origins.1", id="a-wildcard-of-hosts"),
        pytest.param(["https://ann:pw@shop.example.com"], "embed_origins.0", id="a-user"),
        pytest.param(["https://Shop.example.com"], "embed_origins.0", id="upper-case"),
        pytest.param(["ftp://shop.example.com"], "embed_origins.0", id="another-scheme"),
        pytest.param(["shop.example.com"], "embed_origins.0", id="no-scheme"),
        pytest.param(["null"], "embed_origins.0", id="opaque"),
        pytest.param(["'self'"], "embed_origins.0", id="a-keyword-of-the-policy"),
        pytest.param([f"{SHOP}; script-src *"], "embed_origins.0", id="another-rule"),
        pytest.param([f"{SHOP}\r\nX-A: b"], "embed_origins.0", id="another-header"),
        pytest.param([f"{SHOP}\n"], "embed_origins.0", id="a-line-end"),
        pytest.param([f"{SHOP}:123456"], "embed_origins.0", id="a-long-port"),
        pytest.param([f"https://{'a' * 93}"], "embed_origins.0", id="one-character-too-long"),
        pytest.param([SHOP, SHOP], "embed_origins", id="twice"),
        pytest.param([f"https://{number}.example" for number in range(21)], "embed_origins", id="one-too-many"),
    ],
)
def test_what_is_no_site_is_refused_by_name(api: Api, pages: object, sites: object, field: str) -> None:
    del pages
    video_id = api.create(embed_origins=[BLOG])
    created = api.call("POST", "/api/v1/videos", json={**A_VIDEO, "embed_origins": sites})
    for answer in (created, change(api, video_id, embed_origins=sites)):
        assert (answer.status_code, answer.json["code"]) == (422, "invalid_request")
        assert [error["field"] for error in answer.json["errors"]] == [field]
    assert wanted(api, video_id) == [BLOG]


def test_the_longest_list_is_stored_and_fits_into_a_proxys_buffer(api: Api, pages: falcon.testing.TestClient) -> None:
    sites = [f"https://{number:02}{'a' * 84}:65535" for number in range(20)]
    video_id = ready(api, embed_origins=sites)
    assert wanted(api, video_id) == sites
    headers = pages.simulate_get(f"/embed/{video_id}").headers
    assert sum(len(name) + len(value) + 4 for name, value in headers.items()) < 4096


def test_a_site_that_the_installation_does_not_allow_is_refused_by_its_place(api: Api) -> None:
    for body in ({"embed_origins": [A_SITE, SHOP]}, {"embed_origins": [A_SITE, "*"]}):
        answer = api.call("POST", "/api/v1/videos", json={**A_VIDEO, **body})
        assert answer.status_code == 422
        assert [error["field"] for error in answer.json["errors"]] == ["embed_origins.1"]
    assert api.create(embed_origins=[A_SITE])


def test_only_the_listed_sites_may_frame_the_player(api: Api, pages: falcon.testing.TestClient) -> None:
    video_id, left = ready(api, embed_origins=[SHOP, BLOG]), ready(api)
    assert framing(pages, left) == "*"
    assert framing(pages, video_id) == f"{SHOP} {BLOG}"
    assert "X-Frame-Options" not in pages.simulate_get(f"/embed/{video_id}").headers
    change(api, video_id, embed_origins=[])
    assert framing(pages, video_id) == "'none'"
    # For browsers that do not know `frame-ancestors`.
    assert pages.simulate_get(f"/embed/{video_id}").headers["X-Frame-Options"] == "DENY"
    change(api, video_id, embed_origins=None)
    assert framing(pages, video_id) == "*"


def test_other_sites_get_a_link_to_a_video_that_no_site_may_frame(api: Api, pages: falcon.testing.TestClient) -> None:
    video_id = ready(api, embed_origins=[SHOP])
    query = {"url": f"{BASE}/watch/{video_id}"}
    assert pages.simulate_get("/oembed", params=query).json["type"] == "video"
    change(api, video_id, embed_origins=[])
    assert pages.simulate_get("/oembed", params=query).json["type"] == "link"


@pytest.fixture
def private(api: Api) -> str:
    """A private video that one site may show."""
    video_id = api.create(visibility="private", embed_origins=[A_SITE])
    api.publish_privately(video_id, PUBLISHED, FILES)
    return video_id


def opened(api: Api, url: str, **headers: str) -> falcon.testing.Result:
    path, _, query = url.removeprefix(API_BASE_URL).partition("?")
    return api.client.simulate_get(path, query_string=query, headers=headers)


def urls_of(api: Api, video_id: str) -> list[str]:
    """Return the playlist, a media playlist and the picture of a private video, as its owner gets them."""
    video = api.call("GET", f"/api/v1/videos/{video_id}").json
    master = opened(api, video["playback_url"])
    assert master.status_code == 200
    media = next(line for line in master.text.splitlines() if line.startswith("media.m3u8"))
    return [video["playback_url"], f"/api/v1/playback/{video_id}/{media}", video["thumbnail_url"]]


@pytest.mark.parametrize(
    ("headers", "may_play"),
    [
        pytest.param({"Origin": A_SITE}, True, id="a-listed-page"),
        pytest.param({"Referer": f"{A_SITE}/films?x"}, True, id="its-referer"),
        pytest.param({"Origin": API_BASE_URL}, True, id="our-own-page"),
        pytest.param({}, True, id="a-player-that-names-no-page"),
        pytest.param({"Origin": SHOP}, False, id="another-page"),
        pytest.param({"Referer": f"{SHOP}/{A_SITE}"}, False, id="the-referer-of-another"),
        pytest.param({"Origin": "null", "Referer": A_SITE}, False, id="an-opaque-page"),
        pytest.param({"Referer": "http://["}, False, id="a-broken-referer"),
    ],
)
def test_a_private_video_plays_on_listed_pages_alone(
    api: Api, private: str, headers: dict[str, str], may_play: bool
) -> None:
    answers = [opened(api, url, **headers) for url in urls_of(api, private)]
    if may_play:
        assert [answer.status_code for answer in answers] == [200, 200, 302]
    else:
        assert {(answer.status_code, answer.json["code"]) for answer in answers} == {(403, "playback_denied")}


def test_a_changed_list_holds_for_links_that_were_handed_out(api: Api, private: str) -> None:
    urls = urls_of(api, private)
    change(api, private, embed_origins=[])
    assert {opened(api, url, Origin=A_SITE).status_code for url in urls} == {403}
    change(api, private, embed_origins=None)
    assert [opened(api, url, Origin=SHOP).status_code for url in urls] == [200, 200, 302]


def test_the_example_of_the_docs_is_accepted(api: Api, pages: object) -> None:
    del pages
    section = (Path(__file__).parents[3] / "docs" / "api.md").read_text().partition("\n## Sites that may show")[2]
    body = json.loads(section.partition("-d '")[2].partition("'")[0])
    assert wanted(api, api.create(**body)) == body["embed_origins"]
    assert change(api, api.create(), **body).json["embed_origins"] == body["embed_origins"]
