"""Videos: create, list, show, delete."""

import hashlib
from dataclasses import dataclass, field

import falcon

from database.commands import UNCHANGED, MetadataTooLargeError, VideoCommands
from database.creation import BytesPerDay, Created, NewRow
from database.profiles import Profiles
from database.queries import VideoQueries
from domain.object_keys import original_key
from domain.playback import PlaybackTimes
from domain.profiles import DEFAULT_PROFILE
from domain.video import BEFORE_THE_FILE, UploadMode, Visibility, new_video_id
from webapi.http.auth import Caller, caller_of
from webapi.http.authorization import changeable, owned
from webapi.http.idempotency import idempotency_key
from webapi.http.parsing import read_json, read_query
from webapi.http.problems import FieldProblem, HttpProblemError, ProblemCode
from webapi.http.rate_limit import rate_limit_headers
from webapi.http.waiting import changed_row
from webapi.ports import Publisher
from webapi.schemas.requests import METADATA_BYTES_MAX, ChangeVideo, CreateVideo, ShowVideo
from webapi.videos.embed_origins import EmbedOrigins
from webapi.videos.listing import Lists
from webapi.videos.multipart import Multiparts
from webapi.videos.placement import Placement
from webapi.videos.responder import Responder
from webapi.videos.source_urls import SourceUrls
from webapi.videos.uploads import UploadUrls

_MERGE_PATCH = "application/merge-patch+json"
_AT_ONCE = ShowVideo()


@dataclass(frozen=True)
class Policy:
    """Limits of this installation. ``uploads_per_hour`` is for tokens without a limit.

    ``upload_bytes_per_day``: of one owner, 0 for no limit. ``visibility``: of a video for which none is requested.
    """

    uploads_per_hour: int
    retranscodes_per_day: int
    retries_per_day: int
    max_file_bytes: int
    upload_url_seconds: int
    download_url_seconds: int
    multipart_above_bytes: int = 100_000_000
    part_bytes: int = 16 * 1024**2
    upload_bytes_per_day: int = 0
    visibility: Visibility = Visibility.PUBLIC
    has_private_playback: bool = False
    embed_origins: EmbedOrigins = field(default_factory=EmbedOrigins)
    playback_times: PlaybackTimes = field(default_factory=PlaybackTimes)

    @property
    def per_day(self) -> BytesPerDay | None:
        """Return the limit of one owner's bytes; None if there is none."""
        return BytesPerDay(self.upload_bytes_per_day, self.max_file_bytes) if self.upload_bytes_per_day else None


@dataclass(frozen=True)
class Choices:
    """What a client may choose for a new video: its region, its profile, and from where its file comes."""

    placement: Placement
    profiles: Profiles
    source_urls: SourceUrls


