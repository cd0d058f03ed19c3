"""Signed URLs, and what is sent with published files; no request leaves."""

from datetime import UTC, datetime, timedelta
from functools import cache
from urllib.parse import parse_qs, urlsplit

import botocore.auth
import pytest

from domain.captions import CaptionTrack
from storage.client import make_own_client
from storage.object_store import Storage
from storage.presign import attachment, sign
from tests.support.builders.storage import storage_settings
from tests.support.fakes.store import Answer, FakeStore, headers_of

KEY = "uploads/v1/original.mp4"


@cache
def storage(**changes: str) -> Storage:
    """Return a storage with these settings. It reads the whole description of S3, which takes a while."""
    return Storage(storage_settings(**changes))


def query(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def signed_put(declared_bytes: int | None = None, **changes: str) -> str:
    return (
        storage(**changes)
        .presign_upload(KEY, content_type="video/mp4", declared_bytes=declared_bytes, expires_seconds=900)
        .url
    )


def test_an_upload_is_signed_for_the_origin_host_of_the_raw_bucket() -> None:
    url = signed_put()
    assert urlsplit(url).hostname == "raw.tor1.digitaloceanspaces.com"
    assert urlsplit(url).path == f"/{KEY}"
    assert ".cdn." not in url


def test_path_addressing_puts_the_bucket_in_the_path() -> None:
    url = signed_put(endpoint="http://127.0.0.1:7070", addressing_style="path")
    assert urlsplit(url).netloc == "127.0.0.1:7070"
    assert urlsplit(url).path == f"/raw/{KEY}"


def test_clients_are_sent_to_the_public_endpoint() -> None:
    url = signed_put(public_endpoint="https://files.example.com", addressing_style="path")
    assert urlsplit(url).hostname == "files.example.com"


def test_the_type_is_signed_and_a_declared_length_too() -> None:
    assert query(signed_put())["X-Amz-SignedHeaders"] == "content-type;host"
    assert query(signed_put(declared_bytes=5))["X-Amz-SignedHeaders"] == "content-length;content-type;host"


def test_no_header_is_signed_that_a_browser_does_not_send() -> None:
    assert not [name for name in query(signed_put()) if "checksum" in name.lower() or "acl" in name.lower()]


def test_the_expiry_is_that_of_the_signature() -> None:
    signed = storage().presign_upload(KEY, content_type="video/mp4", declared_bytes=None, expires_seconds=900)
    signed_at = datetime.strptime(query(signed.url)["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    assert query(signed.url)["X-Amz-Expires"] == "900"
    assert signed.expires_at == signed_at + timedelta(seconds=900)


def test_the_jobs_input_is_signed_with_the_read_only_key() -> None:
    url = storage().presign_source(KEY, expires_seconds=7 * 3600)
    assert query(url)["X-Amz-Credential"].startswith("reader/")


def test_uploads_are_signed_with_the_key_that_can_only_put_them() -> None:
    assert query(signed_put())["X-Amz-Credential"].startswith("uploader/")


@pytest.mark.parametrize("expires_seconds", [0, -1, 7 * 24 * 3600 + 1])
def test_an_expiry_that_no_server_accepts_is_refused(expires_seconds: int) -> None:
    with pytest.raises(ValueError, match="a signed URL lasts"):
        storage().presign_source(KEY, expires_seconds=expires_seconds)


@pytest.mark.parametrize(
    ("acl", "sent"),
    [pytest.param("public-read", "public-read", id="set"), pytest.param("none", None, id="left-to-a-policy")],
)
def test_published_files_carry_the_acl_of_the_settings(
    acl: str, sent: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    under_test, store = storage(acl=acl), FakeStore(monkeypatch)
    store.answers = [Answer(), Answer()]
    under_test.write_playlist("v1", "#EXTM3U\n", is_private=False)
    under_test.publish_poster("v1", "processed/v1/1/thumbnails/thumb_01.jpg", is_private=False)
    for request in store.requests:
        headers = headers_of(request)
        assert (headers.get("x-amz-acl"), headers["cache-control"]) == (sent, "max-age=10")


@pytest.mark.parametrize(
    ("filename", "header"),
    [
        pytest.param("cats.mp4", "filename=\"cats.mp4\"; filename*=UTF-8''cats.mp4", id="plain"),
        pytest.param("Kätze.mp4", "filename=\"K_tze.mp4\"; filename*=UTF-8''K%C3%A4tze.mp4", id="beyond-ascii"),
        pytest.param('a";x="b', "filename=\"a__x=_b\"; filename*=UTF-8''a%22%3Bx%3D%22b", id="end-of-quotes"),
        pytest.param("a\\b", "filename=\"a_b\"; filename*=UTF-8''a_b", id="backslash"),
        pytest.param("100%25.mp4", "filename=\"100_25.mp4\"; filename*=UTF-8''100%2525.mp4", id="percent"),
        pytest.param("../../cats.mp4", "filename=\"_.._cats.mp4\"; filename*=UTF-8''_.._cats.mp4", id="path"),
        pytest.param(
            "a\r\nSet-Cookie: b", "filename=\"a__Set-Cookie_ b\"; filename*=UTF-8''a__Set-Cookie%3A%20b", id="lines"
        ),
        pytest.param(
            "cats\u202e4pm.exe", "filename=\"cats_4pm.exe\"; filename*=UTF-8''cats_4pm.exe", id="turned-around"
        ),
        pytest.param("...", "filename=\"original\"; filename*=UTF-8''original", id="only-dots"),
        pytest.param("\ud800", "filename=\"_\"; filename*=UTF-8''_", id="half-a-character"),
    ],
)
def test_a_download_is_saved_under_a_harmless_name(filename: str, header: str) -> None:
    assert attachment(filename) == f"attachment; {header}"


def test_a_download_is_signed_with_the_read_only_key() -> None:
    signed = storage().presign_download(KEY, filename="cats.mp4", expires_seconds=300)
    assert query(signed.url)["X-Amz-Credential"].startswith("reader/")
    assert query(signed.url)["X-Amz-Expires"] == "300"
    assert urlsplit(signed.url).path == f"/{KEY}"


@pytest.mark.parametrize("style", ["path", "virtual"])
@pytest.mark.parametrize("path", ["1-abc/hls/360p/000.ts", "captions/zh-Hant-x.vtt", "1-abc/hls/a b+c~'(é).ts"])
def test_many_reads_are_signed_as_boto3_signs_one(style: str, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = storage_settings(addressing_style=style, endpoint="https://files.example.com:8443")
    signed_at = datetime(2026, 3, 1, 12, 15, tzinfo=UTC)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda **_: signed_at.replace(tzinfo=None))
    narrow = {"access_key": settings.private_reader_access_key, "secret_key": settings.private_reader_secret_key}
    reader = make_own_client(settings.model_copy(update=narrow))
    signed = {"Bucket": settings.processed_bucket, "Key": f"private/v1/{path}"}
    expected = sign(reader, "get_object", signed, 5 * 3600)
    ends_at = signed_at + timedelta(hours=5)
    url = Storage(settings).presign_private("v1", path, signed_at=signed_at, ends_at=ends_at)
    assert (urlsplit(url)[:3], query(url)) == (urlsplit(expected)[:3], query(expected))


def test_a_read_is_signed_for_a_week_at_most() -> None:
    begin = datetime(2026, 3, 1, tzinfo=UTC)
    url = storage().presign_private("v1", "a", signed_at=begin, ends_at=begin + timedelta(days=30))
    assert query(url)["X-Amz-Expires"] == str(7 * 24 * 3600)


@pytest.mark.parametrize("is_private", [False, True])
def test_where_acls_publish_no_private_file_gets_one(is_private: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FakeStore(monkeypatch)
    store.answers = [Answer()] * 4
    files = Storage(storage_settings(acl="public-read"))
    files.write_playlist("v1", "#EXTM3U", is_private=is_private)
    files.publish_poster("v1", "private/v1/1-abc/thumbnails/1.jpg", is_private=is_private)
    track = CaptionTrack("en", "English", True, "e" * 32)
    files.write_captions("v1", track, text="WEBVTT", playlist="#EXTM3U", is_private=is_private)
    acls = {headers_of(request).get("x-amz-acl") for request in store.requests}
    assert acls == ({None} if is_private else {"public-read"})
