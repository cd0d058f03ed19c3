"""Takes the TranscodeProfiles over into Postgres, where the API and the passes read them, and says so in their status.

A list every few seconds instead of a watch: profiles change rarely, and nothing depends on a message arriving.
"""

from collections.abc import Callable
from datetime import datetime

import structlog

from controller.loop.queue import WorkQueue
from crds.profile_resources import ProfileReason, ProfileResource, ProfileResources
from database.profiles import Profiles
from domain.errors import ConflictError
from domain.profiles import ProfileSpec
from domain.records import Cause

log = structlog.get_logger(__name__)

# Nothing grows without bound; an installation needs a handful.
PROFILES_MAX = 50
_WAITING_AT_ONCE = 500


class ProfileMirror:
    """The copy of the profiles in Postgres."""

    def __init__(
        self, resources: ProfileResources, profiles: Profiles, queue: WorkQueue, *, clock: Callable[[], datetime]
    ) -> None:
        self._resources = resources
        self._profiles = profiles
        self._queue = queue
        self._clock = clock

    def mirror(self) -> int:
        """Take over every profile; return how many statuses were written. Raises UpstreamError.

        Where the kind is not served, as before its definition was applied, the copy stays as it is.
        """
        listed = self._resources.list()
        if listed is None:
            return 0
        judged = [(one, *_judged(one, place)) for place, one in enumerate(sorted(listed, key=lambda one: one.name))]
        valid = {one.name: spec for one, reason, spec in judged if reason is ProfileReason.IN_USE and spec is not None}
        kept = {one.name for one, reason, _ in judged if reason is ProfileReason.INVALID}
        if self._profiles.replace(valid, kept=kept):
            log.info("profiles_changed", profiles=sorted(valid))
        # Also those that came to wait in between: their pass may have read the profiles just before.
        for video_id in self._profiles.waiting_videos(at_most=_WAITING_AT_ONCE):
            self._queue.add(video_id, Cause.SWEEP)
        return sum(self._show(one, reason, spec) for one, reason, spec in judged)

    def _show(self, resource: ProfileResource, reason: ProfileReason, spec: ProfileSpec | None) -> bool:
        status = resource.status_with(reason, spec, self._clock())
        if status == resource.status:
            return False
        try:
            self._resources.write_status(resource, status)
        except ConflictError:
            return False  # changed meanwhile: the next list has the newer one
        return True


def _judged(resource: ProfileResource, place: int) -> tuple[ProfileReason, ProfileSpec | None]:
    spec = resource.profile()
    if spec is None:
        return ProfileReason.INVALID, None
    return (ProfileReason.IN_USE if place < PROFILES_MAX else ProfileReason.TOO_MANY), spec
