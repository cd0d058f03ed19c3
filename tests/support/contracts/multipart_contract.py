"""What `storage.multipart.Multipart` and `FakeMultipart` have in common, seen from both sides of the store."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from domain import object_keys
from domain.errors import UnavailableError
from domain.objects import StoredPart
from domain.part_plan import PART_BYTES_MIN
from storage.multipart import Multipart
from storage.object_store import Storage
from tests.support.fakes.multipart import FakeMultipart
from tests.support.fakes.storage import FakeStorage

VIDEO = "contractcontractcontractco"
OTHER_VIDEO = "othercontractothercontract"
KEY = object_keys.original_key(VIDEO, "clip.mp4")
OTHER_KEY = object_keys.original_key(OTHER_VIDEO, "clip.mp4")
# The server takes no smaller part before the last.
FIRST, LAST = b"1" * PART_BYTES_MIN, b"the end"


@dataclass(frozen=True)
class Parted:
    """Multipart uploads under test. ``put_part`` is a client's hand: upload id, number, bytes."""

    multipart: Multipart | FakeMultipart
    storage: Storage | FakeStorage
    put_part: Callable[[str, int, bytes], None]

    def begin(self, key: str = KEY) -> str:
        return self.multipart.create(key, content_type="video/mp4")

    def sent(self) -> tuple[str, tuple[StoredPart, ...]]:
        """Return an upload with both of its parts."""
        upload_id = self.begin()
        self.put_part(upload_id, 2, LAST)
        self.put_part(upload_id, 1, FIRST)
        return upload_id, self.parts(upload_id)

    def parts(self, upload_id: str) -> tuple[StoredPart, ...]:
        parts = self.multipart.parts(KEY, upload_id)
        assert parts is not None
        return parts

    def size(self) -> int | None:
        facts = self.storage.head(KEY)
        return facts.file_bytes if facts else None

    def open_ids(self, prefix: str) -> set[str]:
        return {upload.upload_id for page in self.multipart.open_uploads(prefix) for upload in page}


class MultipartContract:
    """Subclasses give the fixture ``parted``: empty, of this test's own."""

    def test_a_new_upload_has_no_parts_and_is_no_file(self, parted: Parted) -> None:
        assert parted.parts(parted.begin()) == ()
        assert parted.size() is None

    def test_parts_are_listed_by_number_with_their_sizes(self, parted: Parted) -> None:
        _, parts = parted.sent()
        assert [(part.number, part.file_bytes) for part in parts] == [(1, len(FIRST)), (2, len(LAST))]
        assert all(part.etag and '"' not in part.etag for part in parts)
        assert all(abs(part.last_modified - datetime.now(UTC)) < timedelta(minutes=1) for part in parts)

    def test_a_part_that_is_sent_again_counts_once(self, parted: Parted) -> None:
        upload_id = parted.begin()
        parted.put_part(upload_id, 1, b"one")
        parted.put_part(upload_id, 1, b"another")
        assert [part.file_bytes for part in parted.parts(upload_id)] == [7]

    def test_joined_parts_are_the_file(self, parted: Parted) -> None:
        upload_id, parts = parted.sent()
        parted.multipart.complete(KEY, upload_id, parts)
        facts = parted.storage.head(KEY)
        assert facts is not None
        assert (facts.file_bytes, facts.content_type) == (len(FIRST) + len(LAST), "video/mp4")
        assert parted.multipart.parts(KEY, upload_id) is None

    def test_completing_again_after_a_lost_response_succeeds(self, parted: Parted) -> None:
        upload_id, parts = parted.sent()
        parted.multipart.complete(KEY, upload_id, parts)
        parted.multipart.complete(KEY, upload_id, parts)
        assert parted.size() == len(FIRST) + len(LAST)

    def test_an_older_file_of_the_same_size_is_not_taken_for_the_joined_one(self, parted: Parted) -> None:
        upload_id, parts = parted.sent()
        parted.multipart.complete(KEY, upload_id, parts)
        older = parted.storage.head(KEY)
        assert older is not None
        upload_id = parted.begin()
        parted.put_part(upload_id, 1, b"2" * older.file_bytes)
        parts = parted.parts(upload_id)
        parted.multipart.abort(KEY, upload_id)
        with pytest.raises(UnavailableError):
            parted.multipart.complete(KEY, upload_id, parts, rejected=older.version)

    def test_an_aborted_upload_cannot_be_completed(self, parted: Parted) -> None:
        upload_id, parts = parted.sent()
        parted.multipart.abort(KEY, upload_id)
        assert parted.multipart.parts(KEY, upload_id) is None
        with pytest.raises(UnavailableError):
            parted.multipart.complete(KEY, upload_id, parts)
        assert parted.size() is None

    def test_a_part_replaced_since_it_was_listed_has_to_be_listed_again(self, parted: Parted) -> None:
        upload_id, parts = parted.sent()
        parted.put_part(upload_id, 2, b"other end")
        with pytest.raises(UnavailableError):
            parted.multipart.complete(KEY, upload_id, parts)
        parted.multipart.complete(KEY, upload_id, parted.parts(upload_id))
        assert parted.size() == len(FIRST) + 9

    def test_aborting_twice_succeeds(self, parted: Parted) -> None:
        upload_id, _ = parted.sent()
        parted.multipart.abort(KEY, upload_id)
        parted.multipart.abort(KEY, upload_id)
        assert parted.open_ids(object_keys.UPLOADS_PREFIX) == set()

    def test_an_upload_of_another_key_is_not_found(self, parted: Parted) -> None:
        assert parted.multipart.parts(OTHER_KEY, parted.begin()) is None

    def test_open_uploads_are_listed_by_prefix(self, parted: Parted) -> None:
        first, second, other = parted.begin(), parted.begin(), parted.begin(OTHER_KEY)
        assert parted.open_ids(object_keys.original_prefix(VIDEO)) == {first, second}
        assert parted.open_ids(object_keys.UPLOADS_PREFIX) == {first, second, other}
        parted.multipart.abort(KEY, first)
        found = [upload for page in parted.multipart.open_uploads(object_keys.UPLOADS_PREFIX) for upload in page]
        assert {(upload.key, upload.upload_id) for upload in found} == {(KEY, second), (OTHER_KEY, other)}
        assert all(abs(upload.initiated_at - datetime.now(UTC)) < timedelta(minutes=1) for upload in found)

    def test_a_signed_part_has_an_expiry_and_hides_the_secret(self, parted: Parted) -> None:
        signed = parted.multipart.presign_part(KEY, parted.begin(), 1, part_bytes=9, expires_seconds=900)
        assert (signed.method, signed.headers) == ("PUT", {})
        assert abs(signed.expires_at - datetime.now(UTC) - timedelta(seconds=900)) < timedelta(seconds=60)
        assert signed.url not in repr(signed)
