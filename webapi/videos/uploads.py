"""The way of the file: where to send it, once more where to send it, and the word that it is there."""

import falcon

from domain.records import VideoRow
from domain.video import Phase, UploadMode, shown_phase
from webapi.http.authorization import changeable, owned
from webapi.http.problems import ProblemCode, ProblemError
from webapi.ports import Publisher, SignedUpload, Storage, VideoCommands, VideoQueries
from webapi.schemas.responses import ConfirmedVideo, MultipartPlan, UploadPlan, UploadTarget
from webapi.videos.multipart import Multiparts

BEFORE_THE_FILE = frozenset({Phase.PENDING, Phase.UPLOADING})
_DELETED = "the video is deleted; restore it first"


class UploadUrls:
    """Signs where the file of a video goes. The URL is a secret of its client and stored nowhere."""

    def __init__(self, storage: Storage, multiparts: Multiparts, *, expires_seconds: int) -> None:
        self._storage = storage
        self._multiparts = multiparts
        self._expires_seconds = expires_seconds

    def answer(self, resp: falcon.Response, row: VideoRow) -> None:
        """Answer with a freshly signed URL: of the file, or of its first part."""
        desired, (signed, plan) = row.desired, self._signed(row)
        target = UploadTarget(
            video_id=desired.video_id,
            upload_url=signed.url,
            storage_key=desired.storage_key,
            method=signed.method,
            headers=dict(signed.headers),
            expires_at=signed.expires_at,
            status=shown_phase(desired, row.observed),
            upload=plan,
        )
        resp.data = target.as_json()
        resp.set_header("Cache-Control", "no-store")

    def again(self, resp: falcon.Response, row: VideoRow) -> None:
        """Answer so for a video that has been there before. Raises ProblemError when it waits for no file."""
        self.answer(resp, waiting(row))

    def _signed(self, row: VideoRow) -> tuple[SignedUpload, UploadPlan]:
        desired, plan = row.desired, self._multiparts.plan(row)
        if plan is not None:
            shown = MultipartPlan(mode=UploadMode.MULTIPART, part_size=plan.part_bytes, part_count=plan.part_count)
            return self._multiparts.sign(self._multiparts.opened(row, plan), plan, 1), shown
        signed = self._storage.presign_upload(
            desired.storage_key,
            content_type=desired.content_type,
            declared_bytes=desired.declared_bytes,
            expires_seconds=self._expires_seconds,
        )
        return signed, UploadPlan(mode=UploadMode.SINGLE)


class UploadUrl:
    """`/api/v1/videos/{video_id}/upload_url`."""

    def __init__(self, queries: VideoQueries, urls: UploadUrls) -> None:
        self._queries = queries
        self._urls = urls

    def on_post(self, req: falcon.Request, resp: falcon.Response, video_id: str) -> None:
        """Sign another URL: the last one has expired, or its file was rejected."""
        self._urls.again(resp, changeable(owned(self._queries, req, video_id)))


class UploadComplete:
    """`/api/v1/videos/{video_id}/upload_complete`."""

    def __init__(
        self,
        queries: VideoQueries,
        commands: VideoCommands,
        storage: Storage,
        multiparts: Multiparts,
        publisher: Publisher,
    ) -> None:
        self._queries = queries
        self._commands = commands
        self._storage = storage
        self._multiparts = multiparts
        self._publisher = publisher

    def on_post(self, req: falcon.Request, resp: falcon.Response, video_id: str) -> None:
        """Record the client's word that its file is there. What the file is worth is found out by the operator."""
        row = changeable(owned(self._queries, req, video_id))
        if row.desired.deleted:
            raise ProblemError(ProblemCode.UPLOAD_CLOSED, _DELETED)
        if row.observed.phase in BEFORE_THE_FILE:
            self._have_the_file(row)
            self._publisher.enqueue(self._commands.confirm(video_id).desired)
        resp.status = falcon.HTTP_202
        resp.data = ConfirmedVideo(video_id=video_id).as_json()

    def _have_the_file(self, row: VideoRow) -> None:
        plan = self._multiparts.plan(row)
        if plan is not None:
            self._multiparts.join(row, plan)
        elif self._storage.head(row.desired.storage_key) is None:
            raise ProblemError(ProblemCode.OBJECT_MISSING, "storage has no such file yet; nothing was changed")


def waiting(row: VideoRow) -> VideoRow:
    """Return the video if its file is waited for. Raises ProblemError."""
    obstacle = _obstacle(row)
    if obstacle is not None:
        raise ProblemError(ProblemCode.UPLOAD_CLOSED, obstacle)
    return row


def _obstacle(row: VideoRow) -> str | None:
    """Return why no file is waited for."""
    desired, observed = row.desired, row.observed
    if desired.deleted:
        return _DELETED
    if observed.phase not in BEFORE_THE_FILE:
        return "the file has been accepted" if observed.source else "the video waits for no file"
    # What was confirmed is verified before anything can be put in its place.
    if desired.confirmations > observed.confirmations_answered:
        return "the upload is confirmed; its file is about to be verified"
    return None
