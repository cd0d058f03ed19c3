"""An object store in memory, under the real rules for sources and outputs."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from domain import object_keys
from domain.captions import CaptionTrack, playlist_name, text_name
from domain.errors import RefusedError, UnavailableError, UpstreamError
from domain.marks import Marks, marks_of
from domain.objects import (
    ExpectedExtras,
    FolderPage,
    ObjectFacts,
    OutputsProblem,
    SignedDownload,
    SignedUpload,
    SourceProblem,
    StoredFile,
    VerifiedOutputs,
)
from domain.playback import with_uris
from domain.video import Published, SourceFacts
from storage.object_store import CAPTIONS_TYPE, PLAYLIST_TYPE, POSTER_TYPE
from storage.presign import attachment
from storage.verify.outputs import Outputs, judge_outputs
from storage.verify.source import judge_source


@dataclass(frozen=True)
class StoredObject:
    """One object and its facts."""

    body: bytes
    facts: ObjectFacts


class FakeStorage:
    """Stands in for `storage.object_store.Storage` and `storage.listing.Inventory`.

    ``error``, while set, is what every call that would use the network raises; ``read_only`` refuses posters,
    ``keeps_originals`` their removal; ``loses_playlists`` takes stable ones and shows none.
    ``raw`` and ``processed`` may be changed freely; the put methods fill them. ``marked`` is the part of the
    raw bucket that holds the marks; ``takes_no_marks`` refuses them. ``timestamp``: where the clock of streams begins.
    """

    def __init__(self, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.raw: dict[str, StoredObject] = {}
        self.processed: dict[str, StoredObject] = {}
        self.marked: dict[str, StoredObject] = {}
        self.takes_no_marks = False
        self.error: UpstreamError | None = None
        self.read_only = False
        self.keeps_originals = False
        self.loses_playlists = False
        self.copies = 0
        self.copies_nothing = False
        self.timestamp: int | None = 126_000
        self._clock = clock

    def put_raw(self, key: str, body: bytes, content_type: str = "video/mp4") -> None:
        """Store an original, as a client does."""
        self.raw[key] = self._object(body, content_type)

    def put_processed(self, key: str, body: bytes, content_type: str = "") -> None:
        """Store an output, as a job does."""
        self.processed[key] = self._object(body, content_type)

    def put_outputs(self, video_id: str, folder: str, files: Mapping[str, bytes], *, is_private: bool = False) -> None:
        """Store a job's outputs by path below its folder; `tests.support.fakes.videos.stream` makes them."""
        for path, body in files.items():
            self.put_processed(object_keys.outputs_prefix(video_id, folder, is_private=is_private) + path, body)

    def presign_upload(
        self,
        key: str,
        *,
        content_type: str,
        declared_bytes: int | None,
        expires_seconds: int,
        content_md5: str | None = None,
    ) -> SignedUpload:
        url = f"https://raw.storage.test/{quote(key)}?length={declared_bytes}&expires={expires_seconds}"
        expires_at = self._clock() + timedelta(seconds=expires_seconds)
        checksum = {} if content_md5 is None else {"Content-MD5": content_md5}
        return SignedUpload("PUT", url, {"Content-Type": content_type, **checksum}, expires_at)

    def keep_original(self, key: str, kept_key: str, *, etag: str, file_bytes: int) -> None:
        self._raise_trouble()
        if self.copies_nothing:
            raise UnavailableError("copying the original: HTTP 503")
        stored = self.raw.get(key)
        if stored is None or (stored.facts.etag, stored.facts.file_bytes) != (etag, file_bytes):
            raise UnavailableError("copying the original: it was replaced")
        copy = self._object(stored.body, stored.facts.content_type)
        # S3 gives another ETag to the copy of a file that was sent in parts.
        self.raw[kept_key] = replace(copy, facts=replace(copy.facts, etag=f"{copy.facts.etag}-copied"))
        self.copies += 1

    def kept_originals(self, video_id: str) -> list[str]:
        self._raise_trouble()
        files = sorted(self._files(object_keys.kept_prefix(video_id)), key=lambda file: file.last_modified)
        return [file.key for file in reversed(files)]

    def marks(self, video_id: str) -> Marks:
        self._raise_trouble()
        return marks_of(video_id, self._files(object_keys.marks_prefix(video_id)))

    def mark_attempt(self, video_id: str, folder: str) -> None:
        self._mark(object_keys.attempt_mark_key(video_id, folder))

    def unmark_attempt(self, video_id: str, folder: str) -> None:
        self.remove_file(object_keys.attempt_mark_key(video_id, folder))

    def mark_job(self, video_id: str, attempt: int, job_id: str) -> None:
        self._mark(object_keys.job_mark_key(video_id, attempt, job_id))

    def mark_deleted(self, video_id: str, revision: int) -> None:
        self._mark(object_keys.deletion_mark_key(video_id, revision))

    def unmark_deleted(self, video_id: str) -> None:
        self._raise_trouble()
        for file in self._files(object_keys.deletion_marks_prefix(video_id)):
            del self.marked[file.key]

    def output_folders(self, video_id: str) -> list[str]:
        prefixes = object_keys.stream_prefixes(video_id)
        return [name for prefix in prefixes for page in self.folder_pages(prefix) for name in page.folders]

    def _mark(self, key: str) -> None:
        self._raise_trouble()
        if self.takes_no_marks:
            raise RefusedError("writing a mark: HTTP 403 AccessDenied")
        self.marked[key] = self._object(b"", "")

    def presign_source(self, key: str, *, expires_seconds: int) -> str:
        return f"https://raw.storage.test/{quote(key)}?expires={expires_seconds}"

    def presign_download(self, key: str, *, filename: str, expires_seconds: int) -> SignedDownload:
        url = f"https://raw.storage.test/{quote(key)}?name={quote(attachment(filename))}&expires={expires_seconds}"
        return SignedDownload(url, self._clock() + timedelta(seconds=expires_seconds))

    def head(self, key: str) -> ObjectFacts | None:
        self._raise_trouble()
        stored = self.raw.get(key)
        return stored.facts if stored else None

    def verify_source(
        self,
        key: str,
        facts: ObjectFacts,
        *,
        declared_bytes: int | None,
        max_bytes: int,
        max_seconds: float | None = None,
    ) -> SourceFacts | SourceProblem:
        def read(offset: int, length: int) -> bytes:
            self._raise_trouble()
            stored = self.raw.get(key)
            if stored is None or stored.facts.etag != facts.etag:
                raise UnavailableError("reading the original: it was replaced")
            return stored.body[offset : offset + length]

        return judge_source(read, facts, declared_bytes=declared_bytes, max_bytes=max_bytes, max_seconds=max_seconds)

    def verify_outputs(
        self,
        video_id: str,
        folder: str,
        *,
        input_seconds: float | None,
        extras: ExpectedExtras | None = None,
        is_private: bool = False,
    ) -> VerifiedOutputs | OutputsProblem:
        self._raise_trouble()
        prefix = object_keys.outputs_prefix(video_id, folder, is_private=is_private)
        sizes = {key: len(stored.body) for key, stored in self.processed.items() if key.startswith(prefix)}
        outputs = Outputs(sizes, lambda key: self.processed[key].body.decode(errors="replace"))
        return judge_outputs(
            video_id, folder, outputs, input_seconds=input_seconds, extras=extras, is_private=is_private
        )

    def verify_published(
        self, video_id: str, published: Published, *, is_private: bool
    ) -> VerifiedOutputs | OutputsProblem:
        return self.verify_outputs(
            video_id,
            published.folder,
            input_seconds=published.duration_seconds,
            extras=ExpectedExtras.of_published(published),
            is_private=is_private,
        )

    def publish_poster(self, video_id: str, poster_key: str, *, is_private: bool = False) -> None:
        self._raise_trouble()
        if self.read_only:
            raise UnavailableError("publishing the poster: it takes no writes")
        if poster_key not in self.processed:
            raise UnavailableError("publishing the poster: the thumbnail is gone")
        key = object_keys.stable_poster_key(video_id, is_private=is_private)
        self.put_processed(key, self.processed[poster_key].body, POSTER_TYPE)

    def write_playlist(self, video_id: str, text: str, *, is_private: bool = False) -> None:
        self._raise_trouble()
        if self.loses_playlists:
            return
        self.put_processed(
            object_keys.stable_playlist_key(video_id, is_private=is_private), text.encode(), PLAYLIST_TYPE
        )

    def read_playlist(self, video_id: str, *, is_private: bool = False) -> str | None:
        self._raise_trouble()
        stored = self.processed.get(object_keys.stable_playlist_key(video_id, is_private=is_private))
        return stored.body.decode(errors="replace") if stored else None

    def write_captions(
        self, video_id: str, track: CaptionTrack, *, text: str, playlist: str, is_private: bool = False
    ) -> None:
        self._raise_trouble()
        prefix = object_keys.captions_prefix(video_id, is_private=is_private)
        self.put_processed(prefix + text_name(track), text.encode(), CAPTIONS_TYPE)
        self.put_processed(prefix + playlist_name(track), playlist.encode(), PLAYLIST_TYPE)

    def write_poster(self, video_id: str, name: str, picture: bytes, *, is_private: bool = False) -> None:
        self._raise_trouble()
        self.put_processed(object_keys.posters_prefix(video_id, is_private=is_private) + name, picture, POSTER_TYPE)

    def remove_poster_file(self, video_id: str, name: str, *, is_private: bool = False) -> None:
        self.remove_file(object_keys.posters_prefix(video_id, is_private=is_private) + name)

    def poster_files(self, video_id: str, *, is_private: bool = False) -> set[str]:
        self._raise_trouble()
        prefix = object_keys.posters_prefix(video_id, is_private=is_private)
        return {key.removeprefix(prefix) for key in self.processed if key.startswith(prefix)}

    def remove_caption_file(self, video_id: str, name: str, *, is_private: bool = False) -> None:
        self.remove_file(object_keys.captions_prefix(video_id, is_private=is_private) + name)

    def caption_files(self, video_id: str, *, is_private: bool = False) -> set[str]:
        self._raise_trouble()
        prefix = object_keys.captions_prefix(video_id, is_private=is_private)
        return {key.removeprefix(prefix) for key, stored in self.processed.items() if key.startswith(prefix)}

    def first_timestamp(self, video_id: str, uri: str, *, is_private: bool = False) -> int | None:
        self._raise_trouble()
        del video_id, uri, is_private
        return self.timestamp

    def signed_playlist(self, video_id: str, path: str, *, signed_at: datetime, ends_at: datetime) -> str | None:
        self._raise_trouble()
        key = object_keys.video_prefix(video_id, is_private=True) + path
        stored = self.processed.get(key)
        if stored is None:
            return None
        directory = path.rpartition("/")[0]

        def url(uri: str) -> str:
            return self.presign_private(video_id, f"{directory}/{uri}", signed_at=signed_at, ends_at=ends_at)

        return with_uris(stored.body.decode(), url)

    def presign_private(self, video_id: str, path: str, *, signed_at: datetime, ends_at: datetime) -> str:
        key = object_keys.video_prefix(video_id, is_private=True) + path
        times = f"signed={signed_at:%Y%m%dT%H%M%SZ}&ends={ends_at:%Y%m%dT%H%M%SZ}"
        return f"https://processed.storage.test/{quote(key)}?{times}"

    def remove_published(self, video_id: str, *, is_private: bool = False) -> None:
        self._raise_trouble()
        self.processed.pop(object_keys.stable_playlist_key(video_id, is_private=is_private), None)
        self.processed.pop(object_keys.stable_poster_key(video_id, is_private=is_private), None)

    def is_readable(self, video_id: str) -> bool:
        self._raise_trouble()
        return any(key.startswith(object_keys.stream_prefixes(video_id)) for key in self.processed)

    def has_stream(self, video_id: str, *, is_private: bool) -> bool:
        self._raise_trouble()
        prefix = object_keys.video_prefix(video_id, is_private=is_private)
        return any(key.startswith(prefix) for key in self.processed)

    def has_withdrawn(self, video_id: str) -> bool:
        self._raise_trouble()
        return any(key.startswith(object_keys.withdrawn_prefix(video_id)) for key in self.processed)

    def withdraw(self, video_id: str, *, at_most: int) -> bool:
        target = object_keys.withdrawn_prefix(video_id)
        return all(self._move(prefix, target, at_most) for prefix in object_keys.stream_prefixes(video_id))

    def bring_back(self, video_id: str, *, at_most: int, is_private: bool = False) -> bool:
        target = object_keys.video_prefix(video_id, is_private=is_private)
        return self._move(object_keys.withdrawn_prefix(video_id), target, at_most)

    def copy_stream(self, video_id: str, *, is_private: bool, at_most: int) -> bool:
        self._raise_trouble()
        found = self._with_copies(video_id, is_private=is_private)
        missing = [
            (key, target)
            for key, target in found
            if target not in self.processed
            or self.processed[target].facts.file_bytes != self.processed[key].facts.file_bytes
            or self.processed[target].facts.last_modified < self.processed[key].facts.last_modified
        ]
        for key, target in missing[:at_most]:
            self._copy(key, target)
        return not missing

    def gather_stream(self, video_id: str, *, is_private: bool, at_most: int) -> bool:
        self._raise_trouble()
        found = self._with_copies(video_id, is_private=is_private)
        for key, target in found[:at_most]:
            if target not in self.processed:
                self._copy(key, target)
            del self.processed[key]
        return not found

    def _with_copies(self, video_id: str, *, is_private: bool) -> list[tuple[str, str]]:
        source = object_keys.video_prefix(video_id, is_private=not is_private)
        target = object_keys.video_prefix(video_id, is_private=is_private)
        keys = sorted(key for key in self.processed if key.startswith(source))
        return [(key, target + key.removeprefix(source)) for key in keys]

    def _copy(self, key: str, target: str) -> None:
        stored = self.processed[key]
        self.put_processed(target, stored.body, stored.facts.content_type)

    def _move(self, source: str, target: str, at_most: int) -> bool:
        self._raise_trouble()
        found = sorted(key for key in self.processed if key.startswith(source))
        for key in found[:at_most]:
            self.processed[target + key.removeprefix(source)] = self.processed.pop(key)
        return len(found) <= at_most

    def remove_original(self, key: str) -> None:
        self._raise_trouble()
        if self.keeps_originals:
            raise RefusedError("removing a file: HTTP 403 AccessDenied")
        self.raw.pop(key, None)

    def remove_originals(self, video_id: str, *, before: datetime, at_most: int) -> bool:
        self._raise_trouble()
        prefixes = (object_keys.original_prefix(video_id), object_keys.kept_prefix(video_id))
        found = [key for key in self.raw if key.startswith(prefixes)]
        for key in found[:at_most]:
            if self.raw[key].facts.last_modified <= before:
                del self.raw[key]
        return len(found) < at_most

    def remove_video(self, video_id: str, *, at_most: int) -> bool:
        self._raise_trouble()
        written = {
            **dict.fromkeys(object_keys.stream_prefixes(video_id), self.processed),
            object_keys.withdrawn_prefix(video_id): self.processed,
            object_keys.original_prefix(video_id): self.raw,
            object_keys.kept_prefix(video_id): self.raw,
            object_keys.marks_prefix(video_id): self.marked,
        }
        for prefix, store in written.items():
            for key in [key for key in store if key.startswith(prefix)][:at_most]:
                del store[key]
                at_most -= 1
        return at_most > 0

    def folder_pages(self, prefix: str) -> Iterator[FolderPage]:
        self._raise_trouble()
        folders: set[str] = set()
        files: list[StoredFile] = []
        for file in self._files(prefix):
            name, slash, _ = file.key.removeprefix(prefix).partition("/")
            if slash:
                folders.add(name)
            elif name:
                files.append(file)
        yield FolderPage(tuple(sorted(folders)), tuple(files))

    def file_pages(self, prefix: str) -> Iterator[list[StoredFile]]:
        self._raise_trouble()
        yield self._files(prefix)

    def remove_outputs(self, video_id: str, folder: str, *, at_most: int, is_private: bool = False) -> bool:
        self._raise_trouble()
        found = self._files(object_keys.outputs_prefix(video_id, folder, is_private=is_private))
        for file in found[:at_most]:
            del self.processed[file.key]
        return len(found) <= at_most

    def remove_file(self, key: str) -> None:
        self._raise_trouble()
        self._store_of(key).pop(key, None)

    def _files(self, prefix: str) -> list[StoredFile]:
        store = sorted(self._store_of(prefix).items())
        facts = {key: stored.facts for key, stored in store if key.startswith(prefix)}
        return [StoredFile(key, fact.file_bytes, fact.last_modified) for key, fact in facts.items()]

    def _store_of(self, key: str) -> dict[str, StoredObject]:
        if key.startswith(object_keys.MARKS_PREFIX):
            return self.marked
        processed = (object_keys.PUBLIC_PREFIX, object_keys.PRIVATE_PREFIX, object_keys.WITHDRAWN_PREFIX)
        if not key.startswith((*processed, object_keys.UPLOADS_PREFIX, object_keys.ORIGINALS_PREFIX)):
            raise ValueError(f"no bucket holds keys like {key!r}")
        return self.processed if key.startswith(processed) else self.raw

    def _object(self, body: bytes, content_type: str) -> StoredObject:
        etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
        return StoredObject(body, ObjectFacts(etag, self._clock(), len(body), content_type))

    def _raise_trouble(self) -> None:
        if self.error is not None:
            raise self.error
