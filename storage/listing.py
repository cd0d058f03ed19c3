"""What there is in the bucket, whoever it belongs to: listings by folder and by prefix, and the removal of outputs.

Everything that is asked by video is in storage.py. What is to become of what is found is judged in controller/audit/.
"""

from collections.abc import Iterator
from datetime import UTC
from typing import TYPE_CHECKING, Any

from domain import object_keys
from domain.objects import FolderPage, StoredFile
from storage.client import Clients, make_clients, translate_errors
from storage.settings import StorageSettings

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import ListObjectsV2OutputTypeDef, ObjectTypeDef


class Inventory:
    """One object store. Every method raises UnavailableError or RefusedError; a generator, at each page."""

    def __init__(self, settings: StorageSettings, clients: Clients | None = None) -> None:
        """Make the clients unless there are some to share; nothing is asked yet."""
        self._settings = settings
        self._own = (clients or make_clients(settings)).own

    def folder_pages(self, prefix: str) -> Iterator[FolderPage]:
        """Walk through what lies directly under ``prefix``, which ends with a slash, in order of names."""
        for page in self._pages(prefix, delimiter="/"):
            found = (item["Prefix"] for item in page.get("CommonPrefixes", ()))
            # A console marks a folder by an object that is named like it.
            files = tuple(_file(item) for item in page.get("Contents", ()) if item["Key"] != prefix)
            yield FolderPage(tuple(name.removeprefix(prefix).removesuffix("/") for name in found), files)

    def file_pages(self, prefix: str) -> Iterator[list[StoredFile]]:
        """Walk through every object below ``prefix``, in order of keys."""
        for page in self._pages(prefix, delimiter=""):
            yield [_file(item) for item in page.get("Contents", ())]

    def remove_outputs(self, video_id: str, attempt: int, *, at_most: int) -> bool:
        """Remove some of what one attempt's job wrote; tells whether nothing is left."""
        prefix = object_keys.outputs_prefix(video_id, attempt)
        with translate_errors("listing a job's outputs"):
            page = self._own.list_objects_v2(Bucket=self._bucket_of(prefix), Prefix=prefix, MaxKeys=at_most)
        for item in page.get("Contents", ()):
            self.remove_file(item["Key"])
        return not page.get("IsTruncated", False)

    def remove_file(self, key: str) -> None:
        """Remove one object. One that is gone already is no trouble."""
        # One by one: DeleteObjects carries a checksum that Spaces refuses, whatever the configuration.
        with translate_errors("removing a file"):
            self._own.delete_object(Bucket=self._bucket_of(key), Key=key)

    def _pages(self, prefix: str, *, delimiter: str) -> "Iterator[ListObjectsV2OutputTypeDef]":
        request: dict[str, Any] = {"Bucket": self._bucket_of(prefix), "Prefix": prefix, "Delimiter": delimiter}
        is_done = False
        while not is_done:
            with translate_errors("listing the bucket"):
                page = self._own.list_objects_v2(**request)
            yield page
            is_done = not page.get("IsTruncated", False)
            request["ContinuationToken"] = page.get("NextContinuationToken", "")

    def _bucket_of(self, key: str) -> str:
        if key.startswith(object_keys.PUBLIC_PREFIX):
            return self._settings.processed_bucket
        if key.startswith(object_keys.ORIGINALS_PREFIX):
            return self._settings.raw_bucket
        raise ValueError(f"no bucket holds keys like {key!r}")


def _file(item: "ObjectTypeDef") -> StoredFile:
    return StoredFile(item["Key"], item["Size"], item["LastModified"].astimezone(UTC))
