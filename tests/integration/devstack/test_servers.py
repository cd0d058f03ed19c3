"""The real servers that other tests use."""

from collections.abc import Iterator
from pathlib import Path

import boto3
import psycopg
import pytest
import requests
from botocore.config import Config
from botocore.exceptions import ClientError
from mypy_boto3_s3 import S3Client

from devstack import etcd, postgres
from devstack.paths import Paths
from devstack.ports import Ports, is_free
from devstack.s3 import S3Access, client_for


def test_a_cloned_database_has_the_schema_and_no_rows(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM videos").fetchone() == (0,)


def test_postgres_refuses_a_connection_without_a_password(database_url: str) -> None:
    without = database_url.replace(psycopg.conninfo.conninfo_to_dict(database_url)["password"], "")  # type: ignore[arg-type]
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(without)


@pytest.fixture
def bucket_with_files(s3: S3Access) -> S3Access:
    client = client_for(s3)
    client.put_object(Bucket=s3.raw_bucket, Key="uploads/v/original.mp4", Body=b"raw")
    client.put_object(Bucket=s3.processed_bucket, Key="processed/v/playlist.m3u8", Body=b"#EXTM3U")
    return s3


@pytest.mark.parametrize(
    ("path", "status"),
    [
        pytest.param("/processed/v/playlist.m3u8", 200, id="processed-is-public"),
        pytest.param("/uploads/v/original.mp4", 403, id="raw-is-not"),
        pytest.param("", 403, id="nor-is-the-listing"),
    ],
)
def test_the_public_reads_processed_files_only(bucket_with_files: S3Access, path: str, status: int) -> None:
    url = f"{bucket_with_files.endpoint}/{bucket_with_files.raw_bucket}{path}"
    assert requests.get(url, timeout=5).status_code == status


def test_the_raw_reader_reads_raw_files_and_writes_nothing(bucket_with_files: S3Access) -> None:
    bucket = bucket_with_files.raw_bucket
    reader = _client(
        bucket_with_files, bucket_with_files.raw_reader_access_key, bucket_with_files.raw_reader_secret_key
    )
    assert reader.get_object(Bucket=bucket, Key="uploads/v/original.mp4")["Body"].read() == b"raw"
    for key in ("uploads/v/original.mp4", "processed/v/playlist.m3u8"):
        with pytest.raises(ClientError, match="AccessDenied"):
            reader.put_object(Bucket=bucket, Key=key, Body=b"changed")


def test_the_raw_writer_puts_uploads_and_reads_and_copies_nothing(bucket_with_files: S3Access) -> None:
    bucket = bucket_with_files.raw_bucket
    writer = _client(
        bucket_with_files, bucket_with_files.raw_writer_access_key, bucket_with_files.raw_writer_secret_key
    )
    writer.put_object(Bucket=bucket, Key="uploads/w/original.mp4", Body=b"new")
    for key in ("originals/v/a.mp4", "imports/v/a.mp4", "marks/v/deleted-1", "processed/v/playlist.m3u8"):
        with pytest.raises(ClientError, match="AccessDenied"):
            writer.put_object(Bucket=bucket, Key=key, Body=b"changed")
    for source in ("uploads/v/original.mp4", "uploads/no/such.mp4"):
        with pytest.raises(ClientError, match="AccessDenied"):
            writer.get_object(Bucket=bucket, Key=source)
        with pytest.raises(ClientError, match="AccessDenied"):
            writer.copy_object(
                Bucket=bucket, Key="uploads/w/original.mp4", CopySource={"Bucket": bucket, "Key": source}
            )
    with pytest.raises(ClientError, match="AccessDenied"):
        writer.delete_object(Bucket=bucket, Key="uploads/v/original.mp4")
    with pytest.raises(ClientError, match="AccessDenied"):
        writer.list_objects_v2(Bucket=bucket)


def test_the_processed_writer_writes_processed_files_and_reads_no_raw_ones(bucket_with_files: S3Access) -> None:
    bucket = bucket_with_files.processed_bucket
    writer = _client(
        bucket_with_files,
        bucket_with_files.processed_writer_access_key,
        bucket_with_files.processed_writer_secret_key,
    )
    writer.put_object(Bucket=bucket, Key="processed/v/1/segment.ts", Body=b"new")
    with pytest.raises(ClientError, match="AccessDenied"):
        writer.get_object(Bucket=bucket, Key="uploads/v/original.mp4")
    with pytest.raises(ClientError, match="AccessDenied"):
        writer.put_object(Bucket=bucket, Key="uploads/v/original.mp4", Body=b"changed")


def test_the_private_reader_reads_private_files_and_nothing_else(bucket_with_files: S3Access) -> None:
    bucket = bucket_with_files.processed_bucket
    own = _client(bucket_with_files, bucket_with_files.access_key, bucket_with_files.secret_key)
    for key in ("private/v/1-a/000.ts", "withdrawn/v/1-a/000.ts", "marks/v/deleted-1"):
        own.put_object(Bucket=bucket, Key=key, Body=b"of a private video")
    reader = _client(
        bucket_with_files, bucket_with_files.private_reader_access_key, bucket_with_files.private_reader_secret_key
    )
    assert reader.get_object(Bucket=bucket, Key="private/v/1-a/000.ts")["Body"].read() == b"of a private video"
    for key in ("uploads/v/original.mp4", "withdrawn/v/1-a/000.ts", "marks/v/deleted-1"):
        with pytest.raises(ClientError, match="AccessDenied"):
            reader.get_object(Bucket=bucket, Key=key)
    with pytest.raises(ClientError, match="AccessDenied"):
        reader.put_object(Bucket=bucket, Key="private/v/1-a/000.ts", Body=b"changed")
    with pytest.raises(ClientError, match="AccessDenied"):
        reader.delete_object(Bucket=bucket, Key="private/v/1-a/000.ts")
    with pytest.raises(ClientError, match="AccessDenied"):
        reader.list_objects_v2(Bucket=bucket, Prefix="private/")


def _client(reach: S3Access, access_key: str, secret_key: str) -> S3Client:
    return boto3.client(
        "s3",
        endpoint_url=reach.endpoint,
        region_name=reach.region,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        config=Config(s3={"addressing_style": "path"}),
    )


@pytest.fixture
def own_paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path)


