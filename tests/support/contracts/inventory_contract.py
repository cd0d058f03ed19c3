"""What `storage.listing.Inventory` and `FakeStorage` have in common, as the audit uses them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from domain import object_keys
from storage.listing import Inventory
from tests.support.fakes.storage import FakeStorage
from tests.support.fakes.videos import mp4, stream

FIRST = "firstfirstfirstfirstfirstf"
SECOND = "secondsecondsecondsecondse"


@dataclass(frozen=True)
class Bucket:
    """An inventory under test, as clients and jobs write to it."""

    inventory: Inventory | FakeStorage
    put_raw: Callable[[str, bytes], None]
    put_processed: Callable[[str, bytes], None]

    def put_outputs(self, video_id: str, folder: str) -> None:
        """Write what a job writes."""
        for path, body in stream().items():
            self.put_processed(object_keys.outputs_prefix(video_id, folder) + path, body)

    def keys(self, prefix: str) -> list[str]:
        """Return the keys below a prefix, in the order in which they are listed."""
        return [file.key for page in self.inventory.file_pages(prefix) for file in page]

    def folders(self, prefix: str) -> list[str]:
        """Return the names of the folders under a prefix, in the order in which they are listed."""
        return [name for page in self.inventory.folder_pages(prefix) for name in page.folders]


class InventoryContract:
    """Subclasses give the fixture ``bucket``: empty, of this test's own."""

    def test_an_empty_bucket_holds_nothing(self, bucket: Bucket) -> None:
        for prefix in (object_keys.UPLOADS_PREFIX, object_keys.PUBLIC_PREFIX):
            assert bucket.folders(prefix) == bucket.keys(prefix) == []

    def test_a_folder_is_listed_once_however_much_it_holds(self, bucket: Bucket) -> None:
        bucket.put_outputs(SECOND, "1")
        bucket.put_outputs(FIRST, "1")
        assert bucket.folders(object_keys.PUBLIC_PREFIX) == [FIRST, SECOND]
        assert bucket.folders(object_keys.UPLOADS_PREFIX) == []

    def test_files_beside_the_folders_are_listed_with_their_facts(self, bucket: Bucket) -> None:
        bucket.put_outputs(FIRST, "1")
        bucket.put_outputs(FIRST, "12")
        bucket.put_processed(object_keys.stable_playlist_key(FIRST), b"#EXTM3U\n")
        (page,) = bucket.inventory.folder_pages(object_keys.video_prefix(FIRST))
        assert page.folders == ("1", "12")
        (file,) = page.files
        assert (file.key, file.file_bytes) == (object_keys.stable_playlist_key(FIRST), 8)
        assert file.last_modified.utcoffset() == timedelta(0)
        assert abs(file.last_modified - datetime.now(UTC)) < timedelta(minutes=1)

    def test_everything_below_a_prefix_is_listed_in_order(self, bucket: Bucket) -> None:
        bucket.put_outputs(FIRST, "1")
        expected = sorted(object_keys.outputs_prefix(FIRST, "1") + path for path in stream())
        assert bucket.keys(object_keys.video_prefix(FIRST)) == expected

    def test_originals_and_outputs_are_listed_apart(self, bucket: Bucket) -> None:
        bucket.put_raw(object_keys.original_key(FIRST, "film.mp4"), mp4())
        assert bucket.folders(object_keys.UPLOADS_PREFIX) == [FIRST]
        assert bucket.folders(object_keys.PUBLIC_PREFIX) == []

    def test_the_outputs_of_one_attempt_are_removed_some_at_a_time(self, bucket: Bucket) -> None:
        for folder in ("1", "12"):
            bucket.put_outputs(FIRST, folder)
        bucket.put_outputs(SECOND, "1")
        kept = [object_keys.outputs_prefix(FIRST, "12"), object_keys.outputs_prefix(SECOND, "1")]
        calls = 1
        while not bucket.inventory.remove_outputs(FIRST, "1", at_most=4):
            calls += 1
        assert calls == -(-len(stream()) // 4)
        assert bucket.keys(object_keys.outputs_prefix(FIRST, "1")) == []
        assert all(len(bucket.keys(prefix)) == len(stream()) for prefix in kept)
        assert bucket.inventory.remove_outputs(FIRST, "1", at_most=4)

    def test_a_file_can_be_removed_twice(self, bucket: Bucket) -> None:
        gone, kept = object_keys.original_key(FIRST, "film.mp4"), object_keys.original_key(SECOND, "film.mp4")
        for key in (gone, kept):
            bucket.put_raw(key, mp4())
        for _ in range(2):
            bucket.inventory.remove_file(gone)
        assert bucket.keys(object_keys.UPLOADS_PREFIX) == [kept]

    @pytest.mark.parametrize("key", ["", "imports/team/film.mp4", "uploads", "backup/uploads/film.mp4"])
    def test_keys_outside_our_prefixes_are_refused(self, bucket: Bucket, key: str) -> None:
        with pytest.raises(ValueError, match="no bucket"):
            bucket.inventory.remove_file(key)
        with pytest.raises(ValueError, match="no bucket"):
            bucket.keys(key)
