"""Storage against a real S3 server: three keys, one bucket that is public only below processed/.

Real video files are in test_files.py.
"""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
import requests

from devstack.s3 import S3Access, client_for
from domain import object_keys
from domain.errors import RefusedError, UnavailableError
from domain.objects import VerifiedOutputs
from storage import object_store
from storage.object_store import Storage
from storage.settings import StorageSettings
from tests.integration.storage.reach import settings_for
from tests.support.contracts.storage_contract import ORIGINAL, VIDEO, StorageContract, Store
from tests.support.eventually import eventually
from tests.support.fakes.videos import mp4, stream

FILE = mp4()
POSTER = f"{object_keys.thumbnails_prefix(VIDEO, '1')}thumb_01.jpg"


class TestStorage(StorageContract):
    """The contract, on the real server."""


class TestSignedUploads:
    """What the server lets a client do with a signed URL."""

    def put(
        self, url: str, body: bytes = FILE, content_type: str = "video/mp4", headers: dict[str, str] | None = None
    ) -> int:
        sent = {"Content-Type": content_type} | (headers or {})
        return requests.put(url, data=body, headers=sent, timeout=10).status_code

    def url(self, storage: Storage, *, declared_bytes: int | None = len(FILE), expires_seconds: int = 900) -> str:
        return storage.presign_upload(
            ORIGINAL, content_type="video/mp4", declared_bytes=declared_bytes, expires_seconds=expires_seconds
        ).url

    def test_the_declared_file_is_accepted(self, storage: Storage) -> None:
        assert self.put(self.url(storage)) == 200
        facts = storage.head(ORIGINAL)
        assert facts is not None
        assert (facts.file_bytes, facts.content_type) == (len(FILE), "video/mp4")

    def test_any_length_is_accepted_when_none_was_declared(self, storage: Storage) -> None:
        assert self.put(self.url(storage, declared_bytes=None), FILE + bytes(1)) == 200

    @pytest.mark.parametrize("body", [FILE[:-1], FILE + bytes(1), b""], ids=["shorter", "longer", "empty"])
    def test_another_length_than_declared_is_refused(self, storage: Storage, body: bytes) -> None:
        assert self.put(self.url(storage), body) == 403
        assert storage.head(ORIGINAL) is None

    def test_another_type_than_declared_is_refused(self, storage: Storage) -> None:
        assert self.put(self.url(storage), content_type="text/html") == 403
        assert storage.head(ORIGINAL) is None

    def test_another_key_is_refused(self, storage: Storage) -> None:
        assert self.put(self.url(storage).replace("original.mp4", "original.mov")) == 403

    def test_an_upload_url_cannot_read(self, store: Store) -> None:
        store.put_raw(ORIGINAL, FILE)
        assert isinstance(store.storage, Storage)
        assert requests.get(self.url(store.storage), timeout=10).status_code == 403

    def test_an_expired_url_is_refused(self, storage: Storage) -> None:
        url = self.url(storage, expires_seconds=1)
        assert eventually(lambda: self.put(url) == 403, within_seconds=10)

    def test_a_file_can_be_sent_again_until_the_url_expires(self, storage: Storage) -> None:
        url = self.url(storage)
        assert [self.put(url), self.put(url)] == [200, 200]


class TestSignedSources:
    """What Coconut can do with its input URL."""

    def test_a_download_url_reads_the_original_whole_and_in_part(self, store: Store) -> None:
        store.put_raw(ORIGINAL, FILE)
        url = store.storage.presign_source(ORIGINAL, expires_seconds=60)
        assert requests.get(url, timeout=10).content == FILE
        assert requests.get(url, headers={"Range": "bytes=4-7"}, timeout=10).content == b"ftyp"

    def test_a_download_url_cannot_write(self, store: Store) -> None:
        store.put_raw(ORIGINAL, FILE)
        url = store.storage.presign_source(ORIGINAL, expires_seconds=60)
        assert requests.put(url, data=b"x", timeout=10).status_code == 403

    def test_the_download_key_cannot_write_even_with_a_signed_put(self, s3: S3Access) -> None:
        keys = {"raw_writer_access_key": s3.raw_reader_access_key, "raw_writer_secret_key": s3.raw_reader_secret_key}
        reader = Storage(settings_for(s3, **keys))
        signed = reader.presign_upload(ORIGINAL, content_type="video/mp4", declared_bytes=None, expires_seconds=60)
        assert requests.put(signed.url, data=FILE, headers=dict(signed.headers), timeout=10).status_code == 403

    def test_the_key_in_the_job_writes_outputs_and_reads_no_original(self, s3: S3Access, store: Store) -> None:
        store.put_raw(ORIGINAL, FILE)
        target = settings_for(s3).output_target
        writer = Storage(
            settings_for(
                s3,
                access_key=target.access_key.get_secret_value(),
                secret_key=target.secret_key.get_secret_value(),
            )
        )
        writer.write_playlist(VIDEO, "#EXTM3U\n", is_private=False)
        with pytest.raises(RefusedError):
            writer.head(ORIGINAL)


