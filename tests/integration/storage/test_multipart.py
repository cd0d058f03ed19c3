"""Multipart uploads against a real S3 server: the contract, pages, and the limits of a signed part."""

import pytest
import requests

from devstack.s3 import S3Access, client_for
from domain import object_keys
from domain.errors import RefusedError, UnavailableError
from storage.multipart import Multipart
from storage.object_store import Storage
from storage.settings import StorageSettings
from tests.integration.storage.reach import settings_for
from tests.support.contracts.multipart_contract import FIRST, KEY, LAST, MultipartContract, Parted
from tests.support.eventually import eventually


@pytest.fixture
def parted(s3: S3Access, settings: StorageSettings, storage: Storage) -> Parted:
    client = client_for(s3)

    def put_part(upload_id: str, number: int, body: bytes) -> None:
        client.upload_part(Bucket=s3.raw_bucket, Key=KEY, UploadId=upload_id, PartNumber=number, Body=body)

    return Parted(Multipart(settings), storage, put_part)


class TestMultipart(MultipartContract):
    """The contract, on the real server."""


def put(url: str, body: bytes) -> int:
    return requests.put(url, data=body, timeout=10).status_code


def test_all_pages_of_parts_are_read(parted: Parted, settings: StorageSettings) -> None:
    upload_id = parted.begin()
    for number in range(1, 6):
        parted.put_part(upload_id, number, b"x" * number)
    parts = Multipart(settings, page_size=2).parts(KEY, upload_id)
    assert parts is not None
    assert [(part.number, part.file_bytes) for part in parts] == [(number, number) for number in range(1, 6)]


def test_all_pages_of_open_uploads_are_read(parted: Parted, settings: StorageSettings) -> None:
    wanted = {parted.begin(object_keys.original_key(f"video{number}", "a.mp4")) for number in range(5)}
    pages = list(Multipart(settings, page_size=2).open_uploads(object_keys.UPLOADS_PREFIX))
    assert {upload.upload_id for page in pages for upload in page} == wanted


def test_parts_sent_by_signed_urls_become_the_file(parted: Parted) -> None:
    upload_id = parted.begin()
    for number, body in ((1, FIRST), (2, LAST)):
        signed = parted.multipart.presign_part(KEY, upload_id, number, part_bytes=len(body), expires_seconds=900)
        assert put(signed.url, body) == 200
    parted.multipart.complete(KEY, upload_id, parted.parts(upload_id))
    assert parted.size() == len(FIRST) + len(LAST)


@pytest.mark.parametrize("body", [b"", LAST[:-1], LAST + b"!"], ids=["empty", "shorter", "longer"])
def test_a_part_of_another_length_is_refused(parted: Parted, body: bytes) -> None:
    upload_id = parted.begin()
    signed = parted.multipart.presign_part(KEY, upload_id, 1, part_bytes=len(LAST), expires_seconds=900)
    assert put(signed.url, body) == 403
    assert parted.parts(upload_id) == ()


def test_a_signature_is_for_one_part_of_one_upload(parted: Parted) -> None:
    upload_id, other = parted.begin(), parted.begin()
    url = parted.multipart.presign_part(KEY, upload_id, 1, part_bytes=len(LAST), expires_seconds=900).url
    assert put(url.replace("partNumber=1", "partNumber=2"), LAST) == 403
    assert put(url.replace(upload_id, other), LAST) == 403


def test_an_expired_part_is_signed_again_and_nothing_is_lost(parted: Parted) -> None:
    upload_id = parted.begin()
    parted.put_part(upload_id, 1, FIRST)
    expired = parted.multipart.presign_part(KEY, upload_id, 2, part_bytes=len(LAST), expires_seconds=1)
    assert eventually(lambda: put(expired.url, LAST) == 403, within_seconds=10)
    fresh = parted.multipart.presign_part(KEY, upload_id, 2, part_bytes=len(LAST), expires_seconds=900)
    assert put(fresh.url, LAST) == 200
    assert [part.number for part in parted.parts(upload_id)] == [1, 2]


def test_failures_are_raised_as_their_own_kinds(s3: S3Access) -> None:
    away = Multipart(settings_for(s3, endpoint="http://127.0.0.1:1"))
    with pytest.raises(UnavailableError, match="creating a multipart upload at the object store: no answer"):
        away.create(KEY, content_type="video/mp4")
    wrong = Multipart(settings_for(s3, secret_key="wrong"))
    with pytest.raises(RefusedError, match="HTTP 403"):
        wrong.parts(KEY, "any")
