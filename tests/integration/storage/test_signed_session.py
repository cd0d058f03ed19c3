"""The requests of every pass on a real S3 server: odd keys, and the connections they take."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from botocore.exceptions import ClientError

from devstack.s3 import S3Access, client_for
from storage import client
from storage.client import Clients, is_missing, make_clients
from tests.integration.storage.reach import settings_for

KEYS = ["uploads/a b+c.mp4", "uploads/100%/%2F", "uploads/Kätzchen/猫.mp4", "uploads/~._-!*'();:@$,[]&=#?"]
AT_ONCE = 8


@pytest.fixture
def clients(s3: S3Access) -> Iterator[Clients]:
    made = make_clients(settings_for(s3))
    yield made
    made.own.close()


@pytest.mark.parametrize("key", KEYS)
def test_an_object_with_an_odd_key_is_the_same_one_for_boto3(key: str, s3: S3Access, clients: Clients) -> None:
    session, bucket = clients.session, s3.raw_bucket
    session.put(bucket, key, b"text", {"Content-Type": "text/plain"})
    seen = client_for(s3).get_object(Bucket=bucket, Key=key)
    assert (seen["Body"].read(), seen["ContentType"]) == (b"text", "text/plain")

    session.copy(bucket, key, f"{key}.copy", {"x-amz-copy-source-if-match": seen["ETag"]})
    assert session.read(bucket, f"{key}.copy", at_most=99) == b"text"
    facts = session.head(bucket, key)
    assert (facts.etag, facts.file_bytes) == (seen["ETag"].strip('"'), 4)
    assert session.read_range(bucket, key, offset=1, length=2, etag=facts.etag) == b"ex"
    assert [file.key for file in session.page(bucket, key).files] == [key, f"{key}.copy"]

    session.delete(bucket, key)
    with pytest.raises(ClientError) as caught:
        session.head(bucket, key)
    assert is_missing(caught.value)


def test_all_requests_of_a_thread_take_one_connection(
    s3: S3Access, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[object] = []
    connect = client._Plain._new_conn

    def counted(self: client._Plain) -> object:
        opened.append(self)
        return connect(self)

    monkeypatch.setattr(client._Plain, "_new_conn", counted)
    session, bucket = clients.session, s3.raw_bucket

    def calls(name: str) -> None:
        session.put(bucket, f"uploads/{name}", b"text", {})
        session.head(bucket, f"uploads/{name}")
        with suppress(ClientError):
            session.head(bucket, "uploads/none")
        with suppress(ClientError):
            session.read(bucket, "uploads/none", at_most=9)
        session.read(bucket, f"uploads/{name}", at_most=4)
        session.page(bucket, "uploads/")
        session.copy(bucket, f"uploads/{name}", f"originals/{name}", {})
        session.delete(bucket, f"uploads/{name}")

    calls("alone")
    assert len(opened) == 1
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(calls, map(str, range(3 * AT_ONCE))))
    assert len(opened) <= AT_ONCE
