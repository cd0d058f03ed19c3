"""A storage on a fresh bucket."""

import pytest

from devstack.s3 import S3Access, client_for
from storage.object_store import Storage
from storage.settings import StorageSettings
from tests.integration.storage.reach import settings_for
from tests.support.contracts.storage_contract import Store


@pytest.fixture
def settings(s3: S3Access) -> StorageSettings:
    return settings_for(s3)


@pytest.fixture
def storage(settings: StorageSettings) -> Storage:
    return Storage(settings)


@pytest.fixture
def store(s3: S3Access, storage: Storage) -> Store:
    client = client_for(s3)

    def put_raw(key: str, body: bytes) -> None:
        client.put_object(Bucket=s3.raw_bucket, Key=key, Body=body, ContentType="video/mp4")

    def remove_raw(key: str) -> None:
        client.delete_object(Bucket=s3.raw_bucket, Key=key)

    def put_processed(key: str, body: bytes) -> None:
        client.put_object(Bucket=s3.processed_bucket, Key=key, Body=body)

    return Store(storage, put_raw, remove_raw, put_processed)
