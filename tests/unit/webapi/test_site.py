"""The page's files: what a browser gets, under which rules, and that no path leads to anything else."""

import gzip
from pathlib import Path

import falcon.testing
import pytest

from tests.support.api import Api
from webapi.site import NoPageError, content_security_policy, read_page

UPLOAD_URL = "https://videos-raw.tor1.example.com/uploads/x?signature"
PLAYBACK_URL = "https://cdn.example.com/videos"
SCRIPT = "console.log('page');" * 50


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A small build of Vite's, beside a file that must not be served."""
    built = tmp_path / "page"
    (built / "assets").mkdir(parents=True)
    (built / "index.html").write_text("<!doctype html>")
    (built / "docs.html").write_text("<!doctype html><title>docs</title>")
    (built / "file-store.js").write_text("// a worker")
    (built / "assets" / "index-abc.js").write_text(SCRIPT)
    (tmp_path / "secret.txt").write_text("secret")
    return built


@pytest.fixture
def client(api: Api, directory: Path) -> falcon.testing.TestClient:
    return api.rebuilt(page=read_page(directory, upload_urls=[UPLOAD_URL], playback_urls=[PLAYBACK_URL]))


def test_the_page_needs_no_token_and_is_revalidated_each_time(client: falcon.testing.TestClient) -> None:
    answer = client.simulate_get("/")

    assert (answer.status_code, answer.text) == (200, "<!doctype html>")
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-cache"


def test_the_docs_of_a_built_page_are_under_the_same_policy(client: falcon.testing.TestClient) -> None:
    answer = client.simulate_get("/docs")

    assert answer.text == "<!doctype html><title>docs</title>"
    assert answer.headers["Content-Security-Policy"] == client.simulate_get("/").headers["Content-Security-Policy"]
    assert client.simulate_get("/docs.html").status_code == 404


def test_files_named_by_their_hash_are_cached_as_immutable(client: falcon.testing.TestClient) -> None:
    answer = client.simulate_get("/assets/index-abc.js")

    assert (answer.text, answer.headers["Content-Type"]) == (SCRIPT, "text/javascript; charset=utf-8")
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert client.simulate_get("/file-store.js").headers["Cache-Control"] == "no-cache"


def test_every_file_carries_the_policy(client: falcon.testing.TestClient) -> None:
    for path in ("/", "/file-store.js", "/assets/index-abc.js"):
        headers = client.simulate_get(path).headers
        assert headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'; style-src 'self';")
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"


def test_the_policy_names_the_bucket_and_the_cdn_and_nothing_unsafe() -> None:
    policy = content_security_policy(
        upload_origins=["https://raw.example.com"], playback_origins=["https://cdn.example.com"]
    ).split("; ")

    assert "connect-src 'self' https://raw.example.com https://cdn.example.com" in policy
    assert "media-src blob: data: https://cdn.example.com" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in str(policy)


def test_the_policy_names_the_hosts_of_every_region_once() -> None:
    policy = content_security_policy(
        upload_origins=["https://tor1.example.com", "https://fra1.example.com"],
        playback_origins=["https://cdn.example.com", "https://cdn.example.com"],
    ).split("; ")

    assert "connect-src 'self' https://tor1.example.com https://fra1.example.com https://cdn.example.com" in policy
    assert "img-src 'self' data: https://cdn.example.com" in policy


def test_the_policy_allows_the_hosts_of_private_videos_where_there_are_some() -> None:
    def rules(*private_origins: str) -> dict[str, str]:
        policy = content_security_policy(
            upload_origins=["https://b.example.com"],
            playback_origins=["https://cdn.example.com"],
            private_origins=private_origins,
        )
        return {name: allowed for name, _, allowed in (rule.partition(" ") for rule in policy.split("; "))}

    allowing = rules("https://api.example.com", "https://private.example.com")
    for name in ("img-src", "media-src", "connect-src"):
        assert {"https://api.example.com", "https://private.example.com"} <= set(allowing[name].split()), name
    assert "https://b.example.com" not in allowing["media-src"]
    assert rules()["media-src"] == "blob: data: https://cdn.example.com"


