"""Lists a bucket by folder and by prefix, and removes outputs, independently of any row.

Requests about one video are in storage/object_store.py. controller/audit/ decides what happens to the listed files.
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
    """The files of one store. Every method raises UnavailableError or RefusedError; generators do so at each page."""

    def __init__(self, settings: StorageSettings, clients: Clients | None = None) -> None:
        """Use ``clients``, or make new ones. Makes no request."""
        self._settings = settings
        self._own = (clients or make_clients(settings)).own

    def folder_pages(self, prefix: str) -> Iterator[FolderPage]:
        """List the folders and files directly under ``prefix``, which ends with a slash, in order of names."""
        for page in self._pages(prefix, delimiter="/"):
            folders = (item["Prefix"] for item in page.get("CommonPrefixes", ()))
            # Consoles mark a folder with an object whose key is the prefix itself.
            files = tuple(stored_file(item) for item in page.get("Contents", ()) if item["Key"] != prefix)
            yield FolderPage(tuple(name.removeprefix(prefix).removesuffix("/") for name in folders), files)

    def file_pages(self, prefix: str) -> Iterator[list[StoredFile]]:
        """List every object below ``prefix``, in order of keys."""
        for page in self._pages(prefix, delimiter=""):
            yield [stored_file(item) for item in page.get("Contents", ())]

    def remove_outputs(self, video_id: str, folder: str, *, at_most: int) -> bool:
        """Remove up to ``at_most`` files in the folder of one attempt; return True once none is left."""
        prefix = object_keys.outputs_prefix(video_id, folder)
        with translate_errors("listing a job's outputs"):
            page = self._own.list_objects_v2(Bucket=self._bucket_of(prefix), Prefix=prefix, MaxKeys=at_most)
        for item in page.get("Contents", ()):
            self.remove_file(item["Key"])
        return not page.get("IsTruncated", False)

    def remove_file(self, key: str) -> None:
        """Remove one object; succeeds if it is already gone."""
        # One by one: DeleteObjects sends a checksum that Spaces rejects, whatever the configuration.
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
        if key.startswith((object_keys.PUBLIC_PREFIX, object_keys.WITHDRAWN_PREFIX)):
            return self._settings.processed_bucket
        if key.startswith((object_keys.UPLOADS_PREFIX, object_keys.ORIGINALS_PREFIX, object_keys.MARKS_PREFIX)):
            return self._settings.raw_bucket
        raise ValueError(f"no bucket holds keys like {key!r}")


def stored_file(item: "ObjectTypeDef") -> StoredFile:
    """Return the facts in one line of a listing."""
    return StoredFile(item["Key"], item["Size"], item["LastModified"].astimezone(UTC))
