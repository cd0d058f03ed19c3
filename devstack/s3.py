"""A real S3 server: versitygw on a directory, with a bucket that is public only below processed/, and five keys.

As in production the main key may do everything, one key only reads originals (it signs the URL that Coconut fetches),
one only puts uploads (it signs those of clients), one only writes processed files (it is in every job), and one only
reads private files (it signs the URLs in their playlists). versitygw refuses what a key was not granted
(tests/integration/devstack/test_servers.py).
"""

import json
import os
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from mypy_boto3_s3 import S3Client

from devstack.http_probe import is_serving
from devstack.paths import Paths
from devstack.ports import HOST
from devstack.process import Command
from devstack.server import PartFailedError, Server
from devstack.tools import tool

NAME = "s3"
REGION = "us-east-1"
ACCESS_KEY = "video-uploads"
RAW_READER = "raw-reader"
RAW_WRITER = "raw-writer"
PROCESSED_WRITER = "processed-writer"
PRIVATE_READER = "private-reader"

_HEALTH = "/_health"  # an underscore cannot begin a bucket's name


@dataclass(frozen=True)
class S3Access:
    """The server, keys and buckets of the object storage."""

    endpoint: str
    region: str
    access_key: str
    secret_key: str
    raw_reader_access_key: str
    raw_reader_secret_key: str
    raw_writer_access_key: str
    raw_writer_secret_key: str
    processed_writer_access_key: str
    processed_writer_secret_key: str
    private_reader_access_key: str
    private_reader_secret_key: str
    raw_bucket: str
    processed_bucket: str


def access(paths: Paths, port: int, *, bucket: str) -> S3Access:
    """Return the access to the local server. It has one bucket: the harder layout to keep private."""
    secrets = paths.secrets()
    return S3Access(
        endpoint=f"http://{HOST}:{port}",
        region=REGION,
        access_key=ACCESS_KEY,
        secret_key=secrets.s3_secret_key,
        raw_reader_access_key=RAW_READER,
        raw_reader_secret_key=secrets.s3_raw_reader_secret_key,
        raw_writer_access_key=RAW_WRITER,
        raw_writer_secret_key=secrets.s3_raw_writer_secret_key,
        processed_writer_access_key=PROCESSED_WRITER,
        processed_writer_secret_key=secrets.s3_processed_writer_secret_key,
        private_reader_access_key=PRIVATE_READER,
        private_reader_secret_key=secrets.s3_private_reader_secret_key,
        raw_bucket=bucket,
        processed_bucket=bucket,
    )


def server(paths: Paths, port: int) -> Server:
    """Return the S3 server of one stack."""
    files, accounts, sidecar = (paths.data(NAME) / name for name in ("files", "accounts", "metadata"))
    files.mkdir(parents=True, exist_ok=True)
    accounts.mkdir(mode=0o700, exist_ok=True)  # versitygw stores the secrets of its keys here
    storage = ["posix", str(files)]
    if not _keeps_attributes(files):
        sidecar.mkdir(exist_ok=True)
        storage = ["posix", "--sidecar", str(sidecar), str(files)]
    argv = [
        str(tool("versitygw")),
        f"--port={HOST}:{port}",
        f"--region={REGION}",
        f"--iam-dir={accounts}",
        # Its cache (1.8.0) names keys by text in buffers that later requests overwrite: once entries expired, after
        # two minutes, a key is found under another of the same length, and its signatures are refused.
        "--iam-cache-disable",
        "--keep-alive",
        f"--health={_HEALTH}",
        "--quiet",
        *storage,
    ]
    root = {"ROOT_ACCESS_KEY": ACCESS_KEY, "ROOT_SECRET_KEY": paths.secrets().s3_secret_key}
    return Server(
        process=paths.process(NAME),
        command=Command(argv, root, paths.root),
        is_ready=lambda: is_serving(f"http://{HOST}:{port}{_HEALTH}"),
        address=f"http://{HOST}:{port}",
    )


