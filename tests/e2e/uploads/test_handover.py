"""Two operators: one leads, and whatever becomes of it the other one goes on; nothing is done twice."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import requests

from tests.e2e.uploads.operators import SHORT_LEASE, leader, operators
from tests.e2e.uploads.world import World, in_phase, uploaded
from tests.eventually import eventually

SLOW_SECONDS = 10
# 15 s until the Lease of a dead leader expires, 2 s until the other one looks, and the first list.
HAND_OVER_SECONDS = 20
LIST_SECONDS = 10
FROZEN_SECONDS = 60


def test_a_killed_leader_is_followed_within_twenty_seconds(world: World, clip: Path) -> None:
    world.faults(slow=SLOW_SECONDS, canned=1)
    client = world.client()
    first = leader(world)
    standby = world.stack.another_operator("standby")
    standby.up()
    try:
        video_id = uploaded(client, clip)
        eventually(lambda: in_phase(client, video_id, "processing"))
        assert leader(world) == first

        world.stack.kill("operator")
        eventually(lambda: leader(world) == "standby", within_seconds=HAND_OVER_SECONDS)
        eventually(lambda: in_phase(client, video_id, "ready"), within_seconds=LIST_SECONDS + SLOW_SECONDS)
    finally:
        standby.process.kill()
        world.stack.start("operator")
    assert len(world.jobs(video_id)) == 1
    assert [attempt["state"] for attempt in world.rows(video_id)["attempts"]] == ["completed"]


def test_a_leader_that_thaws_after_a_minute_does_nothing_that_lasts(world: World, clip: Path) -> None:
    world.faults(canned=1)
    client = world.client()
    with operators(world) as started:
        # Frozen with the playlist of the first edition in its hands, and nothing of it written.
        point = {"CRASH_AT": "WritePlaylist.storage.write_playlist.1:before", "CRASH_SIGNAL": "STOP"}
        frozen = world.stack.another_operator("frozen", **point, **SHORT_LEASE)
        started.append(frozen)
        frozen.up()
        video_id = uploaded(client, clip)
        eventually(lambda: _is_stopped(frozen.process.pid()), within_seconds=60)
        frozen_at = time.monotonic()

        successor = world.stack.another_operator("successor", **SHORT_LEASE)
        started.append(successor)
        successor.up()
        eventually(lambda: in_phase(client, video_id, "ready"), within_seconds=90)
        _ask_for_another_edition(world, video_id)
        eventually(lambda: _plays(client.video(video_id).playback_url, attempt=2), within_seconds=60)
        before = world.rows(video_id)
        _wait_until(lambda: time.monotonic() - frozen_at >= FROZEN_SECONDS)

        pid = frozen.process.pid()
        assert pid is not None
        os.kill(pid, signal.SIGCONT)
        eventually(lambda: not frozen.process.is_alive(), within_seconds=30)
        # If it still wrote, the one who leads finds it and writes again.
        eventually(lambda: _plays(client.video(video_id).playback_url, attempt=2), within_seconds=60)
        assert world.rows(video_id) == before
        assert leader(world) == "successor"
    assert [job["attempt"] for job in world.jobs(video_id)] == [1, 2]


def _ask_for_another_edition(world: World, video_id: str) -> None:
    wish = "UPDATE videos SET edition = edition + 1, revision = revision + 1, retired = false WHERE video_id = %s"
    with psycopg.connect(world.described.database_url, autocommit=True) as connection:
        connection.execute(wish, [video_id])


def _plays(playback_url: str | None, *, attempt: int) -> bool:
    assert playback_url is not None
    text = requests.get(playback_url, timeout=5).text
    return f"{attempt}/hls/" in text


def _is_stopped(pid: int | None) -> bool:
    return pid is not None and Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def _wait_until(is_time: Callable[[], bool]) -> None:
    eventually(is_time, within_seconds=FROZEN_SECONDS)
