"""Captions of a video: list, put and remove. What a text may contain is decided in domain/caption_text.py.

A call records what is wanted; the operator writes the files and the stable playlist (controller/actions/captions.py).
"""

from collections.abc import Callable
from datetime import datetime

import falcon

from database.commands import VideoCommands
from database.queries import VideoQueries
from domain.caption_text import BYTES_MAX, CaptionTextError, webvtt_of
from domain.captions import (
    LANGUAGES_MAX,
    CaptionsBusyError,
    CaptionTrack,
    TooManyCaptionsError,
    canonical_language,
    digest_of,
)
from domain.records import VideoRow
from webapi.http.authorization import changeable, owned
from webapi.http.parsing import media_type_of, read_body, read_query
from webapi.http.problems import FieldProblem, HttpProblemError, ProblemCode
from webapi.ports import Publisher
from webapi.schemas.requests import CAPTION_TYPES, PutCaptions
from webapi.videos.serializers import Serializer

# A pass takes about this long.
_RETRY_AFTER_SECONDS = "10"


class VideoCaptions:
    """`/api/v1/videos/{video_id}/captions`."""

    def __init__(self, queries: VideoQueries, serializer: Serializer, clock: Callable[[], datetime]) -> None:
        self._queries = queries
        self._serializer = serializer
        self._clock = clock

    def on_get(self, req: falcon.Request, resp: falcon.Response, video_id: str) -> None:
        """List the captions by language."""
        resp.data = self._serializer.captions(owned(self._queries, req, video_id), self._clock()).as_json()
        resp.set_header("Cache-Control", "private, no-cache")


class VideoCaption:
    """`/api/v1/videos/{video_id}/captions/{language}`."""

    def __init__(
        self,
        queries: VideoQueries,
        commands: VideoCommands,
        publisher: Publisher,
        serializer: Serializer,
        clock: Callable[[], datetime],
    ) -> None:
        self._queries = queries
        self._commands = commands
        self._publisher = publisher
        self._serializer = serializer
        self._clock = clock

    def on_put(self, req: falcon.Request, resp: falcon.Response, video_id: str, language: str) -> None:
        """Add captions, or replace those in this language. Repeating it changes nothing."""
        row = _writable(owned(self._queries, req, video_id))
        tag, query = _language(language), read_query(req, PutCaptions)
        text = _text(req)
        track = CaptionTrack(tag, query.label or tag, query.default, digest_of(text))
        try:
            after = self._commands.put_captions(video_id, track, text)
        except TooManyCaptionsError as error:
            detail = f"a video has captions in at most {LANGUAGES_MAX} languages"
            raise HttpProblemError(ProblemCode.TOO_MANY, detail) from error
        except CaptionsBusyError as error:
            raise _busy() from error
        self._publish(row, _writable(after))
        (body,) = [body for body in self._serializer.captions(after, self._clock()).captions if body.language == tag]
        resp.data = body.as_json()

    def on_delete(self, req: falcon.Request, resp: falcon.Response, video_id: str, language: str) -> None:
        """Remove the captions in this language. Repeating it changes nothing."""
        row = _writable(owned(self._queries, req, video_id))
        try:
            after = self._commands.remove_captions(video_id, _language(language))
        except CaptionsBusyError as error:
            raise _busy() from error
        self._publish(row, _writable(after))
        resp.status = falcon.HTTP_204

    def _publish(self, before: VideoRow, after: VideoRow) -> None:
        if after.desired.revision != before.desired.revision:
            self._publisher.enqueue(after.desired)


def _writable(row: VideoRow) -> VideoRow:
    if changeable(row).desired.deleted:
        raise HttpProblemError(ProblemCode.VIDEO_DELETED, "the video is deleted; nothing was changed")
    return row


def _language(text: str) -> str:
    tag = canonical_language(text)
    if tag is None:
        problem = FieldProblem("language", "must be a language tag such as en, pt-BR or zh-Hant")
        raise HttpProblemError(ProblemCode.INVALID_REQUEST, "not accepted: language", errors=[problem])
    return tag


def _text(req: falcon.Request) -> str:
    media_type = media_type_of(req)
    if media_type not in CAPTION_TYPES:
        raise HttpProblemError(ProblemCode.UNSUPPORTED_MEDIA_TYPE, f"the body must be {' or '.join(CAPTION_TYPES)}")
    try:
        return webvtt_of(read_body(req, at_most_bytes=BYTES_MAX))
    except CaptionTextError as error:
        raise HttpProblemError(ProblemCode.INVALID_CAPTIONS, str(error)) from error


def _busy() -> HttpProblemError:
    detail = "so many captions were replaced that the operator has to remove their files first"
    return HttpProblemError(ProblemCode.TEMPORARILY_UNAVAILABLE, detail, headers={"Retry-After": _RETRY_AFTER_SECONDS})
