"""Lists a bucket by folder and by prefix, and removes outputs, independently of any row.

Requests about one video are in storage/object_store.py. controller/audit/ decides what happens to the listed files.
"""

from collections.abc import Iterator

from domain import object_keys
from domain.objects import FolderPage, StoredFile
from storage.client import Clients, make_clients, translate_errors
from storage.settings import StorageSettings
from storage.signed_session import ListingPage


class Inventory:
    """The files of one store. Every method raises UnavailableError or RefusedError; generators do so at each page."""

    def __init__(self, settings: StorageSettings, clients: Clients | None = None) -> None:
        """Use ``clients``, or make new ones. Makes no request."""
        self._settings = settings
        self._session = (clients or make_clients(settings)).session

    def folder_pages(self, prefix: str) -> Iterator[FolderPage]:
        """List the folders and files directly under ``prefix``, which ends with a slash, in order of names."""
        for page in self._pages(prefix, delimiter="/"):
            # Consoles mark a folder with an object whose key is the prefix itself.
            files = tuple(file for file in page.files if file.key != prefix)
            yield FolderPage(tuple(name.removeprefix(prefix).removesuffix("/") for name in page.prefixes), files)

    def file_pages(self, prefix: str) -> Iterator[list[StoredFile]]:
        """List every object below ``prefix``, in order of keys."""
        for page in self._pages(prefix, delimiter=""):
            yield list(page.files)

    def remove_outputs(self, video_id: str, folder: str, *, at_most: int, is_private: bool = False) -> bool:
        """Remove up to ``at_most`` files in the folder of one attempt; return True once none is left."""
        prefix = object_keys.outputs_prefix(video_id, folder, is_private=is_private)
        with translate_errors("listing a job's outputs"):
            page = self._session.page(self._bucket_of(prefix), prefix, at_most=at_most)
        for file in page.files:
            self.remove_file(file.key)
        return not page.is_truncated

    def remove_file(self, key: str) -> None:
        """Remove one object; succeeds if it is already gone."""
        # One by one: DeleteObjects sends a checksum that Spaces rejects, whatever the configuration.
        with translate_errors("removing a file"):
            self._session.delete(self._bucket_of(key), key)

    def _pages(self, prefix: str, *, delimiter: str) -> Iterator[ListingPage]:
        pages = self._session.pages(self._bucket_of(prefix), prefix, delimiter=delimiter)
        while True:
            with translate_errors("listing the bucket"):
                page = next(pages, None)
            if page is None:
                return
            yield page

    def _bucket_of(self, key: str) -> str:
        if key.startswith((object_keys.PUBLIC_PREFIX, object_keys.PRIVATE_PREFIX, object_keys.WITHDRAWN_PREFIX)):
            return self._settings.processed_bucket
        if key.startswith((object_keys.UPLOADS_PREFIX, object_keys.ORIGINALS_PREFIX, object_keys.MARKS_PREFIX)):
            return self._settings.raw_bucket
        raise ValueError(f"no bucket holds keys like {key!r}")
