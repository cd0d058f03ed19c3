"""The client's three calls about a video: ask for an upload, confirm it, look at it."""

import hashlib
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import falcon

from crds.videoupload import Phase, UploadMode, new_video_id, shown_phase
from desired.rows import VideoRow
from desired.wishes import NewVideo
from spaces.keys import original_key
from webapi.auth import caller_of
from webapi.bodies import ConfirmedVideo, CreatedVideo, CreateVideo, UploadPlan
from webapi.errors import Code, FieldProblem, ProblemError
from webapi.ports import Catalogue, Publisher, Storage, Wishes
from webapi.reading import read_json
from webapi.views import View

_VIDEO_ID = re.compile(r"[a-z0-9]{26}")
_BEFORE_THE_FILE = frozenset({Phase.PENDING, Phase.UPLOADING})


@dataclass(frozen=True)
class Policy:
    """What this installation allows. ``uploads_per_hour`` is for tokens that state no limit of their own."""

    uploads_per_hour: int
    max_file_bytes: int
    upload_url_seconds: int
    region: str


class Videos:
    """`/api/v1/videos`."""

    def __init__(self, wishes: Wishes, storage: Storage, publisher: Publisher, policy: Policy) -> None:
        self._wishes = wishes
        self._storage = storage
        self._publisher = publisher
        self._policy = policy

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Record the wish, then tell where to send the file. The resource follows without the client."""
        caller, asked = caller_of(req), read_json(req, CreateVideo)
        self._refuse_large(asked)
        per_hour = self._policy.uploads_per_hour if caller.uploads_per_hour is None else caller.uploads_per_hour
        row = self._wishes.create(self._new_video(asked, caller.owner), per_hour=per_hour)
        self._publisher.offer(row.wish)
        resp.status = falcon.HTTP_201
        resp.data = self._created(row).as_json()
        # The URL is a secret of this client.
        resp.set_headers({"Location": f"{req.path}/{row.wish.video_id}", "Cache-Control": "no-store"})

    def _refuse_large(self, asked: CreateVideo) -> None:
        most = self._policy.max_file_bytes
        if asked.size_bytes is not None and asked.size_bytes > most:
            detail = f"files of at most {most} bytes are taken"
            raise ProblemError(Code.FILE_TOO_LARGE, detail, errors=[FieldProblem("size_bytes", detail)])

    def _new_video(self, asked: CreateVideo, owner: str) -> NewVideo:
        video_id = new_video_id()
        return NewVideo(
            video_id=video_id,
            owner=owner,
            title=asked.title,
            filename=asked.filename,
            content_type=asked.content_type,
            declared_bytes=asked.size_bytes,
            region=self._policy.region,
            storage_key=original_key(video_id, asked.filename),
        )

    def _created(self, row: VideoRow) -> CreatedVideo:
        wish = row.wish
        signed = self._storage.presign_upload(
            wish.storage_key,
            content_type=wish.content_type,
            declared_bytes=wish.declared_bytes,
            expires_seconds=self._policy.upload_url_seconds,
        )
        return CreatedVideo(
            video_id=wish.video_id,
            upload_url=signed.url,
            storage_key=wish.storage_key,
            method=signed.method,
            headers=dict(signed.headers),
            expires_at=signed.expires_at,
            status=shown_phase(wish, row.observed),
            upload=UploadPlan(mode=UploadMode.SINGLE),
        )


class Video:
    """`/api/v1/videos/{video_id}`."""

    def __init__(self, catalogue: Catalogue, view: View, clock: Callable[[], datetime]) -> None:
        self._catalogue = catalogue
        self._view = view
        self._clock = clock

    def on_get(self, req: falcon.Request, resp: falcon.Response, video_id: str) -> None:
        """Show the video, or that it has not changed since the client looked."""
        row, now = owned(self._catalogue, req, video_id), self._clock()
        body = self._view.video(row, now)
        content = body.as_json()
        # Made from the bytes themselves, so equal tags are equal answers whatever a later release adds.
        tag = falcon.ETag(hashlib.blake2b(content, digest_size=12).hexdigest())
        resp.etag = tag
        resp.set_header("Cache-Control", "private, no-cache")
        if body.next_check_at is not None:
            resp.set_header("Retry-After", str(max(1, math.ceil((body.next_check_at - now).total_seconds()))))
        if any(known in ("*", tag) for known in req.if_none_match or ()):
            resp.status = falcon.HTTP_304
        else:
            resp.data = content


class UploadComplete:
    """`/api/v1/videos/{video_id}/upload_complete`."""

    def __init__(self, catalogue: Catalogue, wishes: Wishes, storage: Storage, publisher: Publisher) -> None:
        self._catalogue = catalogue
        self._wishes = wishes
        self._storage = storage
        self._publisher = publisher

    def on_post(self, req: falcon.Request, resp: falcon.Response, video_id: str) -> None:
        """Record the client's word that its file is there. What the file is worth is found out by the operator."""
        row = owned(self._catalogue, req, video_id)
        if row.observed.phase in _BEFORE_THE_FILE:
            if self._storage.head(row.wish.storage_key) is None:
                raise ProblemError(Code.OBJECT_MISSING, "storage has no such file yet; nothing was changed")
            self._publisher.offer(self._wishes.confirm(video_id).wish)
        resp.status = falcon.HTTP_202
        resp.data = ConfirmedVideo(video_id=video_id).as_json()


def owned(catalogue: Catalogue, req: falcon.Request, video_id: str) -> VideoRow:
    """Return the caller's video. Another user's is as unknown as one that never was."""
    row = catalogue.get(video_id) if _VIDEO_ID.fullmatch(video_id) else None
    if row is None or row.wish.owner != caller_of(req).owner:
        raise ProblemError(Code.NOT_FOUND, "there is no such video")
    return row
