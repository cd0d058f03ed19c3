"""Storage against a real S3 server with three keys and one bucket."""

import pytest

from devstack.s3 import S3Access, client_for
from spaces.settings import SpacesSettings
from spaces.storage import Storage
from tests.contracts.storage_contract import StorageContract, Store


def settings_for(s3: S3Access, **changes: object) -> SpacesSettings:
    known = {
        "endpoint": s3.endpoint,
        "region": s3.region,
        "access_key": s3.access_key,
        "secret_key": s3.secret_key,
        "raw_bucket": s3.raw_bucket,
        "processed_bucket": s3.processed_bucket,
        "raw_reader_access_key": s3.raw_reader_access_key,
        "raw_reader_secret_key": s3.raw_reader_secret_key,
        "processed_writer_access_key": s3.processed_writer_access_key,
        "processed_writer_secret_key": s3.processed_writer_secret_key,
        "public_base_url": f"{s3.endpoint}/{s3.processed_bucket}",
        "addressing_style": "path",
        "acl": "none",
    }
    return SpacesSettings.model_validate(known | changes)


@pytest.fixture
def storage(s3: S3Access) -> Storage:
    return Storage(settings_for(s3))


class TestStorage(StorageContract):
    @pytest.fixture
    def store(self, s3: S3Access, storage: Storage) -> Store:
        client = client_for(s3)

        def put_raw(key: str, body: bytes) -> None:
            client.put_object(Bucket=s3.raw_bucket, Key=key, Body=body, ContentType="video/mp4")

        def remove_raw(key: str) -> None:
            client.delete_object(Bucket=s3.raw_bucket, Key=key)

        def put_processed(key: str, body: bytes) -> None:
            client.put_object(Bucket=s3.processed_bucket, Key=key, Body=body)

        return Store(storage, put_raw, remove_raw, put_processed)
