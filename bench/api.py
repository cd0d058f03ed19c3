"""`python -m bench.api`: GET and POST of the service beside a bare minimum, in one run.

The two sides alternate every few seconds, so that other work on the machine affects both alike.
"""

import argparse
import json
import os
import platform
from contextlib import ExitStack
from datetime import UTC, datetime

import psycopg

from bench.figures import Side, comparison
from bench.load import hammer
from bench.servers import Bench, bench, started
from devstack import tokens
from devstack.ports import HOST
from devstack.server import Server
from domain.video import new_video_id

VIDEOS = 200
OWNERS = 500
CONNECTIONS = 8

_RENDITIONS = [
    {"uri": f"1/hls/{height}p/index.m3u8", "bandwidth": 1000 * height, "average_bandwidth": 900 * height,
     "width": height * 16 // 9, "height": height, "codecs": "avc1.64001f,mp4a.40.2", "frame_rate": 30.0}
    for height in (360, 480, 720, 1080)
]  # fmt: skip
_SOURCE = {"etag": "9" * 32, "last_modified": "2026-03-01T12:00:00Z", "file_bytes": 10**8, "container": "mp4"}
_PUBLISHED = {
    "edition": 1,
    "attempt": 1,
    "duration_seconds": 60.0,
    "renditions": _RENDITIONS,
    "has_poster": True,
}
_FILL = """
INSERT INTO videos (video_id, origin, owner, title, filename, content_type, declared_bytes, upload_mode, region,
    storage_key, profile, phase, phase_since, reason, message, attempt, progress_percent, source, published,
    is_playable)
VALUES (%(video_id)s, 'api', 'owner-0', 'Cats', 'cats.mp4', 'video/mp4', 100000000, 'single', 'tor1',
    'uploads/' || %(video_id)s || '/original.mp4', 'hls-1080p', 'ready', now(), 'Published', 'the video is playable', 1,
    100, %(source)s, %(published)s, true)
"""


def main() -> None:
    """Measure, and print the tables for docs/performance.md."""
    parser = argparse.ArgumentParser(prog="python -m bench.api", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="rounds of each side")
    parser.add_argument("--seconds", type=float, default=2, help="length of a round")
    chosen = parser.parse_args()
    with bench() as running, ExitStack() as ending:
        video_ids = _fill(running.database_url)
        ours, bare = started(running.service(), ending), started(running.bare(), ending)
        print(f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, Python {platform.python_version()}")
        for method, requests in {"GET": _gets(running, video_ids), "POST": _posts(running)}.items():
            sides = _measure(running, (ours, bare), requests, rounds=chosen.rounds, seconds=chosen.seconds)
            print(f"\n{method}, {CONNECTIONS} connections, {chosen.rounds} rounds of {chosen.seconds:g} s each\n")
            print(comparison(*sides), flush=True)


def _measure(
    running: Bench, servers: tuple[Server, Server], requests: list[bytes], *, rounds: int, seconds: float
) -> tuple[Side, Side]:
    addresses = [(HOST, running.port_of(server)) for server in servers]
    for address in addresses:
        hammer(address, requests, connections=CONNECTIONS, seconds=seconds)  # caches and pools fill
    measured = [
        [hammer(address, requests, connections=CONNECTIONS, seconds=seconds) for address in addresses]
        for _ in range(rounds)
    ]
    ours, bare = zip(*measured, strict=True)
    return Side("the service", ours), Side("bare", bare)


def _fill(database_url: str) -> list[str]:
    """Create published videos at rest, which is the state of most videos."""
    video_ids = [new_video_id() for _ in range(VIDEOS)]
    stored = {"source": json.dumps(_SOURCE), "published": json.dumps(_PUBLISHED)}
    with psycopg.connect(database_url) as connection:
        connection.cursor().executemany(_FILL, [{"video_id": video_id, **stored} for video_id in video_ids])
    return video_ids


def _gets(running: Bench, video_ids: list[str]) -> list[bytes]:
    bearer = _bearer(running, "owner-0")
    return [_request("GET", f"/api/v1/videos/{video_id}", bearer) for video_id in video_ids]


def _posts(running: Bench) -> list[bytes]:
    """Return requests of many owners, because an owner's limit counts the uploads of the last hour."""
    body = json.dumps({"title": "Cats", "filename": "cats.mp4", "content_type": "video/mp4"}).encode()
    bearers = [_bearer(running, f"owner-{number}") for number in range(1, OWNERS + 1)]
    return [_request("POST", "/api/v1/videos", bearer, body) for bearer in bearers]


def _bearer(running: Bench, owner: str) -> str:
    key = running.paths.secrets().jwt_signing_key
    return tokens.mint(key, user=owner, uploads_per_hour=1_000_000, is_admin=False)


def _request(method: str, path: str, bearer: str, body: bytes = b"") -> bytes:
    head = [f"{method} {path} HTTP/1.1", f"Host: {HOST}", f"Authorization: Bearer {bearer}"]
    if body:
        head += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*head, "", ""]).encode() + body


if __name__ == "__main__":
    main()
