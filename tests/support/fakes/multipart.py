"""Multipart uploads in memory, over the originals of a `FakeStorage`."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from urllib.parse import quote

from domain.errors import RefusedError, UnavailableError, UpstreamError
from domain.objects import OpenUpload, SignedUpload, StoredPart
from tests.support.fakes.storage import FakeStorage


@dataclass
class _Upload:
    open: OpenUpload
    content_type: str
    parts: dict[int, tuple[StoredPart, bytes]] = field(default_factory=dict)


class FakeMultipart:
    """Stands in for `storage.multipart.Multipart`. Fails when its storage does."""

    def __init__(self, storage: FakeStorage, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.uploads: dict[str, _Upload] = {}
        self._storage = storage
        self._clock = clock
        self._ids = count(1)
        # While set, nothing is joined.
        self.trouble_joining: UpstreamError | None = None

    def send_part(self, upload_id: str, number: int, body: bytes) -> None:
        """Play the client: send one part."""
        etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
        part = StoredPart(number, etag, len(body), self._clock())
        self.uploads[upload_id].parts[number] = (part, body)

    def put_part(self, key: str, upload_id: str, number: int, body: bytes) -> StoredPart:
        self._raise_trouble()
        if self._upload(key, upload_id) is None:
            raise RefusedError("sending a part: HTTP 404 NoSuchUpload")
        self.send_part(upload_id, number, body)
        return self.uploads[upload_id].parts[number][0]

    def create(self, key: str, *, content_type: str) -> str:
        self._raise_trouble()
        upload_id = f"upload-{next(self._ids)}"
        self.uploads[upload_id] = _Upload(OpenUpload(key, upload_id, self._clock()), content_type)
        return upload_id

    def parts(self, key: str, upload_id: str) -> tuple[StoredPart, ...] | None:
        self._raise_trouble()
        upload = self._upload(key, upload_id)
        return None if upload is None else tuple(part for _, (part, _) in sorted(upload.parts.items()))

    def presign_part(
        self, key: str, upload_id: str, number: int, *, part_bytes: int, expires_seconds: int
    ) -> SignedUpload:
        query = f"upload={upload_id}&part={number}&length={part_bytes}&expires={expires_seconds}"
        expires_at = self._clock() + timedelta(seconds=expires_seconds)
        return SignedUpload("PUT", f"https://raw.storage.test/{quote(key)}?{query}", {}, expires_at)

    def complete(self, key: str, upload_id: str, parts: Sequence[StoredPart], *, rejected: str | None = None) -> None:
        self._raise_trouble()
        if self.trouble_joining is not None:
            raise self.trouble_joining
        upload = self._upload(key, upload_id)
        if upload is None:
            stored = self._storage.raw.get(key)
            is_joined = stored is not None and len(stored.body) == sum(part.file_bytes for part in parts)
            if stored is None or not is_joined or stored.facts.version == rejected:
                raise UnavailableError("joining the parts: the upload is gone")
            return
        held = {number: part for number, (part, _) in upload.parts.items()}
        if any(held.get(part.number) is None or held[part.number].etag != part.etag for part in parts):
            raise UnavailableError("joining the parts: HTTP 400 InvalidPart")
        body = b"".join(upload.parts[part.number][1] for part in parts)
        self._storage.put_raw(key, body, upload.content_type)
        del self.uploads[upload_id]

    def abort(self, key: str, upload_id: str) -> None:
        self._raise_trouble()
        if self._upload(key, upload_id) is not None:
            del self.uploads[upload_id]

    def open_uploads(self, prefix: str) -> Iterator[list[OpenUpload]]:
        self._raise_trouble()
        found = [upload.open for upload in self.uploads.values() if upload.open.key.startswith(prefix)]
        yield sorted(found, key=lambda upload: (upload.key, upload.upload_id))

    def _upload(self, key: str, upload_id: str) -> _Upload | None:
        upload = self.uploads.get(upload_id)
        return upload if upload is not None and upload.open.key == key else None

    def _raise_trouble(self) -> None:
        if self._storage.error is not None:
            raise self._storage.error