def test_the_page_may_read_private_videos_from_where_their_urls_lead(directory: Path) -> None:
    urls = ["https://api.example.com", "https://private.example.com/films/private/v/a?token=5ec1e7"]
    page = read_page(directory, upload_urls=[UPLOAD_URL], playback_urls=[PLAYBACK_URL], private_urls=urls)
    policy = dict(page.headers)["Content-Security-Policy"]
    assert (
        "media-src blob: data: https://cdn.example.com https://api.example.com https://private.example.com;" in policy
    )


def test_origins_are_taken_from_urls_without_their_paths(client: falcon.testing.TestClient) -> None:
    policy = client.simulate_get("/").headers["Content-Security-Policy"]

    assert "connect-src 'self' https://videos-raw.tor1.example.com https://cdn.example.com;" in policy
    assert "signature" not in policy


@pytest.mark.parametrize("accepted", ["gzip", "br, gzip;q=0.5", "deflate, GZIP"])
def test_a_client_that_accepts_gzip_gets_gzip(client: falcon.testing.TestClient, accepted: str) -> None:
    answer = client.simulate_get("/assets/index-abc.js", headers={"Accept-Encoding": accepted})

    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.content).decode() == SCRIPT
    assert "Accept-Encoding" in answer.headers["Vary"]


@pytest.mark.parametrize("accepted", ["", "br", "gzip;q=0", "gzip;q=x", "gzipped", ";;,"])
def test_a_client_without_gzip_gets_the_plain_file(client: falcon.testing.TestClient, accepted: str) -> None:
    answer = client.simulate_get("/assets/index-abc.js", headers={"Accept-Encoding": accepted})

    assert "Content-Encoding" not in answer.headers
    assert answer.text == SCRIPT


def test_an_unchanged_file_is_answered_with_304(client: falcon.testing.TestClient) -> None:
    tag = client.simulate_get("/").headers["ETag"]
    answer = client.simulate_get("/", headers={"If-None-Match": tag})

    assert (answer.status_code, answer.content) == (304, b"")
    assert client.simulate_get("/", headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/index.html",
        "/assets",
        "/assets/",
        "/assets/other.js",
        "/../secret.txt",
        "/assets/../../secret.txt",
        "/..%2fsecret.txt",
        "/assets/..%2f..%2fsecret.txt",
        "/%2e%2e/secret.txt",
        "/secret.txt",
        "/assets/index-abc.js/",
        "/assets/index-abc.js%00",
        "/.env",
    ],
)
def test_no_path_leads_outside_the_pages_files(client: falcon.testing.TestClient, path: str) -> None:
    answer = client.simulate_get(path)

    assert (answer.status_code, answer.json["code"]) == (404, "not_found")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_only_get_and_head_are_allowed(client: falcon.testing.TestClient, method: str) -> None:
    assert client.simulate_request(method, "/").json["code"] == "method_not_allowed"


def test_without_a_page_its_address_is_404(api: Api) -> None:
    assert api.client.simulate_get("/").json["code"] == "not_found"


def test_a_directory_without_a_page_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoPageError, match=r"no index\.html"):
        read_page(tmp_path, upload_urls=[UPLOAD_URL], playback_urls=[PLAYBACK_URL])


def test_a_file_of_an_unknown_kind_is_refused_by_name(directory: Path) -> None:
    (directory / "key.pem").write_text("secret")
    with pytest.raises(NoPageError, match=r"key\.pem"):
        read_page(directory, upload_urls=[UPLOAD_URL], playback_urls=[PLAYBACK_URL])


def test_a_directory_that_holds_more_than_a_page_is_refused(directory: Path) -> None:
    for number in range(100):
        (directory / f"{number}.txt").touch()
    with pytest.raises(NoPageError, match="more than a page"):
        read_page(directory, upload_urls=[UPLOAD_URL], playback_urls=[PLAYBACK_URL])
