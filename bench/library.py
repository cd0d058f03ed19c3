"""A library that a rollout counts: what planning 100,000 videos takes, measured in a process of its own.

`python -m bench.library URL` counts what a database has and prints one line of JSON.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import psycopg

from bench.sides import WORKER, Bench
from bench.usage import peak_memory_mib
from database.pool import Database
from database.profiles import Profiles
from database.rollouts import Rollouts
from devstack.paths import PROJECT_DIR
from domain.profiles import ProfileRendition, ProfileSpec, ordered
from domain.rollouts import DeclaredRollout, RolloutSpec

_PROFILE = ordered("library", ProfileSpec((ProfileRendition(360, 800),)))
_WITHIN_SECONDS = 600
# A film of a minute, made with another hash than the profile has now.
_FILL = """
INSERT INTO videos (video_id, created_at, origin, owner, title, filename, content_type, upload_mode, region,
    storage_key, profile, phase, phase_since, reason, message, attempt, is_playable, published)
SELECT 'library-' || lpad(number::text, 12, '0'), timestamptz '2026-01-01' + number * interval '1 second',
    'api', 'owner' || number %% 7, 'A film', 'film.mp4', 'video/mp4', 'single', 'tor1', 'uploads/v/original.mp4',
    %(profile)s, 'ready', clock_timestamp(), 'Published', '', 1, true,
    jsonb_build_object('edition', 1, 'attempt', 1, 'duration_seconds', 60.0, 'renditions', '[]'::jsonb,
        'has_poster', false, 'profile_hash', '0000000000000000')
FROM generate_series(1, %(videos)s) AS number
"""


def planned(bench: Bench, count: int) -> Mapping[str, float]:
    """Write so many ready videos, and let a process plan a rollout over them while no operator runs."""
    ours = bench.ours
    ours.stack.stop(WORKER)
    with psycopg.connect(ours.database_url) as connection:
        connection.execute(_FILL, {"profile": _PROFILE.name, "videos": count})
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE videos")
    done = subprocess.run(
        [sys.executable, "-m", "bench.library", ours.database_url],
        cwd=PROJECT_DIR,
        stdout=subprocess.PIPE,
        timeout=_WITHIN_SECONDS,
        check=True,
    )
    found: Mapping[str, float] = json.loads(done.stdout)
    return found


def _count(url: str) -> Mapping[str, float]:
    """Plan a rollout as the operator does, and return what it took."""
    with closing(Database(url, max_size=2)) as database:
        rollouts = Rollouts(database)
        Profiles(database).replace([_PROFILE])
        rollouts.declare([DeclaredRollout(_PROFILE, RolloutSpec(), 0.01)])
        (plan,) = rollouts.current()
        before, began = _memory_mib(), time.monotonic()
        pages = rollouts.count(plan, longest_seconds=3600)
        seconds = time.monotonic() - began
        grew = peak_memory_mib(os.getpid()) - before
        (plan,) = rollouts.current()
        return {
            "videos": plan.outdated or 0,
            "pages": pages,
            "planned in, s": seconds,
            "memory before, MiB": before,
            "peak memory grew by, MiB": grew,
        }


def _memory_mib() -> float:
    """Return the resident memory as it is, from which the peak begins anew."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak_memory_mib(os.getpid())


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_count(sys.argv[1])) + "\n")
