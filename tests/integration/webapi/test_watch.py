"""Pages for viewers: what they show of a public video, what they hide, and who may frame them."""

from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import falcon.testing
import pytest

from domain.video import Phase, Published, Reason, Rendition
from tests.support.api import Api
from webapi.site import read_page
from webapi.videos.embed_origins import EmbedOrigins

BASE = "https://videos.example.com"
SITE = "https://blog.example.com"
TEMPLATE = "<!doctype html><head><!--head--></head><body><!--body--><script src='/assets/watch-1.js'></script></body>"
HOSTILE_TITLE = """<script>alert(1)</script>"><img src=x onerror='alert(2)'> & <!--body--> <!--head-->"""


@pytest.fixture
def page(tmp_path: Path) -> Any:
    """A small build of Vite's."""
    (tmp_path / "index.html").write_text("<!doctype html>")
    (tmp_path / "watch.html").write_text(TEMPLATE)
    return read_page(tmp_path, upload_urls=["https://raw.example.com/x"], playback_urls=["https://cdn.example.com"])


@pytest.fixture
def client(api: Api, page: Any) -> falcon.testing.TestClient:
    """The API with pages for viewers, which one other site may frame."""
    return framed_by(api, page, SITE)


def framed_by(api: Api, page: Any, *sites: str) -> falcon.testing.TestClient:
    """Return the API with pages for viewers, which these sites may frame."""
    policy = replace(api.deps.policy, embed_origins=EmbedOrigins(sites))
    return api.rebuilt(page=page, watch_base_url=BASE, policy=policy)


class Tags(HTMLParser):
    """The tags of a page with their attributes, and its text."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(content)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def of(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of each tag of a kind."""
        return [attributes for name, attributes in self.found if name == tag]

    def properties(self) -> dict[str | None, str | None]:
        """Return what the page says of itself to other sites."""
        return {one["property"]: one["content"] for one in self.of("meta") if "property" in one}


def ready(api: Api, **changes: Any) -> str:
    """Create a video that plays in 360p and 720p."""
    video_id = api.create(**changes)
    renditions = tuple(Rendition(f"1/{h}/index.m3u8", 900_000, width=w, height=h) for w, h in ((640, 360), (1280, 720)))
    published = Published(1, 1, 3.2, renditions, has_poster=True)
    api.observe(video_id, phase=Phase.READY, reason=Reason.PUBLISHED, published=published, is_playable=True)
    return video_id


def test_a_viewer_without_a_token_sees_title_poster_and_player(api: Api, client: falcon.testing.TestClient) -> None:
    video_id = ready(api)
    answer = client.simulate_get(f"/watch/{video_id}")
    tags = Tags(answer.text)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    (stage,) = tags.of("div")
    assert stage["data-stream"] == f"https://cdn.example.com/processed/{video_id}/playlist.m3u8"
    assert tags.of("img")[0]["src"] == stage["data-poster"]
    assert tags.of("button")[0]["aria-label"] == "Play: Cats"
    assert tags.of("h1")
    assert "Cats" in tags.text


def test_other_sites_learn_what_the_page_shows(api: Api, client: falcon.testing.TestClient) -> None:
    video_id = ready(api)
    tags = Tags(client.simulate_get(f"/watch/{video_id}").text)

    said = tags.properties()
    assert (said["og:title"], said["og:url"]) == ("Cats", f"{BASE}/watch/{video_id}")
    assert (said["og:video:width"], said["og:video:height"], said["og:video:duration"]) == ("1280", "720", "4")
    (link,) = [one for one in tags.of("link") if one["rel"] == "alternate"]
    parts = urlsplit(str(link["href"]))
    assert link["type"] == "application/json+oembed"
    answer = client.simulate_get(parts.path, params={"url": parse_qs(parts.query)["url"][0]})
    assert answer.json["title"] == "Cats"


def test_a_title_never_becomes_markup(api: Api, client: falcon.testing.TestClient) -> None:
    video_id = ready(api)
    api.set_columns(video_id, title=HOSTILE_TITLE)
    for path in (f"/watch/{video_id}", f"/embed/{video_id}"):
        tags = Tags(client.simulate_get(path).text)
        assert len(tags.of("script")) == 1
        assert [one["src"] for one in tags.of("img")] == [tags.of("div")[0]["data-poster"]]
        assert tags.of("div")[0]["data-name"] == HOSTILE_TITLE
        assert tags.properties()["og:title"] == HOSTILE_TITLE
    frame = Tags(client.simulate_get("/oembed", params={"url": f"{BASE}/watch/{video_id}"}).json["html"])
    assert [name for name, _ in frame.found] == ["iframe"]
    assert frame.of("iframe")[0]["title"] == HOSTILE_TITLE


def test_nothing_private_is_shown(api: Api, client: falcon.testing.TestClient) -> None:
    video_id = ready(api, filename="private name.mp4", metadata={"album": "private album"})
    for path in (f"/watch/{video_id}", f"/embed/{video_id}", f"/oembed?url={BASE}/watch/{video_id}"):
        text = client.simulate_get(path).text
        assert "private" not in text
        assert "ann" not in text
        assert "uploads/" not in text


