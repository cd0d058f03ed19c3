"""Multipart uploads that nobody will finish: storage keeps, and charges for, their parts until somebody gives them up.

They are left by a process that ended between two calls, by storage that did not answer when a video was deleted, and by
signed parts that arrived late. An upload that a waiting row names is never touched.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from controller.dependencies import Dependencies
from domain.object_keys import ORIGINALS_PREFIX, video_id_of
from domain.objects import OpenUpload
from domain.video import Phase

# Between the opening at storage and its commit, and between two clocks.
_SETTLES_SECONDS = 3600.0
# A row may be missing because a backup is being put back: no upload that could still be wanted is given up.
_MARGIN_SECONDS = 24 * 3600.0


class AbandonedUploads:
    """The walk over open uploads. May be repeated at any time."""

    def __init__(self, deps: Dependencies, *, clock: Callable[[], datetime]) -> None:
        self._deps = deps
        self._clock = clock

    def abort_abandoned(self) -> int:
        """Give up what nobody waits for; returns how many. Raises UnavailableError, RefusedError."""
        given_up = 0
        for page in self._deps.parts.open_uploads(ORIGINALS_PREFIX):
            for upload in page:
                if self._is_abandoned(upload):
                    self._deps.parts.abort(upload.key, upload.upload_id)
                    given_up += 1
        return given_up

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