@pytest.fixture
def own_ports(own_paths: Paths) -> Ports:
    return Ports(own_paths.root / "ports.json", prefer_fixed=False)


@pytest.fixture
def own_postgres(own_paths: Paths, own_ports: Ports) -> Iterator[str]:
    server = postgres.server(own_paths, own_ports.of(postgres.NAME))
    server.up()
    yield postgres.url(
        own_ports.of(postgres.NAME),
        password=own_paths.secrets().postgres_password,
        role=postgres.SUPERUSER,
        database="postgres",
    )
    server.down()


def test_postgres_comes_back_with_its_data_after_it_was_killed(
    own_paths: Paths, own_ports: Ports, own_postgres: str
) -> None:
    with psycopg.connect(own_postgres, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
    server = postgres.server(own_paths, own_ports.of(postgres.NAME))

    server.process.kill()
    assert not server.process.is_alive()
    assert server.up() == "restarted (had died)"

    with psycopg.connect(own_postgres) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (7,)


def test_a_stopped_server_leaves_no_process_and_no_port(own_paths: Paths, own_ports: Ports) -> None:
    server = etcd.server(own_paths, own_ports)
    assert server.up() == "started"
    pid = server.process.pid()
    assert server.up() == "running"
    assert server.process.pid() == pid

    server.down()

    assert not server.process.is_alive()
    assert not Path(f"/proc/{pid}").exists()
    assert is_free(own_ports.of(etcd.NAME))
    assert is_free(own_ports.of("etcd-peer"))
