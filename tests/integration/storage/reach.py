"""How tests reach the S3 server, and what they record of it."""

from collections.abc import Mapping

import pytest

from devstack.s3 import S3Access
from storage.client import Clients
from storage.settings import StorageSettings


def settings_for(s3: S3Access, **changes: str) -> StorageSettings:
    """Return the settings of a process that uses this server, with changes."""
    defaults = {
        "endpoint": s3.endpoint,
        "region": s3.region,
        "access_key": s3.access_key,
        "secret_key": s3.secret_key,
        "raw_bucket": s3.raw_bucket,
        "processed_bucket": s3.processed_bucket,
        "raw_reader_access_key": s3.raw_reader_access_key,
        "raw_reader_secret_key": s3.raw_reader_secret_key,
        "raw_writer_access_key": s3.raw_writer_access_key,
        "raw_writer_secret_key": s3.raw_writer_secret_key,
        "processed_writer_access_key": s3.processed_writer_access_key,
        "processed_writer_secret_key": s3.processed_writer_secret_key,
        "private_reader_access_key": s3.private_reader_access_key,
        "private_reader_secret_key": s3.private_reader_secret_key,
        "public_base_url": f"{s3.endpoint}/{s3.processed_bucket}",
        "addressing_style": "path",
        "acl": "none",
    }
    return StorageSettings.model_validate(defaults | changes)


def acls_of_copies(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str | None]]:
    """Record the copies from now on: the first folder of each copy's key, and its ACL, None without one."""
    sent: list[tuple[str, str | None]] = []
    copy = clients.session.copy

    def record(bucket: str, source_key: str, key: str, headers: Mapping[str, str]) -> None:
        sent.append((key.split("/", maxsplit=1)[0], headers.get("x-amz-acl")))
        copy(bucket, source_key, key, headers)

    monkeypatch.setattr(clients.session, "copy", record)
    return sent
