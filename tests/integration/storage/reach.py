"""The storage settings for the tests' S3 server."""

from devstack.s3 import S3Access
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
        "public_base_url": f"{s3.endpoint}/{s3.processed_bucket}",
        "addressing_style": "path",
        "acl": "none",
    }
    return StorageSettings.model_validate(defaults | changes)
