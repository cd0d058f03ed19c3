"""Transcode profiles as the operator last listed them at Kubernetes.

The API and the passes read them here, so neither needs Kubernetes. A deleted profile cannot be chosen any more, and
still means what it last meant to the videos that name it.
"""

from collections.abc import Collection
from dataclasses import dataclass

from psycopg.types.json import Jsonb

from database.pool import Database
from domain.profiles import DEFAULT_PROFILE, ORIGINAL, OrderedProfile, json_of_spec, ordered, spec_of_json

_GET = "SELECT spec, hash FROM transcode_profiles WHERE name = %(name)s"
# Deleted ones are kept while videos name them, so there may be more than an installation may have.
LISTED_MAX = 200
_LIST = "SELECT name, hash, deleted_at IS NULL AS is_offered FROM transcode_profiles ORDER BY name LIMIT %(at_most)s"
# What an administrator requested in bulk is charged like a rollout, but no rollout has started it.
_IS_HELD = """
SELECT FROM rollout_videos WHERE video_id = %(video_id)s AND edition = %(edition)s
  AND NOT EXISTS (SELECT FROM rollouts WHERE profile = %(name)s AND superseded_at IS NULL AND may_buy)
LIMIT 1
"""
_IS_OFFERED = "SELECT FROM transcode_profiles WHERE name = %(name)s AND deleted_at IS NULL"

# The condition keeps an unchanged profile from being written at every list.
_PUT = """
INSERT INTO transcode_profiles (name, spec, hash) VALUES (%(name)s, %(spec)s, %(hash)s)
ON CONFLICT (name) DO UPDATE SET spec = excluded.spec, hash = excluded.hash, deleted_at = NULL
WHERE (transcode_profiles.spec, transcode_profiles.hash, transcode_profiles.deleted_at)
    IS DISTINCT FROM (excluded.spec, excluded.hash, NULL)
"""
_DELETE = """
UPDATE transcode_profiles SET deleted_at = clock_timestamp()
WHERE deleted_at IS NULL AND NOT name = ANY(%(names)s)
"""
# The default means the original again.
_FORGET = """
DELETE FROM transcode_profiles
WHERE deleted_at IS NOT NULL
  AND (name = %(default)s OR (deleted_at < clock_timestamp() - interval '1 day'
    AND NOT EXISTS (SELECT FROM videos WHERE videos.profile = transcode_profiles.name)))
"""
_WAITING = """
SELECT video_id FROM videos
JOIN transcode_profiles ON transcode_profiles.name = videos.profile
WHERE videos.phase = 'uploaded' AND videos.reason = 'WaitingForProfile' LIMIT %(at_most)s
"""


@dataclass(frozen=True)
class ListedProfile:
    """A profile as administrators see it. ``is_offered``: whether new videos may name it."""

    name: str
    hash: str
    is_offered: bool


class Profiles:
    """The profiles of this installation. Every method raises UnavailableError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, name: str) -> OrderedProfile | None:
        """Return what a profile means to the videos that name it; None if there never was one of this name."""
        with self._database.connection() as connection:
            found = connection.execute(_GET, {"name": name}).fetchone()
        if found is not None:
            return OrderedProfile(name, found["hash"], spec_of_json(found["spec"]))
        return ordered(name, ORIGINAL) if name == DEFAULT_PROFILE else None

    def is_rollout_held(self, name: str, video_id: str, edition: int) -> bool:
        """Return whether a rollout started this edition, and the profile has none that may buy now, whichever."""
        parameters = {"name": name, "video_id": video_id, "edition": edition}
        with self._database.connection() as connection:
            return connection.execute(_IS_HELD, parameters).fetchone() is not None

    def is_offered(self, name: str) -> bool:
        """Return whether a new video may name the profile."""
        if name == DEFAULT_PROFILE:
            return True
        with self._database.connection() as connection:
            return connection.execute(_IS_OFFERED, {"name": name}).fetchone() is not None

    def all(self) -> list[ListedProfile]:
        """Return every profile by name, the default too where no resource says what it means; LISTED_MAX at most."""
        with self._database.connection() as connection:
            rows = connection.execute(_LIST, {"at_most": LISTED_MAX - 1}).fetchall()
        found = {columns["name"]: ListedProfile(**columns) for columns in rows}
        default = ListedProfile(DEFAULT_PROFILE, ORIGINAL.hash, is_offered=True)
        return sorted({DEFAULT_PROFILE: default, **found}.values(), key=lambda one: one.name)

    def replace(self, profiles: Collection[OrderedProfile], *, kept: Collection[str] = ()) -> bool:
        """Take over all profiles there are now; return whether any is new, changed or gone.

        ``kept``: names of further ones, which mean what they meant before.
        """
        with self._database.transaction() as connection:
            changed = 0
            for one in sorted(profiles, key=lambda one: one.name):
                values = {"name": one.name, "spec": Jsonb(json_of_spec(one.spec)), "hash": one.hash}
                changed += connection.execute(_PUT, values).rowcount
            names = [*(one.name for one in profiles), *kept]
            changed += connection.execute(_DELETE, {"names": names}).rowcount
            connection.execute(_FORGET, {"default": DEFAULT_PROFILE})
        return changed > 0

    def waiting_videos(self, *, at_most: int) -> list[str]:
        """Return videos whose submission waits for a profile that is there by now."""
        with self._database.connection() as connection:
            rows = connection.execute(_WAITING, {"at_most": at_most}).fetchall()
        return [columns["video_id"] for columns in rows]
