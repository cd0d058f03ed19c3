"""Requests about one video's files: signing, metadata, verification, publishing, removal.

The rules for originals and outputs are in storage/verify/; this module only makes the requests.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import datetime
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import ClientError

from domain import object_keys
from domain.captions import CaptionTrack, playlist_name, text_name
from domain.errors import RefusedError, UnavailableError
from domain.marks import Marks, marks_of
from domain.objects import (
    ExpectedExtras,
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
from storage.client import Clients, is_missing, make_clients, translate_errors
from storage.presign import SIGNED_AT_MOST, attachment, expiry, sign
from storage.settings import StorageSettings
from storage.verify.outputs import OBJECTS_MAX, Outputs, judge_outputs
from storage.verify.playlist import PLAYLIST_BYTES_MAX, PlaylistError, key_beside, read_media
from storage.verify.source import judge_source
from storage.verify.tracks.mpeg import first_timestamp

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

    from storage.private_reads import PrivateReads

PLAYLIST_TYPE = "application/vnd.apple.mpegurl"
POSTER_TYPE = "image/jpeg"
CAPTIONS_TYPE = "text/vtt"
# Stable keys are overwritten by new editions, which caches then show after at most this long.
STABLE_CACHE_CONTROL = "max-age=10"
# Tables, then the first packets of picture and sound.
_SEGMENT_HEAD_BYTES = 512 * 1024
# What one CopyObject takes, and the parts of a larger file.
_COPY_BYTES_MAX = 5 * 1000**3
_COPY_PART_BYTES = 1024**3
# A long video has thousands of files, and all of them must be out of reach within a minute.
_MOVES_AT_ONCE = 8
# Some stores take longer for the copy of a larger file than other requests may.
_LARGE_BYTES = 64 * 1024**2

Item = TypeVar("Item")


class Storage:
    """The files of one store, by video. Every method that does not sign raises UnavailableError or RefusedError.

    Thread-safe.
    """

    def __init__(self, settings: StorageSettings, clients: Clients | None = None) -> None:
        """Use ``clients``, or make new ones. Makes no request."""
        self._raw_bucket = settings.raw_bucket
        self._processed_bucket = settings.processed_bucket
        self._acl: Mapping[str, str] = {} if settings.acl is None else {"x-amz-acl": settings.acl}
        self._settings = settings
        self._clients = clients or make_clients(settings)
        self._session = self._clients.session

    def presign_upload(
        self,
        key: str,
        *,
        content_type: str,
        declared_bytes: int | None,
        expires_seconds: int,
        content_md5: str | None = None,
    ) -> SignedUpload:
        """Sign a PUT of this type, and of exactly ``declared_bytes`` bytes if that is not None.

        ``content_md5``: of the file, in base64; then the store refuses every other file.
        """
        signed: dict[str, Any] = {"Bucket": self._raw_bucket, "Key": key, "ContentType": content_type}
        if declared_bytes is not None:
            signed["ContentLength"] = declared_bytes
        headers = {"Content-Type": content_type}
        if content_md5 is not None:
            signed["ContentMD5"] = headers["Content-MD5"] = content_md5
        url = sign(self._clients.upload_signer, "put_object", signed, expires_seconds)
        return SignedUpload("PUT", url, headers, expiry(url))

    def keep_original(self, key: str, kept_key: str, *, etag: str, file_bytes: int) -> None:
        """Copy exactly this version of an upload to a key that no signed URL can write.

        Raises UnavailableError if the upload was replaced or removed meanwhile.
        """
        with translate_errors("copying the original"):
            try:
                if file_bytes <= _COPY_BYTES_MAX:
                    unchanged = {"x-amz-copy-source-if-match": f'"{etag}"'}
                    self._clients.copying.copy(self._raw_bucket, key, kept_key, unchanged)
                else:
                    self._copy_in_parts(key, kept_key, etag, file_bytes)
            except ClientError as error:
                if is_missing(error):
                    raise UnavailableError("copying the original: it is gone") from error
                raise

    def _copy_in_parts(self, key: str, kept_key: str, etag: str, file_bytes: int) -> None:
        source: Any = {"CopySource": {"Bucket": self._raw_bucket, "Key": key}, "CopySourceIfMatch": f'"{etag}"'}
        self._join_copies(source, {"Bucket": self._raw_bucket, "Key": kept_key}, file_bytes, {})

    def _join_copies(self, source: Any, target: Any, file_bytes: int, kept: Mapping[str, Any]) -> None:
        """Copy a file of more than 5 GB. ``kept``: the headers of the copy."""
        copier = self._clients.copier
        parts: list[CompletedPartTypeDef] = []
        # One that stays open after a crash is aborted by controller/actions/multipart_gc.py.
        upload = target | {"UploadId": copier.create_multipart_upload(**target, **kept)["UploadId"]}
        for number, start in enumerate(range(0, file_bytes, _COPY_PART_BYTES), 1):
            last = min(start + _COPY_PART_BYTES, file_bytes) - 1
            part = copier.upload_part_copy(
                **upload, **source, PartNumber=number, CopySourceRange=f"bytes={start}-{last}"
            )
            parts.append({"PartNumber": number, "ETag": part["CopyPartResult"]["ETag"]})
        copier.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})

    def kept_originals(self, video_id: str) -> list[str]:
        """Return the keys of the originals that were kept for a video, newest first."""
        files = self._files(self._raw_bucket, object_keys.kept_prefix(video_id))
        return [file.key for file in sorted(files, key=lambda file: file.last_modified, reverse=True)]

    def marks(self, video_id: str) -> Marks:
        """Return the marks of a video."""
        return marks_of(video_id, self._files(self._raw_bucket, object_keys.marks_prefix(video_id)))

    def mark_attempt(self, video_id: str, folder: str) -> None:
        """Mark that the attempt with this folder is about to be paid for."""
        self._mark(object_keys.attempt_mark_key(video_id, folder))

    def unmark_attempt(self, video_id: str, folder: str) -> None:
        """Remove the mark of an attempt that certainly led to no job."""
        self._remove(self._raw_bucket, object_keys.attempt_mark_key(video_id, folder))

    def mark_job(self, video_id: str, attempt: int, job_id: str) -> None:
        """Mark that a job was accepted for the attempt."""
        self._mark(object_keys.job_mark_key(video_id, attempt, job_id))

    def mark_deleted(self, video_id: str, revision: int) -> None:
        """Mark that this revision of the desired state deleted the video."""
        self._mark(object_keys.deletion_mark_key(video_id, revision))

    def unmark_deleted(self, video_id: str) -> None:
        """Remove every mark of a deletion."""
        for file in list(self._files(self._raw_bucket, object_keys.deletion_marks_prefix(video_id))):
            self._remove(self._raw_bucket, file.key)

    def output_folders(self, video_id: str) -> list[str]:
        """Return the names of the folders in which jobs have written."""
        folders: list[str] = []
        for prefix in object_keys.stream_prefixes(video_id):
            with translate_errors("listing a video's folders"):
                page = self._session.page(self._processed_bucket, prefix, delimiter="/")
            folders += [name.removeprefix(prefix).removesuffix("/") for name in page.prefixes]
        return folders

    def presign_source(self, key: str, *, expires_seconds: int) -> str:
        """Sign a GET of an original with the read-only key."""
        signed = {"Bucket": self._raw_bucket, "Key": key}
        return sign(self._clients.source_signer, "get_object", signed, expires_seconds)

    def presign_download(self, key: str, *, filename: str, expires_seconds: int) -> SignedDownload:
        """Sign a GET of an original with the read-only key; browsers save the file as ``filename``."""
        signed = {"Bucket": self._raw_bucket, "Key": key, "ResponseContentDisposition": attachment(filename)}
        url = sign(self._clients.source_signer, "get_object", signed, expires_seconds)
        return SignedDownload(url, expiry(url))

    def head(self, key: str) -> ObjectFacts | None:
        """Return the facts of an original, None if it does not exist."""
        with translate_errors("looking for the original"):
            try:
                return self._session.head(self._raw_bucket, key)
            except ClientError as error:
                if is_missing(error):
                    return None
                raise

    def verify_source(
        self,
        key: str,
        facts: ObjectFacts,
        *,
        declared_bytes: int | None,
        max_bytes: int,
        max_seconds: float | None = None,
    ) -> SourceFacts | SourceProblem:
        """Judge the original that ``facts`` describe. Raises UnavailableError if it was replaced since."""

        def read(offset: int, length: int) -> bytes:
            return self._read_source(key, facts.etag, offset, length)

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
        """Judge a job's outputs. ``input_seconds``: the expected duration of the stream, None if unknown."""
        outputs = Outputs(
            self._sizes(object_keys.outputs_prefix(video_id, folder, is_private=is_private)), self._output_text
        )
        return judge_outputs(
            video_id, folder, outputs, input_seconds=input_seconds, extras=extras, is_private=is_private
        )

    def verify_published(
        self, video_id: str, published: Published, *, is_private: bool
    ) -> VerifiedOutputs | OutputsProblem:
        """Judge the outputs of an edition that was published."""
        return self.verify_outputs(
            video_id,
            published.folder,
            input_seconds=published.duration_seconds,
            extras=ExpectedExtras.of_published(published),
            is_private=is_private,
        )

    def publish_poster(self, video_id: str, poster_key: str, *, is_private: bool) -> None:
        """Copy an attempt's thumbnail to the stable key. Raises UnavailableError if the thumbnail is gone."""
        with translate_errors("publishing the poster"):
            try:
                self._session.copy(
                    self._processed_bucket,
                    poster_key,
                    object_keys.stable_poster_key(video_id, is_private=is_private),
                    {"x-amz-metadata-directive": "REPLACE"} | self._published(POSTER_TYPE, is_private=is_private),
                )
            except ClientError as error:
                if is_missing(error):
                    raise UnavailableError("publishing the poster: the thumbnail is gone") from error
                raise

    def write_playlist(self, video_id: str, text: str, *, is_private: bool) -> None:
        """Replace the stable playlist."""
        with translate_errors("writing the stable playlist"):
            key = object_keys.stable_playlist_key(video_id, is_private=is_private)
            headers = self._published(PLAYLIST_TYPE, is_private=is_private)
            self._session.put(self._processed_bucket, key, text.encode(), headers)

    def read_playlist(self, video_id: str, *, is_private: bool = False) -> str | None:
        """Return the stable playlist, None if it does not exist."""
        with translate_errors("reading the stable playlist"):
            try:
                return self._text(object_keys.stable_playlist_key(video_id, is_private=is_private))
            except ClientError as error:
                if is_missing(error):
                    return None
                raise

    def write_captions(self, video_id: str, track: CaptionTrack, *, text: str, playlist: str, is_private: bool) -> None:
        """Write the text of captions, then the media playlist that names it."""
        prefix = object_keys.captions_prefix(video_id, is_private=is_private)
        with translate_errors("writing captions"):
            for name, body, content_type in (
                (text_name(track), text, CAPTIONS_TYPE),
                (playlist_name(track), playlist, PLAYLIST_TYPE),
            ):
                headers = self._published(content_type, is_private=is_private)
                self._session.put(self._processed_bucket, prefix + name, body.encode(), headers)

    def write_poster(self, video_id: str, name: str, picture: bytes, *, is_private: bool) -> None:
        """Write the poster that the owner chose. ``name``: another one for any other picture."""
        with translate_errors("writing the owner's poster"):
            key = object_keys.posters_prefix(video_id, is_private=is_private) + name
            self._session.put(self._processed_bucket, key, picture, self._published(POSTER_TYPE, is_private=is_private))

    def remove_poster_file(self, video_id: str, name: str, *, is_private: bool = False) -> None:
        """Remove a poster that the owner chose; succeeds if it is already gone."""
        self._remove(self._processed_bucket, object_keys.posters_prefix(video_id, is_private=is_private) + name)

    def poster_files(self, video_id: str, *, is_private: bool = False) -> set[str]:
        """Return the names of the first thousand posters that the owner chose: more than passes leave behind."""
        prefix = object_keys.posters_prefix(video_id, is_private=is_private)
        with translate_errors("listing posters"):
            page = self._session.page(self._processed_bucket, prefix)
        return {file.key.removeprefix(prefix) for file in page.files}

    def remove_caption_file(self, video_id: str, name: str, *, is_private: bool = False) -> None:
        """Remove a file of captions; succeeds if it is already gone."""
        self._remove(self._processed_bucket, object_keys.captions_prefix(video_id, is_private=is_private) + name)

    def caption_files(self, video_id: str, *, is_private: bool = False) -> set[str]:
        """Return the names of the files of captions that are not empty."""
        prefix = object_keys.captions_prefix(video_id, is_private=is_private)
        with translate_errors("listing captions"):
            page = self._session.page(self._processed_bucket, prefix)
        return {file.key.removeprefix(prefix) for file in page.files if file.file_bytes > 0}

    def first_timestamp(self, video_id: str, uri: str, *, is_private: bool = False) -> int | None:
        """Return where the clock of a variant's first segment begins, in 1/90,000 s; None if that is not found.

        ``uri``: of the variant's media playlist, relative to the video's prefix.
        """
        key = object_keys.video_prefix(video_id, is_private=is_private) + uri
        with translate_errors("reading a stream's first segment"):
            try:
                segment_key = key_beside(key, read_media(self._text(key)).uris[0])
                head = self._session.read(self._processed_bucket, segment_key, at_most=_SEGMENT_HEAD_BYTES)
            except PlaylistError:
                return None
            except ClientError as error:
                if is_missing(error):
                    raise UnavailableError("reading a stream's first segment: it is gone") from error
                raise
        return first_timestamp(head)

    def signed_playlist(self, video_id: str, path: str, *, signed_at: datetime, ends_at: datetime) -> str | None:
        """Return a media playlist of a private video with a signed URL for every file; None if there is none.

        ``path``: below the video's prefix. The URLs count as signed then, so that equal arguments give equal ones.
        """
        key = object_keys.video_prefix(video_id, is_private=True) + path
        with translate_errors("reading a private playlist"):
            try:
                text = self._text(key)
            except ClientError as error:
                if is_missing(error):
                    return None
                raise
        folder, _, _ = key.rpartition("/")
        url = self._private_reads.folder(folder, signed_at=signed_at, ends_at=_bounded(signed_at, ends_at))
        try:
            return with_uris(text, lambda uri: url(key_beside(key, uri)))
        except PlaylistError as error:
            raise RefusedError(f"reading a private playlist: {error}") from error

    def presign_private(self, video_id: str, path: str, *, signed_at: datetime, ends_at: datetime) -> str:
        """Sign a GET of one file of a private video, which counts as signed then. ``path``: below its prefix."""
        key = object_keys.video_prefix(video_id, is_private=True) + path
        return self._private_reads.file(key, signed_at=signed_at, ends_at=_bounded(signed_at, ends_at))

    @cached_property
    def _private_reads(self) -> "PrivateReads":
        """Return what signs reads of private files. Only the API has the keys for it."""
        # Here, because the operator never signs them: the cryptography of a CDN takes 7 MB.
        from storage.private_reads import S3Reads, cdn_reads

        cdn = cdn_reads(self._settings)
        if cdn is not None:
            return cdn
        # The URL of processed files without their key, as players reach it: boto3 knows the styles.
        signed = {"Bucket": self._processed_bucket, "Key": "k"}
        base = sign(self._clients.source_signer, "get_object", signed, 1).partition("?")[0].removesuffix("k")
        return S3Reads(base, self._settings.private_reader, self._settings.region)

    def remove_published(self, video_id: str, *, is_private: bool = False) -> None:
        """Remove the stable files; the outputs of the attempts stay."""
        # The playlist last: while it exists, the removal is not complete.
        for key in (
            object_keys.stable_poster_key(video_id, is_private=is_private),
            object_keys.stable_playlist_key(video_id, is_private=is_private),
        ):
            self._remove(self._processed_bucket, key)

    def is_readable(self, video_id: str) -> bool:
        """Return whether any file of a video lies where players, or the holders of signed URLs, can read it."""
        return any(self._has_any(prefix) for prefix in object_keys.stream_prefixes(video_id))

    def has_stream(self, video_id: str, *, is_private: bool) -> bool:
        """Return whether any file of a video lies where public, or private, streams do."""
        return self._has_any(object_keys.video_prefix(video_id, is_private=is_private))

    def has_withdrawn(self, video_id: str) -> bool:
        """Return whether any file of a video lies where a deletion moves them."""
        return self._has_any(object_keys.withdrawn_prefix(video_id))

    def withdraw(self, video_id: str, *, at_most: int) -> bool:
        """Move up to ``at_most`` files of a video to where no policy and no signed URL opens them.

        Returns True once none is left. A copy is private unless an ACL is given, so this holds where ACLs publish and
        where a policy does.
        """
        return all(
            self._move(prefix, object_keys.withdrawn_prefix(video_id), at_most=at_most)
            for prefix in object_keys.stream_prefixes(video_id)
        )

    def bring_back(self, video_id: str, *, at_most: int, is_private: bool) -> bool:
        """Undo `withdraw` for up to ``at_most`` files; return True once none is left."""
        target = object_keys.video_prefix(video_id, is_private=is_private)
        return self._move(object_keys.withdrawn_prefix(video_id), target, at_most=at_most)

    def copy_stream(self, video_id: str, *, is_private: bool, at_most: int) -> bool:
        """Copy up to ``at_most`` files of a video to where its stream is to lie; return True if none was missing there.

        They stay where they are. The store copies them, and a copy has its file's type and caching.
        """
        source = object_keys.video_prefix(video_id, is_private=not is_private)
        target = object_keys.video_prefix(video_id, is_private=is_private)
        missing = list(islice(self._missing(source, target), at_most))
        self._for_each(missing, lambda file: self._copy(file, target + file.key.removeprefix(source)))
        return not missing

    def gather_stream(self, video_id: str, *, is_private: bool, at_most: int) -> bool:
        """Remove up to ``at_most`` files from where a video's stream does not lie; return True if there was none.

        One that the stream lacks is copied there first: it is the work of a job that ran on, or of a newer row.
        """
        source = object_keys.video_prefix(video_id, is_private=not is_private)
        target = object_keys.video_prefix(video_id, is_private=is_private)
        found = list(islice(self._with_copies(source, target), at_most))

        def gather(pair: tuple[StoredFile, StoredFile | None]) -> None:
            file, copy = pair
            if copy is None:
                self._copy(file, target + file.key.removeprefix(source))
            self._remove(self._processed_bucket, file.key)

        self._for_each(found, gather, is_large=lambda pair: pair[1] is None and _is_large(pair[0]))
        return not found

    def _missing(self, source: str, target: str) -> Iterator[StoredFile]:
        """Yield the files below one prefix that another lacks, or has in another size, or from before."""
        for file, copy in self._with_copies(source, target):
            is_same = copy is not None and copy.file_bytes == file.file_bytes
            if copy is None or not is_same or copy.last_modified < file.last_modified:
                yield file

    def _with_copies(self, source: str, target: str) -> Iterator[tuple[StoredFile, StoredFile | None]]:
        """Yield each file below one prefix with the one of the same name below the other.

        Both listings are in order of keys, so neither is kept.
        """
        copies = self._files(self._processed_bucket, target)
        copy = next(copies, None)
        for file in self._files(self._processed_bucket, source):
            name = file.key.removeprefix(source)
            while copy is not None and copy.key.removeprefix(target) < name:
                copy = next(copies, None)
            is_found = copy is not None and copy.key.removeprefix(target) == name
            yield file, copy if is_found else None

    def remove_original(self, key: str) -> None:
        """Remove an original; succeeds if it is already gone."""
        self._remove(self._raw_bucket, key)

    def remove_originals(self, video_id: str, *, before: datetime, at_most: int) -> bool:
        """Remove what was sent of a video before then, and its copies; return True once none of it is left.

        Lists up to ``at_most`` files.
        """
        prefixes = (object_keys.original_prefix(video_id), object_keys.kept_prefix(video_id))
        return self._remove_below([(self._raw_bucket, prefix) for prefix in prefixes], at_most, before=before)

    def remove_video(self, video_id: str, *, at_most: int) -> bool:
        """Remove up to ``at_most`` of a video's files, its original included; return True once none is left.

        An import's original lies elsewhere, belongs to someone else and stays.
        """
        prefixes = (
            *((self._processed_bucket, prefix) for prefix in object_keys.stream_prefixes(video_id)),
            (self._processed_bucket, object_keys.withdrawn_prefix(video_id)),
            (self._raw_bucket, object_keys.original_prefix(video_id)),
            (self._raw_bucket, object_keys.kept_prefix(video_id)),
            # Last: until the files are gone, they witness that nothing may be bought for them.
            (self._raw_bucket, object_keys.marks_prefix(video_id)),
        )
        return self._remove_below(prefixes, at_most)

    def _remove_below(
        self, prefixes: Iterable[tuple[str, str]], at_most: int, *, before: datetime | None = None
    ) -> bool:
        for bucket, prefix in prefixes:
            with translate_errors("listing a video's files"):
                page = self._session.page(bucket, prefix, at_most=at_most)
            for file in page.files:
                if before is None or file.last_modified <= before:
                    self._remove(bucket, file.key)
            at_most -= len(page.files)
            if page.is_truncated or at_most <= 0:
                return False
        return True

    def _mark(self, key: str) -> None:
        with translate_errors("writing a mark"):
            self._session.put(self._raw_bucket, key, b"", {})

    def _has_any(self, prefix: str) -> bool:
        with translate_errors("listing a video's files"):
            return bool(self._session.page(self._processed_bucket, prefix, at_most=1).files)

    def _move(self, source: str, target: str, *, at_most: int) -> bool:
        def move(file: StoredFile) -> None:
            self._copy(file, target + file.key.removeprefix(source))
            self._remove(self._processed_bucket, file.key)

        with translate_errors("listing a video's files"):
            page = self._session.page(self._processed_bucket, source, at_most=at_most)
        self._for_each(page.files, move)
        return not page.is_truncated

    def _copy(self, file: StoredFile, key: str) -> None:
        """Copy a file within the bucket of outputs, readable by all if its new key is; one that is gone is left out."""
        acl = self._acl if key.startswith(object_keys.PUBLIC_PREFIX) else {}
        with translate_errors("moving a video's files"):
            try:
                if file.file_bytes > _COPY_BYTES_MAX:
                    self._copy_output_in_parts(file, key, acl)
                else:
                    session = self._clients.copying if _is_large(file) else self._session
                    session.copy(self._processed_bucket, file.key, key, acl)
            except ClientError as error:
                if not is_missing(error):
                    raise

    def _copy_output_in_parts(self, file: StoredFile, key: str, acl: Mapping[str, str]) -> None:
        """A whole rendition of a long video in one file is the only output of more than 5 GB."""
        found = self._clients.own.head_object(Bucket=self._processed_bucket, Key=file.key)
        kept: Any = {"ContentType": found.get("ContentType", ""), "CacheControl": found.get("CacheControl", "")}
        if acl:
            kept["ACL"] = acl["x-amz-acl"]
        source: Any = {"CopySource": {"Bucket": self._processed_bucket, "Key": file.key}}
        source["CopySourceIfMatch"] = found["ETag"]
        target: Any = {"Bucket": self._processed_bucket, "Key": key}
        self._join_copies(source, target, file.file_bytes, {name: value for name, value in kept.items() if value})

    def _for_each(
        self, items: Iterable[Item], act: Callable[[Item], None], *, is_large: Callable[[Item], bool] | None = None
    ) -> None:
        """Act on all items, eight at a time, and on large ones alone, since a pass may wait long for those."""
        large = is_large or _is_large
        waiting = list(items)
        with ThreadPoolExecutor(_MOVES_AT_ONCE) as pool:
            # Each in a copy of this thread's context, which has the time budget of the pass.
            for done in [pool.submit(copy_context().run, act, item) for item in waiting if not large(item)]:
                done.result()
        for item in waiting:
            if large(item):
                act(item)

    def _remove(self, bucket: str, key: str) -> None:
        # One by one: DeleteObjects sends a checksum that Spaces rejects, whatever the configuration.
        with translate_errors("removing a file"):
            self._session.delete(bucket, key)

    def _read_source(self, key: str, etag: str, offset: int, length: int) -> bytes:
        # If-Match, so that bytes of two objects are never judged as one file.
        with translate_errors("reading the original"):
            try:
                return self._session.read_range(self._raw_bucket, key, offset=offset, length=length, etag=etag)
            except ClientError as error:
                if is_missing(error):
                    raise UnavailableError("reading the original: it is gone") from error
                raise

    def _sizes(self, prefix: str) -> dict[str, int]:
        sizes: dict[str, int] = {}
        for file in self._files(self._processed_bucket, prefix):
            sizes[file.key] = file.file_bytes
            if len(sizes) > OBJECTS_MAX:
                break
        return sizes

    def _files(self, bucket: str, prefix: str) -> Iterator[StoredFile]:
        with translate_errors("listing a video's files"):
            for page in self._session.pages(bucket, prefix):
                yield from page.files

    def _output_text(self, key: str) -> str:
        with translate_errors("reading a job's playlist"):
            return self._text(key)

    def _text(self, key: str) -> str:
        return self._session.read(self._processed_bucket, key, at_most=PLAYLIST_BYTES_MAX).decode(errors="replace")

    def _published(self, content_type: str, *, is_private: bool) -> dict[str, str]:
        """Return the headers of a stable file."""
        acl = {} if is_private else self._acl
        return {"Content-Type": content_type, "Cache-Control": STABLE_CACHE_CONTROL, **acl}


def _is_large(file: object) -> bool:
    return isinstance(file, StoredFile) and file.file_bytes > _LARGE_BYTES


def _bounded(signed_at: datetime, ends_at: datetime) -> datetime:
    return min(ends_at, signed_at + SIGNED_AT_MOST)
