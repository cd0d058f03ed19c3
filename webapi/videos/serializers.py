"""Serializes rows to response models: pure, no Falcon."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from domain.captions import CaptionTrack, text_name
from domain.failures import ADVICE, FailureCode
from domain.messages import present
from domain.object_keys import CAPTIONS_FOLDER, POSTER, STORYBOARD, playback_url, static_mp4, video_prefix
from domain.policy import LifecyclePolicy
from domain.profiles import DEFAULT_PROFILE
from domain.records import EventRow, VideoRow
from domain.schedule import next_check_at, restore_window
from domain.video import ObservedState, Published, Rendition
from webapi.schemas.responses import (
    AdminVideoBody,
    CaptionBody,
    CaptionList,
    EventBody,
    MadeWith,
    Mp4File,
    RenditionBody,
    VideoBody,
    VideoError,
)
from webapi.videos.playback_links import PlaybackLinks, own_poster_path
from webapi.videos.source_urls import redacted

# The operator is nudged at once; a pass takes about this long.
_SOON_SECONDS = 2
# What a client waits for can come earlier than the next check: a confirmation and a callback nudge.
_SELDOM_SECONDS = 60
_CODES = frozenset(code.value for code in FailureCode)


@dataclass(frozen=True)
class Serializer:
    """Serializes videos. It knows how long each phase may take.

    ``playback_base`` returns where the streams of a region are published, None if it is not configured.
    """

    playback_base: Callable[[str], str | None]
    policy: LifecyclePolicy
    # None where private videos cannot be played.
    links: PlaybackLinks | None = None

    def captions(self, row: VideoRow, now: datetime) -> CaptionList:
        """Return the captions of a video. One is published once it accompanies the stream."""
        is_public = row.observed.is_playable and not row.desired.deleted
        published = set(row.captions_published.captions.tracks) if is_public else set()

        def url(track: CaptionTrack) -> str | None:
            return self._file_url(row, f"{CAPTIONS_FOLDER}/{text_name(track)}", now) if track in published else None

        return CaptionList(
            captions=tuple(
                CaptionBody(
                    language=track.language,
                    label=track.label,
                    default=track.is_default,
                    status="published" if track in published else "pending",
                    url=url(track),
                )
                for track in row.captions.tracks
            )
        )

    def video(self, row: VideoRow, now: datetime) -> VideoBody:
        """Return what the owner sees of a video."""
        desired, observed = row.desired, row.observed
        presentation = present(desired, observed)
        published = observed.published if observed.is_playable and not desired.deleted else None
        return VideoBody(
            id=desired.video_id,
            region=desired.region,
            title=desired.title,
            status=presentation.phase,
            revision=row.revisions.tag,
            playback_url=self._playback_url(row, now) if published else None,
            thumbnail_url=self._file_url(row, path, now) if (path := _poster_path(row, published)) else None,
            poster=_poster(row, published),
            is_playable=published is not None,
            visibility=desired.visibility,
            embed_origins=row.embed_origins,
            progress=observed.progress_percent,
            reason=presentation.reason,
            waiting_for=presentation.waiting_for,
            what_to_do=presentation.what_to_do,
            phase_since=observed.phase_since,
            next_check_at=self._next_check_at(row, now),
            deadline_at=None if presentation.is_held else observed.deadline_at,
            attempt=observed.attempt,
            submissions_left=self.policy.submissions_left(observed),
            edition=observed.edition,
            edition_status=observed.phase,
            error=_error(observed),
            renditions=_renditions(published),
            profile=desired.profile,
            made_with=_made_with(published),
            storyboard_url=self._storyboard_url(row, published, now),
            mp4_files=self._mp4_files(row, published, now),
            duration_seconds=published.duration_seconds if published else None,
            filename=desired.filename,
            content_type=desired.content_type,
            size_bytes=observed.source.file_bytes if observed.source else desired.declared_bytes,
            content_md5=row.content_md5,
            source_url=row.source_url,
            metadata=dict(row.metadata),
            created_at=row.created_at,
            deleted_at=row.deleted_at,
            restorable_until=row.deleted_at + restore_window(self.policy.timing) if row.deleted_at else None,
        )

    def _storyboard_url(self, row: VideoRow, published: Published | None, now: datetime) -> str | None:
        # The pictures that it names would each need a signature.
        if published is None or not published.has_storyboard or row.observed.is_private:
            return None
        return self._file_url(row, f"{published.folder}/{STORYBOARD}", now)

    def _mp4_files(self, row: VideoRow, published: Published | None, now: datetime) -> tuple[Mp4File, ...]:
        heights = published.mp4_heights if published else ()
        folder = published.folder if published else ""
        urls = {height: self._file_url(row, f"{folder}/{static_mp4(height)}", now) for height in heights}
        return tuple(Mp4File(height=height, url=url) for height, url in urls.items() if url is not None)

    def _playback_url(self, row: VideoRow, now: datetime) -> str | None:
        video_id = row.desired.video_id
        if row.observed.is_private:
            return self.links.playlist(video_id, now) if self.links else None
        base = self.playback_base(row.desired.region)
        return playback_url(base, video_id) if base else None

    def _file_url(self, row: VideoRow, path: str, now: datetime) -> str | None:
        """Return the URL of one file. ``path``: below the video's prefix."""
        video_id = row.desired.video_id
        if row.observed.is_private:
            return self.links.file(video_id, path, now) if self.links else None
        base = self.playback_base(row.desired.region)
        return f"{base}/{video_prefix(video_id)}{path}" if base else None

    def admin_video(self, row: VideoRow, now: datetime) -> AdminVideoBody:
        """Return what administrators see of a video."""
        failure = row.observed.failure
        shown = dict(self.video(row, now))
        if row.source_url is not None:
            shown["source_url"] = redacted(row.source_url)
        return AdminVideoBody(
            **shown,
            owner=row.desired.owner,
            origin=row.desired.origin,
            provider_answer=failure.provider_answer if failure else None,
        )

    def retry_after_seconds(self, row: VideoRow, now: datetime) -> int | None:
        """Return after how many seconds the video may have changed, None if only a person can change it."""
        check_at = self._next_check_at(row, now)
        if check_at is not None:
            return min(_SELDOM_SECONDS, max(1, math.ceil((check_at - now).total_seconds())))
        return _SOON_SECONDS if present(row.desired, row.observed).is_moving else None

    def _next_check_at(self, row: VideoRow, now: datetime) -> datetime | None:
        if row.desired.deleted:
            return None
        return next_check_at(row.desired, row.observed, now, self.policy.timing)


