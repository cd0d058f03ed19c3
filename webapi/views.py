"""From rows to answers: pure functions, no Falcon."""

from dataclasses import dataclass
from datetime import datetime

from crds.explain import explain
from crds.failures import ADVICE, FailureCode
from crds.schedule import Timing, next_check_at
from crds.videoupload import Observed, Published, Rendition, shown_phase
from desired.rows import VideoRow
from spaces.keys import playback_url, thumbnail_url
from webapi.bodies import RenditionBody, VideoBody, VideoError


@dataclass(frozen=True)
class View:
    """What a row does not know: where streams are published, and how often videos are looked at."""

    playback_base: str
    timing: Timing

    def video(self, row: VideoRow, now: datetime) -> VideoBody:
        """Return what the owner sees of a video."""
        wish, observed = row.wish, row.observed
        explanation = explain(wish, observed)
        shown = observed.published if observed.is_playable and not wish.deleted else None
        return VideoBody(
            id=wish.video_id,
            title=wish.title,
            status=shown_phase(wish, observed),
            playback_url=playback_url(self.playback_base, wish.video_id) if shown else None,
            thumbnail_url=thumbnail_url(self.playback_base, wish.video_id) if shown and shown.has_poster else None,
            progress=observed.progress_percent,
            reason=observed.reason,
            waiting_for=explanation.waiting_for,
            what_to_do=explanation.what_to_do,
            next_check_at=self.next_check_at(row, now),
            deadline_at=observed.deadline_at,
            attempt=observed.attempt,
            edition=observed.edition,
            error=_error(observed),
            renditions=_renditions(shown),
            duration_seconds=shown.duration_seconds if shown else None,
            filename=wish.filename,
            content_type=wish.content_type,
            size_bytes=observed.source.file_bytes if observed.source else wish.declared_bytes,
            created_at=row.created_at,
        )

    def next_check_at(self, row: VideoRow, now: datetime) -> datetime | None:
        """Return when the operator looks next; None at rest."""
        return next_check_at(row.wish.video_id, row.observed, now, self.timing)


def _error(observed: Observed) -> VideoError | None:
    if observed.failure is not None:
        failure, advice = observed.failure, observed.failure.advice
        return VideoError(
            code=failure.code,
            message=failure.message,
            stage=advice.stage,
            attempt=failure.attempt,
            retryable=advice.retryable,
            what_to_do=advice.action,
        )
    if observed.rejected is not None:
        rejected, advice = observed.rejected, ADVICE[FailureCode(observed.rejected.code)]
        return VideoError(
            code=rejected.code,
            message=rejected.message,
            stage=advice.stage,
            attempt=observed.attempt,
            retryable=advice.retryable,
            what_to_do=advice.action,
        )
    return None


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