class TestKeptOriginals:
    """What the store holds after an upload was copied."""

    def test_the_copy_has_the_bytes_that_were_judged(self, s3: S3Access, store: Store) -> None:
        store.put_raw(ORIGINAL, FILE)
        facts = store.facts()
        kept = object_keys.kept_original_key(VIDEO, ORIGINAL, facts.version)
        store.storage.keep_original(ORIGINAL, kept, etag=facts.etag, file_bytes=facts.file_bytes)
        store.put_raw(ORIGINAL, bytes(len(FILE)))
        assert client_for(s3).get_object(Bucket=s3.raw_bucket, Key=kept)["Body"].read() == FILE


class TestSignedDownloads:
    """What the holder of a download URL can do with it."""

    def url(self, store: Store, *, filename: str = "cats.mp4", expires_seconds: int = 60) -> str:
        return store.storage.presign_download(ORIGINAL, filename=filename, expires_seconds=expires_seconds).url

    def test_the_file_is_served_whole_or_in_part_under_its_filename(self, store: Store) -> None:
        store.put_raw(ORIGINAL, FILE)
        url = self.url(store, filename='Kätzchen "1".mp4')
        answer = requests.get(url, timeout=10)
        assert answer.content == FILE
        assert answer.headers["Content-Disposition"] == (
            "attachment; filename=\"K_tzchen _1_.mp4\"; filename*=UTF-8''K%C3%A4tzchen%20%221%22.mp4"
        )
        assert requests.get(url, headers={"Range": "bytes=4-7"}, timeout=10).content == b"ftyp"

    def test_the_url_is_only_for_reading_one_object_under_one_name(self, store: Store) -> None:
        store.put_raw(ORIGINAL, FILE)
        store.put_raw("uploads/other/original.mp4", FILE)
        url = self.url(store)
        assert requests.get(url.replace(VIDEO, "other"), timeout=10).status_code == 403
        assert requests.get(url.replace("cats.mp4", "cats.exe"), timeout=10).status_code == 403
        assert requests.put(url, data=b"x", timeout=10).status_code == 403

    def test_the_url_expires(self, store: Store) -> None:
        store.put_raw(ORIGINAL, FILE)
        url = self.url(store, expires_seconds=1)
        assert eventually(lambda: requests.get(url, timeout=10).status_code == 403, within_seconds=10)