@pytest.mark.parametrize("page_path", ["/watch/", "/embed/"])
def test_what_is_not_public_is_the_same_404_page(api: Api, client: falcon.testing.TestClient, page_path: str) -> None:
    uploading, deleted, private, still_private = api.create(), ready(api), ready(api), ready(api)
    api.call("DELETE", f"/api/v1/videos/{deleted}")
    api.set_columns(private, visibility="private")
    # Its files lie where they did before: its URLs are signed, and for its owner.
    api.set_columns(still_private, is_private=True)
    ids = [uploading, deleted, private, still_private, "a" * 26, "A" * 26, "x", "%00", "a" * 3000, "\u00e9"]
    pages = {client.simulate_get(page_path + video_id).text for video_id in ids}
    answers = [client.simulate_get(page_path + video_id) for video_id in ids]

    assert {answer.status_code for answer in answers} == {404}
    assert len(pages) == 1
    assert "not available" in pages.pop()
    assert {answer.headers["Cache-Control"] for answer in answers} == {"no-store"}


def test_a_restored_video_is_shown_again(api: Api, client: falcon.testing.TestClient) -> None:
    video_id = ready(api)
    api.call("DELETE", f"/api/v1/videos/{video_id}")
    assert client.simulate_get(f"/watch/{video_id}").status_code == 404
    api.now += timedelta(minutes=1)
    api.call("POST", f"/api/v1/videos/{video_id}/restore")

    assert client.simulate_get(f"/watch/{video_id}").status_code == 200


def test_only_the_embedded_page_may_be_framed_and_only_by_the_named_sites(
    api: Api, client: falcon.testing.TestClient
) -> None:
    video_id = ready(api)
    watch, embed = (client.simulate_get(f"/{name}/{video_id}").headers for name in ("watch", "embed"))

    assert "frame-ancestors 'none'" in watch["Content-Security-Policy"]
    assert watch["X-Frame-Options"] == "DENY"
    assert f"frame-ancestors {SITE};" in embed["Content-Security-Policy"]
    assert "X-Frame-Options" not in embed
    for headers in (watch, embed):
        assert headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'; style-src 'self';")
        assert "connect-src 'self' https://cdn.example.com;" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Robots-Tag"] == "noindex"


def test_without_sites_that_may_frame_it_there_is_a_link_and_no_player(api: Api, page: Any) -> None:
    video_id = ready(api)
    client = api.rebuilt(page=page, watch_base_url=BASE)

    assert client.simulate_get(f"/embed/{video_id}").json["code"] == "not_found"
    answer = client.simulate_get("/oembed", params={"url": f"{BASE}/watch/{video_id}"}).json
    assert (answer["type"], "html" in answer) == ("link", False)


@pytest.mark.parametrize(
    ("asked", "size"),
    [
        pytest.param({}, (1280, 720), id="as-it-is"),
        pytest.param({"maxwidth": "640"}, (640, 360), id="narrower"),
        pytest.param({"maxwidth": "640", "maxheight": "90"}, (160, 90), id="lower"),
        pytest.param({"maxwidth": "9000"}, (1280, 720), id="never-larger"),
        pytest.param({"maxwidth": "0"}, (1, 1), id="nothing"),
        pytest.param({"maxwidth": "-5", "maxheight": "wide"}, (1280, 720), id="no-numbers"),
        pytest.param({"maxwidth": "9" * 5000}, (1280, 720), id="many-digits"),
    ],
)
def test_an_embedded_player_has_the_size_that_is_asked_for(
    api: Api, client: falcon.testing.TestClient, asked: dict[str, str], size: tuple[int, int]
) -> None:
    video_id = ready(api)
    answer = client.simulate_get("/oembed", params={"url": f"{BASE}/watch/{video_id}", **asked}).json
    (frame,) = Tags(answer["html"]).of("iframe")

    assert (answer["width"], answer["height"]) == size
    assert (frame["width"], frame["height"]) == (str(size[0]), str(size[1]))
    assert frame["src"] == f"{BASE}/embed/{video_id}"


def test_oembed_knows_only_our_own_addresses(api: Api, client: falcon.testing.TestClient) -> None:
    video_id, private = ready(api), ready(api)
    api.set_columns(private, visibility="private")
    urls = [
        "",
        "x",
        f"https://evil.example.com/watch/{video_id}",
        f"http://videos.example.com/watch/{video_id}",
        f"{BASE}.evil.example.com/watch/{video_id}",
        f"{BASE}/watch/{video_id}/x",
        f"{BASE}/api/v1/videos/{video_id}",
        "https://[",
        f"{BASE}/watch/{api.create()}",
        f"{BASE}/watch/{private}",
    ]
    assert {client.simulate_get("/oembed", params={"url": url}).status_code for url in urls} == {404}
    assert client.simulate_get("/oembed").status_code == 404
    as_xml = client.simulate_get("/oembed", params={"url": f"{BASE}/watch/{video_id}", "format": "xml"})
    assert as_xml.status_code == 501


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_nothing_can_be_changed_there(client: falcon.testing.TestClient, method: str) -> None:
    for path in ("/watch/a", "/embed/a", "/oembed"):
        assert client.simulate_request(method, path).json["code"] == "method_not_allowed"


@pytest.mark.parametrize("changes", [{"watch_base_url": BASE}, {}], ids=["without-a-page", "without-an-address"])
def test_without_the_setting_or_a_page_there_are_none(api: Api, page: Any, changes: dict[str, Any]) -> None:
    client = api.rebuilt(**(changes or {"page": page}))

    assert client.simulate_get(f"/watch/{ready(api)}").json["code"] == "not_found"
    assert client.simulate_get("/oembed").json["code"] == "not_found"
    assert client.simulate_get("/watch.html").status_code == 404