def event(row: EventRow) -> EventBody:
    """Return one transition of a video's history."""
    return EventBody(
        at=row.at,
        cause=row.cause,
        status=row.phase,
        reason=row.reason,
        message=row.message,
        attempt=row.attempt,
    )


def _poster(row: VideoRow, published: Published | None) -> Literal["automatic", "own"] | None:
    if row.poster.digest is not None:
        return "own"
    return "automatic" if published is not None and published.has_poster else None


def _poster_path(row: VideoRow, published: Published | None) -> str | None:
    """Return the path of the picture that is shown, below the video's prefix; None if there is none."""
    if published is None:
        return None
    return own_poster_path(row) or (POSTER if published.has_poster else None)


def _error(observed: ObservedState) -> VideoError | None:
    flaw = observed.failure or observed.rejected
    if flaw is None:
        return None
    # A newer operator may reject with a code that this release does not have; most of them mean not_a_video.
    advice = ADVICE[FailureCode(flaw.code) if flaw.code in _CODES else FailureCode.NOT_A_VIDEO]
    return VideoError(
        code=flaw.code,
        message=flaw.message,
        stage=advice.stage,
        attempt=observed.failure.attempt if observed.failure else observed.attempt,
        retryable=advice.retryable,
        what_to_do=advice.action,
    )


def _made_with(published: Published | None) -> MadeWith | None:
    if published is None:
        return None
    return MadeWith(profile=published.profile or DEFAULT_PROFILE, hash=published.made_with)


def _renditions(published: Published | None) -> tuple[RenditionBody, ...]:
    return tuple(_rendition(rendition) for rendition in published.renditions) if published else ()


def _rendition(rendition: Rendition) -> RenditionBody:
    return RenditionBody(
        width=rendition.width,
        height=rendition.height,
        bandwidth=rendition.bandwidth,
        average_bandwidth=rendition.average_bandwidth,
        codecs=rendition.codecs,
        frame_rate=rendition.frame_rate,
    )