def create_accounts(reach: S3Access, *, program: str | None = None) -> None:
    """Create the four limited keys unless they exist. ``program`` is an installed versitygw."""
    environment = {"ADMIN_ACCESS_KEY": reach.access_key, "ADMIN_SECRET_KEY": reach.secret_key}
    admin = [program or str(tool("versitygw")), "admin", "--region", reach.region, "--endpoint-url", reach.endpoint]

    def run(*arguments: str) -> str:
        done = subprocess.run([*admin, *arguments], env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise PartFailedError(f"versitygw admin {arguments[0]}: {done.stderr.strip()}")
        return done.stdout

    existing = run("list-users").split()
    for name, secret in (
        (reach.raw_reader_access_key, reach.raw_reader_secret_key),
        (reach.raw_writer_access_key, reach.raw_writer_secret_key),
        (reach.processed_writer_access_key, reach.processed_writer_secret_key),
        (reach.private_reader_access_key, reach.private_reader_secret_key),
    ):
        if name not in existing:
            run("create-user", "--access", name, "--secret", secret, "--role", "user")


def create_bucket(reach: S3Access, *, allowed_origins: Sequence[str]) -> None:
    """Create the bucket and set its policy and CORS rules; safe to repeat."""
    client = client_for(reach)
    try:
        client.create_bucket(Bucket=reach.raw_bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] not in {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}:
            raise
    client.put_bucket_policy(Bucket=reach.raw_bucket, Policy=json.dumps(policy(reach)))
    client.put_bucket_cors(
        Bucket=reach.raw_bucket,
        CORSConfiguration={
            "CORSRules": [
                {
                    "AllowedOrigins": list(allowed_origins),
                    "AllowedMethods": ["PUT", "GET", "HEAD"],
                    "AllowedHeaders": ["*"],
                    "ExposeHeaders": ["ETag", "Content-Length", "Content-Range"],
                    "MaxAgeSeconds": 3000,
                }
            ]
        },
    )


def client_for(reach: S3Access) -> S3Client:
    """Return a client with the main key."""
    return boto3.client(
        "s3",
        endpoint_url=reach.endpoint,
        region_name=reach.region,
        aws_access_key_id=reach.access_key,
        aws_secret_access_key=reach.secret_key,
        config=Config(
            signature_version="s3v4",
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={"addressing_style": "path"},
            connect_timeout=3,
            read_timeout=10,
        ),
    )


def policy(reach: S3Access) -> dict[str, object]:
    """Return the bucket's policy; docs/examples/bucket-policy.json is the same for other stores."""

    def allow(principal: object, actions: list[str], prefixes: list[str]) -> dict[str, object]:
        resources = [f"arn:aws:s3:::{reach.raw_bucket}/{prefix}/*" for prefix in prefixes]
        return {"Effect": "Allow", "Principal": principal, "Action": actions, "Resource": resources}

    writer = ["s3:PutObject", "s3:PutObjectAcl", "s3:AbortMultipartUpload"]
    return {
        "Version": "2012-10-17",
        "Statement": [
            allow("*", ["s3:GetObject"], ["processed"]),
            allow({"AWS": [reach.raw_reader_access_key]}, ["s3:GetObject"], ["uploads", "originals", "imports"]),
            allow({"AWS": [reach.raw_writer_access_key]}, ["s3:PutObject"], ["uploads"]),
            allow({"AWS": [reach.processed_writer_access_key]}, writer, ["processed", "private"]),
            allow({"AWS": [reach.private_reader_access_key]}, ["s3:GetObject"], ["private"]),
        ],
    }


def _keeps_attributes(directory: Path) -> bool:
    """Return whether the file system has extended attributes, where versitygw stores ETags and types."""
    with tempfile.NamedTemporaryFile(dir=directory.parent) as probe:
        try:
            os.setxattr(probe.name, "user.probe", b"1")
        except OSError:
            return False
    return True