class TestPublicReading:
    """What anybody can read who knows where it is."""

    def get(self, settings: StorageSettings, key: str) -> requests.Response:
        return requests.get(f"{settings.public_base_url}/{key}", timeout=10)

    def test_an_original_is_not_public(self, settings: StorageSettings, store: Store) -> None:
        store.put_raw(ORIGINAL, FILE)
        assert self.get(settings, ORIGINAL).status_code == 403

    def test_the_playlist_is_public_and_cached_briefly(self, settings: StorageSettings, storage: Storage) -> None:
        storage.write_playlist(VIDEO, "#EXTM3U\n", is_private=False)
        answer = requests.get(object_keys.playback_url(settings.public_base_url, VIDEO), timeout=10)
        assert (answer.status_code, answer.text) == (200, "#EXTM3U\n")
        assert answer.headers["Content-Type"] == "application/vnd.apple.mpegurl"
        assert answer.headers["Cache-Control"] == "max-age=10"

    def test_the_poster_is_a_public_copy(self, settings: StorageSettings, store: Store) -> None:
        store.put_outputs("1", stream(thumbnails=1))
        store.storage.publish_poster(VIDEO, POSTER, is_private=False)
        answer = requests.get(object_keys.thumbnail_url(settings.public_base_url, VIDEO), timeout=10)
        assert (answer.status_code, answer.content) == (200, stream()["thumbnails/thumb_01.jpg"])
        assert answer.headers["Content-Type"] == "image/jpeg"
        assert answer.headers["Cache-Control"] == "max-age=10"

    def test_removed_files_are_no_longer_public(self, settings: StorageSettings, store: Store) -> None:
        store.put_outputs("1", stream())
        store.storage.write_playlist(VIDEO, "#EXTM3U\n", is_private=False)
        store.storage.publish_poster(VIDEO, POSTER, is_private=False)
        store.storage.remove_published(VIDEO)
        assert self.get(settings, object_keys.stable_playlist_key(VIDEO)).status_code != 200
        assert self.get(settings, object_keys.stable_poster_key(VIDEO)).status_code != 200
        assert self.get(settings, object_keys.master_key(VIDEO, "1")).status_code == 200


def test_a_stream_with_more_files_than_one_listing_page_is_verified(store: Store) -> None:
    store.put_outputs("1", stream(variants=("a", "b"), segments=505))
    outputs = store.storage.verify_outputs(VIDEO, "1", input_seconds=505 * 6)
    assert isinstance(outputs, VerifiedOutputs)
    assert timedelta(seconds=outputs.duration_seconds) == timedelta(seconds=3030)


class TestTrouble:
    """The errors that storage raises to the loop."""

    def test_an_unreachable_server_is_unavailable(self, s3: S3Access) -> None:
        away = Storage(settings_for(s3, endpoint="http://127.0.0.1:1"))
        with pytest.raises(UnavailableError, match="looking for the original at the object store: no answer") as caught:
            away.head(ORIGINAL)
        assert VIDEO not in str(caught.value)

    def test_a_wrong_secret_is_refused(self, s3: S3Access) -> None:
        wrong = Storage(settings_for(s3, secret_key="wrong"))
        with pytest.raises(RefusedError, match="HTTP 403"):
            wrong.write_playlist(VIDEO, "#EXTM3U\n", is_private=False)

    def test_a_missing_bucket_is_refused(self, s3: S3Access) -> None:
        elsewhere = Storage(settings_for(s3, processed_bucket="no-such-bucket"))
        for call in (
            lambda: elsewhere.verify_outputs(VIDEO, "1", input_seconds=None),
            lambda: elsewhere.read_playlist(VIDEO),
        ):
            with pytest.raises(RefusedError, match="NoSuchBucket"):
                call()


def test_signed_urls_name_the_host_that_clients_reach(s3: S3Access) -> None:
    storage = Storage(settings_for(s3, public_endpoint="https://files.example.com"))
    signed = storage.presign_upload(ORIGINAL, content_type="video/mp4", declared_bytes=None, expires_seconds=60)
    assert urlsplit(signed.url).hostname == "files.example.com"
    storage.write_playlist(VIDEO, "#EXTM3U\n", is_private=False)


def test_a_file_larger_than_one_copy_takes_is_copied_in_parts(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_store, "_COPY_BYTES_MAX", 1_000)
    monkeypatch.setattr(object_store, "_COPY_PART_BYTES", 5 * 1024**2)
    body = bytes(range(256)) * 48_000
    store.put_raw(ORIGINAL, body)
    facts = store.facts()
    store.storage.keep_original(ORIGINAL, "originals/v1/kept.mp4", etag=facts.etag, file_bytes=facts.file_bytes)
    url = store.storage.presign_source("originals/v1/kept.mp4", expires_seconds=60)
    assert requests.get(url, timeout=10).content == body


def test_a_signed_upload_writes_no_kept_original(store: Store) -> None:
    signed = store.storage.presign_upload(ORIGINAL, content_type="video/mp4", declared_bytes=None, expires_seconds=60)
    url = signed.url.replace("/uploads/", "/originals/")
    assert requests.put(url, data=b"x", headers=dict(signed.headers), timeout=10).status_code == 403
