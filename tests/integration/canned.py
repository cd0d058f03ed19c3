"""Ready videos by the thousand, and the passes over them, by SQL: canned transcodes for tests of rollouts."""

import psycopg
from psycopg.types.json import Jsonb

PUBLISHED = {"edition": 1, "attempt": 1, "duration_seconds": 60.0, "renditions": [], "has_poster": False}

_FILL = """
INSERT INTO videos (video_id, created_at, origin, owner, title, filename, content_type, upload_mode, region,
    storage_key, profile, phase, phase_since, reason, message, attempt, is_playable, published)
SELECT %(profile)s || '-' || lpad(number::text, 12, '0'), timestamptz '2026-01-01' + number * interval '1 second',
    'api', 'owner' || number %% 7, 'title', 'f.mp4', 'video/mp4', 'single', 'tor1', 'uploads/v/original.mp4',
    %(profile)s,
    'ready', clock_timestamp(), 'Published', '', 1, true,
    %(published)s || jsonb_build_object('profile_hash', %(hash)s::text)
FROM generate_series(1, %(videos)s) AS number
"""
# What passes would leave behind: one paid attempt and the new edition, made with the profile as it is now.
_FINISH = """
WITH begun AS (
    UPDATE videos SET observed_edition = edition, observed_revision = observed_revision + 1, attempt = attempt + 1,
        phase_since = clock_timestamp(),
        published = published || jsonb_build_object('edition', edition, 'profile_hash', transcode_profiles.hash)
    FROM transcode_profiles WHERE name = profile AND edition > observed_edition
    RETURNING video_id, attempt, edition
)
INSERT INTO attempts (video_id, attempt, edition, state, job_id, intended_at, settled_at, minutes)
SELECT video_id, attempt, edition, 'completed', video_id || '/' || attempt, clock_timestamp(), clock_timestamp(), 1
FROM begun RETURNING video_id
"""


class CannedLibrary:
    """The videos of a database, and jobs that end at once."""

    def __init__(self, url: str) -> None:
        self._url = url

    def fill(self, videos: int, *, profile: str, made_with: str = "0" * 16) -> None:
        """Add ready videos of a minute."""
        values = {"videos": videos, "profile": profile, "published": Jsonb(PUBLISHED), "hash": made_with}
        with psycopg.connect(self._url) as connection:
            connection.execute(_FILL, values)

    def finish(self) -> int:
        """End every edition that was asked for; return how many."""
        with psycopg.connect(self._url) as connection:
            return connection.execute(_FINISH).rowcount

    def bought(self) -> dict[int, int]:
        """Return how many videos have bought how many jobs."""
        statement = """
            SELECT jobs, count(*) FROM (SELECT video_id, count(attempts.video_id) AS jobs
                FROM videos LEFT JOIN attempts USING (video_id) GROUP BY video_id) AS each GROUP BY jobs
        """
        with psycopg.connect(self._url) as connection:
            return dict(connection.execute(statement).fetchall())
