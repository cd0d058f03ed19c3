"""The requests of every pass on a real S3 server: odd keys, and the connections they take.

Proxies and authorities are those of the environment, as for boto3.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, SSLError

from devstack.s3 import S3Access, client_for
from storage import client
from storage.client import Clients, is_missing, make_clients
from tests.integration.storage.reach import settings_for
from tests.integration.tls_receiver import tls_receiver
from tests.integration.wire import answering, wire

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


def test_requests_go_through_the_proxy_of_the_environment(s3: S3Access, monkeypatch: pytest.MonkeyPatch) -> None:
    with wire(answering("200 OK")) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        elsewhere = make_clients(settings_for(s3, endpoint="http://store.example.com"))
        elsewhere.session.put("raw", "uploads/a b", b"text", {})
        elsewhere.own.close()
    (request,) = proxy.requests
    assert request.startswith(b"PUT http://store.example.com/raw/uploads/a%20b HTTP/1.1\r\n")


def test_the_authorities_of_the_environment_are_trusted(
    s3: S3Access, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tls_receiver(tmp_path, "localhost") as (receiver, trusted):
        settings = settings_for(s3, endpoint=f"https://localhost:{receiver.port}")
        with pytest.raises(SSLError):
            make_clients(settings).session.head("raw", "k")

        monkeypatch.setenv("AWS_CA_BUNDLE", str(trusted))
        with pytest.raises(ClientError, match="501"):  # it knows only POST
            make_clients(settings).session.head("raw", "k")
