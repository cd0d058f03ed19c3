"""Who can read the files of a private video, at a real store, in every layout of buckets."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import m3u8  # type: ignore[import-untyped]
import pytest
import requests

from devstack.s3 import S3Access, client_for
from domain import object_keys
from domain.captions import CaptionTrack
from domain.objects import VerifiedOutputs
from storage import object_store
from storage.client import make_clients
from storage.object_store import Storage
from storage.settings import StorageSettings
from tests.integration.buckets import with_fresh_bucket
from tests.integration.storage.reach import acls_of_copies, settings_for
from tests.support.fakes.videos import stream

VIDEO = "privateprivateprivateprivat"[:26]
FOLDER = "1-mfrggzdfmztwq2lk"
TRACK = CaptionTrack("en", "English", True, "e" * 32)


@pytest.fixture(params=["one-bucket", "two-buckets"])
def reach(request: pytest.FixtureRequest, s3_access: S3Access) -> S3Access:
    """Return access to one bucket for everything, or to one for originals and one for outputs."""
    outputs = with_fresh_bucket(s3_access)
    if request.param == "one-bucket":
        return outputs
    return replace(outputs, raw_bucket=with_fresh_bucket(s3_access).raw_bucket)


@pytest.fixture
def settings(reach: S3Access) -> StorageSettings:
    return settings_for(reach)


def keys_of(reach: S3Access) -> list[str]:
    listed = client_for(reach).list_objects_v2(Bucket=reach.processed_bucket)
    return [entry["Key"] for entry in listed.get("Contents", [])]


def published(reach: S3Access, settings: StorageSettings) -> Storage:
    """Return a storage with a private video as Coconut and the operator leave it."""
    writer = replace(reach, access_key=reach.processed_writer_access_key, secret_key=reach.processed_writer_secret_key)
    for path, body in stream().items():
        key = object_keys.outputs_prefix(VIDEO, FOLDER, is_private=True) + path
        client_for(writer).put_object(Bucket=reach.processed_bucket, Key=key, Body=body)
    storage = Storage(settings)
    outputs = storage.verify_outputs(VIDEO, FOLDER, input_seconds=None, is_private=True)
    assert isinstance(outputs, VerifiedOutputs)
    assert outputs.poster_key is not None
    storage.publish_poster(VIDEO, outputs.poster_key, is_private=True)
    storage.write_poster(VIDEO, "a.jpg", b"JPG", is_private=True)
    storage.write_captions(VIDEO, TRACK, text="WEBVTT\n", playlist="#EXTM3U\n", is_private=True)
    storage.write_playlist(VIDEO, "#EXTM3U\n", is_private=True)
    return storage


def test_without_a_signature_no_file_of_a_private_video_can_be_read(reach: S3Access, settings: StorageSettings) -> None:
    published(reach, settings)
    keys = keys_of(reach)
    assert len(keys) == len(stream()) + 5
    assert all(key.startswith(object_keys.PRIVATE_PREFIX) for key in keys)
    urls = [f"{settings.public_base_url}/{key}" for key in keys]
    assert {requests.get(url, timeout=10).status_code for url in urls} == {403}


def test_a_signed_playlist_leads_to_every_segment_until_it_expires(reach: S3Access, settings: StorageSettings) -> None:
    storage, now = published(reach, settings), datetime.now(UTC).replace(microsecond=0)
    path = f"{FOLDER}/hls/360p/index.m3u8"
    for begin, ends_at, status in (
        (now - timedelta(minutes=15), now + timedelta(hours=5), 200),
        (now - timedelta(hours=5), now - timedelta(minutes=1), 403),
    ):
        text = storage.signed_playlist(VIDEO, path, signed_at=begin, ends_at=ends_at)
        assert text is not None
        urls = [segment.uri for segment in m3u8.loads(text).segments]
        assert [requests.get(url, timeout=10).status_code for url in urls] == [status, status]
        if status == 200:
            ranged = requests.get(urls[0], headers={"Range": "bytes=0-9"}, timeout=10)
            assert (ranged.status_code, len(ranged.content)) == (206, 10)
            tampered = urls[0].replace("000.ts", "001.ts")
            assert requests.get(tampered, timeout=10).status_code == 403
    assert storage.signed_playlist(VIDEO, "2-x/index.m3u8", signed_at=now, ends_at=now + timedelta(hours=1)) is None


def test_a_deletion_closes_the_urls_that_were_signed_before(reach: S3Access, settings: StorageSettings) -> None:
    storage, now = published(reach, settings), datetime.now(UTC)
    text = storage.signed_playlist(
        VIDEO, f"{FOLDER}/hls/360p/index.m3u8", signed_at=now, ends_at=now + timedelta(hours=1)
    )
    assert text is not None
    url = m3u8.loads(text).segments[0].uri
    assert storage.is_readable(VIDEO)
    while not storage.withdraw(VIDEO, at_most=10):
        pass
    assert not storage.is_readable(VIDEO)
    assert requests.get(url, timeout=10).status_code == 404
    while not storage.bring_back(VIDEO, at_most=10, is_private=True):
        pass
    assert requests.get(url, timeout=10).status_code == 200
    assert all(key.startswith(object_keys.PRIVATE_PREFIX) for key in keys_of(reach))


def test_a_move_opens_or_closes_every_file_and_keeps_types_and_caching(
    reach: S3Access, settings: StorageSettings
) -> None:
    storage = published(reach, settings)
    names = [key.removeprefix(object_keys.video_prefix(VIDEO, is_private=True)) for key in keys_of(reach)]
    urls = [f"{settings.public_base_url}/{object_keys.video_prefix(VIDEO)}{name}" for name in names]

    def statuses() -> set[int]:
        return {requests.get(url, timeout=10).status_code for url in urls}

    def move(*, is_private: bool) -> None:
        while not storage.copy_stream(VIDEO, is_private=is_private, at_most=7):
            pass
        while not storage.gather_stream(VIDEO, is_private=is_private, at_most=7):
            pass

    assert statuses() <= {403, 404}
    move(is_private=False)
    assert statuses() == {200}
    playlist = requests.get(f"{settings.public_base_url}/{object_keys.stable_playlist_key(VIDEO)}", timeout=10)
    assert playlist.headers["Content-Type"] == "application/vnd.apple.mpegurl"
    assert playlist.headers["Cache-Control"] == "max-age=10"
    move(is_private=True)
    assert statuses() <= {403, 404}
    assert all(key.startswith(object_keys.PRIVATE_PREFIX) for key in keys_of(reach))


def test_where_acls_publish_only_a_copy_for_everyone_gets_one(reach: S3Access, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_for(reach, acl="public-read")
    clients = make_clients(settings)
    sent = acls_of_copies(clients, monkeypatch)
    storage = Storage(settings, clients)
    storage.write_playlist(VIDEO, "#EXTM3U\n", is_private=True)
    storage.copy_stream(VIDEO, is_private=False, at_most=10)
    storage.gather_stream(VIDEO, is_private=False, at_most=10)
    storage.copy_stream(VIDEO, is_private=True, at_most=10)
    assert sent == [("processed", "public-read"), ("private", None)]


@pytest.mark.parametrize("bound", ["_LARGE_BYTES", "_COPY_BYTES_MAX"])
def test_large_files_are_copied_with_more_time_and_the_largest_in_parts(
    reach: S3Access, settings: StorageSettings, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    """As the MP4 file of a long video: more than 5 GB of it takes several requests, which forget its type."""
    monkeypatch.setattr(object_store, "_COPY_PART_BYTES", 5 * 1024**2)
    monkeypatch.setattr(object_store, "_LARGE_BYTES", 1024)
    monkeypatch.setattr(object_store, bound, 1024)
    body = bytes(11 * 1024**2)
    key, moved = (f"{object_keys.outputs_prefix(VIDEO, FOLDER, is_private=one)}mp4/720.mp4" for one in (True, False))
    client_for(reach).put_object(
        Bucket=reach.processed_bucket, Key=key, Body=body, ContentType="video/mp4", CacheControl="max-age=60"
    )
    storage = Storage(settings)
    assert not storage.copy_stream(VIDEO, is_private=False, at_most=9)
    assert storage.copy_stream(VIDEO, is_private=False, at_most=9)
    answer = requests.get(f"{settings.public_base_url}/{moved}", timeout=30)
    assert (answer.status_code, answer.content == body) == (200, True)
    assert (answer.headers["Content-Type"], answer.headers["Cache-Control"]) == ("video/mp4", "max-age=60")
    assert storage.withdraw(VIDEO, at_most=9)
    assert storage.bring_back(VIDEO, at_most=9, is_private=False)
    assert requests.head(f"{settings.public_base_url}/{moved}", timeout=30).headers["Content-Type"] == "video/mp4"
