"""The settings of a store: tests that send nothing to it need no server."""

from storage.settings import StorageSettings

_SETTINGS = {
    "endpoint": "https://tor1.digitaloceanspaces.com",
    "region": "tor1",
    "access_key": "main",
    "secret_key": "main-secret",
    "raw_bucket": "raw",
    "processed_bucket": "done",
    "raw_reader_access_key": "reader",
    "raw_reader_secret_key": "reader-secret",
    "raw_writer_access_key": "uploader",
    "raw_writer_secret_key": "uploader-secret",
    "private_reader_access_key": "viewer",
    "private_reader_secret_key": "viewer-secret",
    "public_base_url": "https://done.tor1.cdn.digitaloceanspaces.com",
}


def storage_settings(**changes: object) -> StorageSettings:
    """Return the settings of buckets at DigitalOcean, with changes."""
    return StorageSettings.model_validate(_SETTINGS | changes)
