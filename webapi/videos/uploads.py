"""Upload URLs: issue, re-issue, confirm."""

import falcon

from database.commands import VideoCommands
from database.queries import VideoQueries
from domain.objects import SignedUpload
from domain.records import VideoRow
from domain.video import BEFORE_THE_FILE, UploadMode, shown_phase
from webapi.http.authorization import changeable, owned
from webapi.http.problems import HttpProblemError, ProblemCode
from webapi.ports import Publisher
from webapi.schemas.responses import ConfirmedVideo, FetchedVideo, MultipartPlan, UploadPlan, UploadTarget
from webapi.videos.multipart import Multiparts
from webapi.videos.stores import Stores

_DELETED = "the video is deleted; restore it first"
_FETCHED = "the service fetches the file from its source_url"


class UploadUrls:
    """Signs upload URLs. A URL is a secret of its client and is not stored."""

    def __init__(self, stores: Stores, multiparts: Multiparts, *, expires_seconds: int) -> None:
        self._stores = stores
        self._multiparts = multiparts
        self._expires_seconds = expires_seconds

    def issue(self, resp: falcon.Response, row: VideoRow) -> None:
        """Respond with a newly signed URL for the file or its first part."""
        resp.set_header("Cache-Control", "no-store")
        desired = row.desired
        if row.source_url is not None:
            status = shown_phase(desired, row.observed)
            resp.data = FetchedVideo(
                video_id=desired.video_id, region=desired.region, storage_key=desired.storage_key, status=status
            ).as_json()
            return
        signed, plan = self._signed(row)
        target = UploadTarget(
            video_id=desired.video_id,
            region=desired.region,
            upload_url=signed.url,
            storage_key=desired.storage_key,
            method=signed.method,
            headers=dict(signed.headers),
            expires_at=signed.expires_at,
            status=shown_phase(desired, row.observed),
            upload=plan,
        )
        resp.data = target.as_json()

    def reissue(self, resp: falcon.Response, row: VideoRow) -> None:
        """Respond like `issue` for an existing video. Raises HttpProblemError unless it is waiting for its file."""
        self.issue(resp, require_waiting(row))

    def repeat(self, resp: falcon.Response, row: VideoRow) -> None:
        """Respond like `issue` to a creation that is repeated. Raises HttpProblemError like `reissue`."""
        self.issue(resp, row if row.source_url is not None else require_waiting(row))

    def _signed(self, row: VideoRow) -> tuple[SignedUpload, UploadPlan]:
        desired, plan = row.desired, self._multiparts.plan(row)
        if plan is not None:
            body = MultipartPlan(mode=UploadMode.MULTIPART, part_size=plan.part_bytes, part_count=plan.part_count)
            return self._multiparts.sign(self._multiparts.open(row, plan), plan, 1), body
        signed = self._stores.for_upload(row).storage.presign_upload(
            desired.storage_key,
            content_type=desired.content_type,
            declared_bytes=desired.declared_bytes,
            content_md5=row.content_md5,
            expires_seconds=self._expires_seconds,
        )
        return signed, UploadPlan(mode=UploadMode.SINGLE)


class UploadUrl:
    """`/api/v1/videos/{video_id}/upload_url`."""

    def __init__(self, queries: VideoQueries, urls: UploadUrls) -> None:
        self._queries = queries
        self._urls = urls

    def on_post(self, req: falcon.Request, resp: falcon.Response, video_id: str) -> None:
        """Sign another URL, after the last one expired or its file was rejected."""
        self._urls.reissue(resp, changeable(owned(self._queries, req, video_id)))


class UploadComplete:
    """`/api/v1/videos/{video_id}/upload_complete`."""

    def __init__(
        self,
        queries: VideoQueries,
        commands: VideoCommands,
        stores: Stores,
        multiparts: Multiparts,
        publisher: Publisher,
    ) -> None:
        self._queries = queries
        self._commands = commands
        self._stores = stores
        self._multiparts = multiparts
        self._publisher = publisher

    def on_post(self, req: falcon.Request, resp: falcon.Response, video_id: str) -> None:
        """Record the client's confirmation that the file was sent. The operator verifies the file."""
        row = changeable(owned(self._queries, req, video_id))
        if row.desired.deleted:
            raise HttpProblemError(ProblemCode.UPLOAD_CLOSED, _DELETED)
        if row.source_url is not None:
            raise HttpProblemError(ProblemCode.UPLOAD_CLOSED, _FETCHED)
        if row.observed.phase in BEFORE_THE_FILE:
            self._require_file(row)
            self._publisher.enqueue(self._commands.confirm(video_id).desired)
        resp.status = falcon.HTTP_202
        resp.data = ConfirmedVideo(video_id=video_id).as_json()

    def _require_file(self, row: VideoRow) -> None:
        plan = self._multiparts.plan(row)
        if plan is not None:
            self._multiparts.join(row, plan)
        elif self._stores.of(row).storage.head(row.desired.storage_key) is None:
            raise HttpProblemError(ProblemCode.OBJECT_MISSING, "the file has not arrived; nothing was changed")


def require_waiting(row: VideoRow) -> VideoRow:
    """Return the video if it is waiting for its file. Raises HttpProblemError."""
    obstacle = _obstacle(row)
    if obstacle is not None:
        raise HttpProblemError(ProblemCode.UPLOAD_CLOSED, obstacle)
    return row


def _obstacle(row: VideoRow) -> str | None:
    """Return why the video is not waiting for a file, None if it is."""
    desired, observed = row.desired, row.observed
    if desired.deleted:
        return _DELETED
    if row.source_url is not None:
        return _FETCHED
    if observed.phase not in BEFORE_THE_FILE:
        return "the file has been accepted" if observed.source else "the video is not waiting for a file"
    # A confirmed file is verified before another one can replace it.
    if desired.confirmations > observed.confirmations_answered:
        return "the upload is confirmed; its file is about to be verified"
    return None
