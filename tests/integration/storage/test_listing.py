"""The inventory of a real S3 server: its contract, and listings longer than a page."""

import pytest

from devstack.s3 import S3Access, client_for
from domain import object_keys
from domain.errors import RefusedError, UnavailableError
from storage.listing import Inventory
from tests.integration.storage.reach import settings_for
from tests.support.contracts.inventory_contract import FIRST, Bucket, InventoryContract

MORE_THAN_A_PAGE = 1_005


@pytest.fixture
def bucket(s3: S3Access) -> Bucket:
    client = client_for(s3)

    def put_raw(key: str, body: bytes) -> None:
        client.put_object(Bucket=s3.raw_bucket, Key=key, Body=body)

    def put_processed(key: str, body: bytes) -> None:
        client.put_object(Bucket=s3.processed_bucket, Key=key, Body=body)

    return Bucket(Inventory(settings_for(s3)), put_raw, put_processed)


class TestInventory(InventoryContract):
    """The contract, on the real server."""


def test_a_listing_continues_after_its_first_page(bucket: Bucket) -> None:
    names = [f"v{number:04}" for number in range(MORE_THAN_A_PAGE)]
    for name in names:
        bucket.put_processed(f"{object_keys.video_prefix(name)}playlist.m3u8", b"#EXTM3U\n")
    assert bucket.folders(object_keys.PUBLIC_PREFIX) == names
    assert bucket.keys(object_keys.PUBLIC_PREFIX) == [object_keys.stable_playlist_key(name) for name in names]
    assert [len(page) for page in bucket.inventory.file_pages(object_keys.PUBLIC_PREFIX)] == [1_000, 5]


def test_a_folder_marker_is_not_listed_as_a_file(bucket: Bucket) -> None:
    bucket.put_processed(object_keys.PUBLIC_PREFIX, b"")
    bucket.put_processed(object_keys.stable_playlist_key(FIRST), b"#EXTM3U\n")
    (page,) = bucket.inventory.folder_pages(object_keys.PUBLIC_PREFIX)
    assert (page.folders, page.files) == ((FIRST,), ())


def test_keys_with_unusual_characters_are_listed_unchanged(bucket: Bucket) -> None:
    odd = [f"processed/{FIRST}/{name}" for name in ("a b", "a%2Fb", "a+b", "é&<>")]
    for key in odd:
        bucket.put_processed(key, b"x")
    assert bucket.keys(object_keys.video_prefix(FIRST)) == sorted(odd)


def test_failures_are_raised_as_their_own_kinds(s3: S3Access) -> None:
    away = Inventory(settings_for(s3, endpoint="http://127.0.0.1:1"))
    with pytest.raises(UnavailableError, match="listing the bucket at the object store: no answer"):
        next(away.file_pages(object_keys.PUBLIC_PREFIX))
    wrong = Inventory(settings_for(s3, secret_key="wrong"))
    with pytest.raises(RefusedError, match="HTTP 403"):
        next(wrong.folder_pages(object_keys.PUBLIC_PREFIX))