class VideosResource:
    """`/api/v1/videos`."""

    def __init__(
        self,
        commands: VideoCommands,
        publisher: Publisher,
        urls: UploadUrls,
        lists: Lists,
        choices: Choices,
        policy: Policy,
    ) -> None:
        self._commands = commands
        self._publisher = publisher
        self._urls = urls
        self._lists = lists
        self._choices = choices
        self._policy = policy

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """List a page of the caller's videos."""
        resp.data = self._lists.own(req).as_json()
        resp.set_header("Cache-Control", "private, no-cache")

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Record the video, then respond with its upload URL. The publisher applies the resource later."""
        caller, body = caller_of(req), read_json(req, CreateVideo)
        key, per_hour, per_day = idempotency_key(req, body), self._per_hour(caller), self._policy.per_day
        # First: what may be chosen can have changed since the request that this one repeats.
        created = self._commands.made_before(caller.owner, key, per_hour=per_hour, per_day=per_day) if key else None
        if created is not None:
            self._show(req, resp, created)
            self._urls.repeat(resp, created.row)
            return
        self._refuse_large(body)
        self._refuse_unknown_profile(body)
        self._policy.embed_origins.check(body.embed_origins)
        self._choices.source_urls.check(body)
        new = self._new_video(body, caller, self._choices.placement.region(req, body.region))
        created = self._commands.create(new, per_hour=per_hour, per_day=per_day, key=key)
        self._show(req, resp, created)
        if created.row.desired.video_id == new.video_id:
            self._urls.issue(resp, created.row)
        else:
            self._urls.repeat(resp, created.row)

    def _show(self, req: falcon.Request, resp: falcon.Response, created: Created) -> None:
        desired = created.row.desired
        self._publisher.enqueue(desired)
        resp.status = falcon.HTTP_201
        resp.set_header("Location", f"{req.path}/{desired.video_id}")
        resp.set_headers(rate_limit_headers(created.quota))

    def _per_hour(self, caller: Caller) -> int:
        return self._policy.uploads_per_hour if caller.uploads_per_hour is None else caller.uploads_per_hour

    def _refuse_large(self, body: CreateVideo) -> None:
        limit = self._policy.max_file_bytes
        if body.size_bytes is not None and body.size_bytes > limit:
            detail = f"files may have at most {limit} bytes"
            raise HttpProblemError(ProblemCode.FILE_TOO_LARGE, detail, errors=[FieldProblem("size_bytes", detail)])

    def _refuse_unknown_profile(self, body: CreateVideo) -> None:
        if body.profile is not None and not self._choices.profiles.is_offered(body.profile):
            problem = [FieldProblem("profile", "must be the name of a profile that there is")]
            raise HttpProblemError(ProblemCode.INVALID_REQUEST, "not accepted: profile", errors=problem)

    def _new_video(self, body: CreateVideo, caller: Caller, region: str) -> NewRow:
        video_id = new_video_id()
        return NewRow(
            video_id=video_id,
            owner=caller.owner,
            title=body.title,
            filename=body.filename,
            content_type=body.content_type,
            declared_bytes=body.size_bytes,
            region=region,
            storage_key=original_key(video_id, body.filename),
            metadata=body.metadata,
            email=caller.email,
            upload_mode=self._mode(body),
            visibility=self._visibility(body),
            profile=body.profile or DEFAULT_PROFILE,
            content_md5=body.content_md5,
            source_url=body.source_url,
            embed_origins=body.embed_origins,
        )

    def _visibility(self, body: CreateVideo) -> Visibility:
        return _playable(body.visibility, self._policy) or self._policy.visibility

    def _mode(self, body: CreateVideo) -> UploadMode:
        if body.upload_mode is UploadMode.MULTIPART and body.size_bytes is None:
            detail = "a file that is sent in parts needs its size"
            raise HttpProblemError(ProblemCode.SIZE_REQUIRED, detail, errors=[FieldProblem("size_bytes", detail)])
        if body.content_md5 is not None and body.upload_mode is UploadMode.MULTIPART:
            detail = "is for a file in one PUT; send Content-MD5 with each part instead"
            problem = [FieldProblem("content_md5", detail)]
            raise HttpProblemError(ProblemCode.INVALID_REQUEST, "not accepted: content_md5", errors=problem)
        if body.source_url is not None:
            return UploadMode.SINGLE  # a fetch decides by itself how it sends the file
        is_large = body.size_bytes is not None and body.size_bytes > self._policy.multipart_above_bytes
        in_parts = is_large and body.content_md5 is None
        return body.upload_mode or (UploadMode.MULTIPART if in_parts else UploadMode.SINGLE)


def _playable(visibility: Visibility | None, policy: Policy) -> Visibility | None:
    """Return what was requested. Raises HttpProblemError if such a video could not be played here."""
    if visibility is Visibility.PRIVATE and not policy.has_private_playback:
        detail = "private videos cannot be played here: the service has no key for their URLs"
        problem = FieldProblem("visibility", detail)
        raise HttpProblemError(ProblemCode.INVALID_REQUEST, "not accepted: visibility", errors=[problem])
    return visibility


class VideoResource:
    """`/api/v1/videos/{video_id}`."""

    def __init__(
        self,
        queries: VideoQueries,
        commands: VideoCommands,
        multiparts: Multiparts,
        publisher: Publisher,
        responder: Responder,
        policy: Policy,
    ) -> None:
        self._queries = queries
        self._commands = commands
        self._multiparts = multiparts
        self._publisher = publisher
        self._responder = responder
        self._policy = policy

    def on_get(self, req: falcon.Request, resp: falcon.Response, video_id: str) -> None:
        """Show the video, or respond with 304 if it has not changed; wait for a change first, if that is requested."""
        query = read_query(req, ShowVideo) if req.query_string else _AT_ONCE
        row = changed_row(
            req, video_id, lambda: owned(self._queries, req, video_id), since=query.since, seconds=query.wait
        )
        self._responder.video(resp, row)
        # A hash of the body: equal tags mean equal bodies, also after an upgrade.
        tag = falcon.ETag(hashlib.blake2b(resp.data or b"", digest_size=12).hexdigest())
        resp.etag = tag
        if any(sent in ("*", tag) for sent in req.if_none_match or ()):
            resp.status = falcon.HTTP_304
            resp.data = None

    def on_patch(self, req: falcon.Request, resp: falcon.Response, video_id: str) -> None:
        """Change title, metadata, visibility and sites, and show the video; it may also change nothing."""
        row = changeable(owned(self._queries, req, video_id))
        body = read_json(req, ChangeVideo, media_types=(falcon.MEDIA_JSON, _MERGE_PATCH))
        self._policy.embed_origins.check(body.embed_origins)
        try:
            changed = self._commands.describe(
                video_id,
                title=body.title,
                metadata=body.metadata,
                metadata_bytes_max=METADATA_BYTES_MAX,
                visibility=_playable(body.visibility, self._policy),
                embed_origins=body.embed_origins if "embed_origins" in body.model_fields_set else UNCHANGED,
            )
        except MetadataTooLargeError as error:
            detail = f"must have at most {METADATA_BYTES_MAX} bytes as JSON, with what the video has already"
            problem = [FieldProblem("metadata", detail)]
            raise HttpProblemError(ProblemCode.INVALID_REQUEST, "not accepted: metadata", errors=problem) from error
        if changed.desired.revision != row.desired.revision:
            self._publisher.enqueue(changed.desired)
        self._responder.video(resp, changed)

    def on_delete(self, req: falcon.Request, resp: falcon.Response, video_id: str) -> None:
        """Delete the video and abort its upload; it can be restored for a while. Repeating it changes nothing."""
        row = changeable(owned(self._queries, req, video_id))
        self._publisher.enqueue(self._commands.delete(row.desired.video_id).desired)
        if row.observed.phase in BEFORE_THE_FILE:
            self._multiparts.abort(row)
        resp.status = falcon.HTTP_204
