"""The file as it was sent: whether it is still the one that was verified, and a way to download it."""

import falcon

from domain.records import VideoRow
from domain.video import SourceFacts
from storage.presign import safe_filename
from webapi.http.authorization import owned
from webapi.http.problems import ProblemCode, ProblemError
from webapi.ports import Storage, VideoQueries
from webapi.schemas.responses import OriginalDownload

# A download has to begin within this time; how long it takes is its own matter.
_URL_SECONDS = 300


class Originals:
    """The originals of all videos."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def verified(self, row: VideoRow) -> SourceFacts:
        """Return what is known of the file, if storage still has the one that was verified.

        Raises ProblemError, UnavailableError, RefusedError.
        """
        source = row.observed.source
        if source is None:
            raise _unavailable("no file of this video has been verified")
        facts = self._storage.head(row.desired.storage_key)
        if facts is None:
            raise _unavailable("storage has no such file any more")
        if facts.etag != source.etag:
            raise _unavailable("storage has another file than the one that was verified")
        return source


class VideoOriginal:
    """`/api/v1/videos/{video_id}/original`."""

    def __init__(self, queries: VideoQueries, originals: Originals, storage: Storage) -> None:
        self._queries = queries
        self._originals = originals
        self._storage = storage

    def on_get(self, req: falcon.Request, resp: falcon.Response, video_id: str) -> None:
        """Sign a download of the file. An import's too: reading it changes nothing."""
        row = owned(self._queries, req, video_id)
        if row.desired.deleted:
            raise _unavailable("the video is deleted; restore it first")
        source, key = self._originals.verified(row), row.desired.storage_key
        # An import may have no filename of its own.
        filename = safe_filename(row.desired.filename or key.rpartition("/")[2])
        signed = self._storage.presign_download(key, filename=filename, expires_seconds=_URL_SECONDS)
        answer = OriginalDownload(
            video_id=video_id,
            url=signed.url,
            expires_at=signed.expires_at,
            filename=filename,
            size_bytes=source.file_bytes,
        )
        resp.data = answer.as_json()
        resp.set_header("Cache-Control", "no-store")


def _unavailable(detail: str) -> ProblemError:
    return ProblemError(ProblemCode.ORIGINAL_UNAVAILABLE, detail)
