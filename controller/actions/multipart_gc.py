"""Aborts multipart uploads that will never be completed: storage keeps their parts, and charges for them, until then.

They remain when a process dies between two calls, when storage does not answer while a video is deleted, and when
signed parts arrive late. An upload that a waiting row names is never aborted.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import chain

from controller.dependencies import Dependencies
from domain.object_keys import ORIGINALS_PREFIX, UPLOADS_PREFIX, video_id_of
from domain.objects import OpenUpload
from domain.video import Phase
from runtime import heartbeats

# Covers the time between opening an upload at storage and its commit, and the difference between two clocks.
_SETTLES_SECONDS = 3600.0
# A row may be missing while a backup is being restored: an upload that it may still name is not aborted.
_MARGIN_SECONDS = 24 * 3600.0


class AbandonedUploads:
    """Walks over the open uploads at storage. May be repeated at any time."""

    def __init__(self, deps: Dependencies, *, clock: Callable[[], datetime]) -> None:
        self._deps = deps
        self._clock = clock

    def abort_abandoned(self) -> int:
        """Abort the uploads that no row waits for; return how many. Raises UnavailableError, RefusedError."""
        aborted = 0
        for page in chain.from_iterable(map(self._deps.parts.open_uploads, (UPLOADS_PREFIX, ORIGINALS_PREFIX))):
            for upload in page:
                heartbeats.record()
                if self._is_abandoned(upload):
                    self._deps.parts.abort(upload.key, upload.upload_id)
                    aborted += 1
        return aborted

    def _is_abandoned(self, upload: OpenUpload) -> bool:
        age, timing = self._clock() - upload.initiated_at, self._deps.policy.timing
        if age < timing.scaled(_SETTLES_SECONDS):
            return False
        video_id = video_id_of(upload.key)
        row = None if video_id is None else self._deps.observations.get(video_id)
        if row is None:
            return age >= self._longest()
        waits = row.observed.phase in (Phase.PENDING, Phase.UPLOADING) and not row.desired.deleted
        return not (waits and row.upload_id == upload.upload_id)

    def _longest(self) -> timedelta:
        timing = self._deps.policy.timing
        return timing.scaled(timing.uploading_longest_seconds + _MARGIN_SECONDS)
