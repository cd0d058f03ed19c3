"""The original file: checks that it is still the verified one, and signs downloads."""

import falcon

from database.queries import VideoQueries
from domain.records import VideoRow
from domain.video import SourceFacts
from storage.presign import safe_filename
from webapi.http.authorization import owned
from webapi.http.problems import HttpProblemError, ProblemCode
from webapi.schemas.responses import OriginalDownload
from webapi.videos.stores import Stores


class Originals:
    """Checks originals in storage."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def verified(self, row: VideoRow) -> SourceFacts:
        """Return the facts of the verified file, if storage still has that file.

        Raises HttpProblemError, UnavailableError, RefusedError.
        """
        source = row.observed.source
        if source is None:
            raise _unavailable("no file of this video has been verified")
        facts = self._stores.of(row).storage.head(row.original_key)
        if facts is None:
            raise _unavailable("storage no longer has the file")
        if facts.etag != source.etag:
            raise _unavailable("storage has a different file from the one that was verified")
        return source


class VideoOriginal:
    """`/api/v1/videos/{video_id}/original`."""

    # Counted like a change (webapi/http/change_limit.py).
    signs_downloads = True

    def __init__(self, queries: VideoQueries, originals: Originals, stores: Stores, *, url_seconds: int) -> None:
        self._queries = queries
        self._url_seconds = url_seconds
        self._originals = originals
        self._stores = stores

    def on_get(self, req: falcon.Request, resp: falcon.Response, video_id: str) -> None:
        """Sign a download of the file, also of an import: reading changes nothing."""
        row = owned(self._queries, req, video_id)
        if row.desired.deleted:
            raise _unavailable("the video is deleted; restore it first")
        source, key = self._originals.verified(row), row.original_key
        # An import may have no filename.
        filename = safe_filename(row.desired.filename or row.desired.storage_key.rpartition("/")[2])
        storage = self._stores.of(row).storage
        signed = storage.presign_download(key, filename=filename, expires_seconds=self._url_seconds)
        body = OriginalDownload(
            video_id=video_id,
            url=signed.url,
            expires_at=signed.expires_at,
            filename=filename,
            size_bytes=source.file_bytes,
        )
        resp.data = body.as_json()
        resp.set_header("Cache-Control", "no-store")


def _unavailable(detail: str) -> HttpProblemError:
    return HttpProblemError(ProblemCode.ORIGINAL_UNAVAILABLE, detail)
