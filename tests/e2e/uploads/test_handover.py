"""Two operators: when the leader is lost the other one takes over, and nothing is done twice."""

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

from tests.e2e.uploads.operators import leader, operators
from tests.e2e.uploads.world import World, in_phase, plays_attempt, uploaded
from tests.support.eventually import eventually
from tests.support.proxies.proxy import HoldRequest, ProxiedRequest, Proxy, Rule, proxy_before

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


def test_a_leader_frozen_for_a_minute_changes_nothing_that_lasts(world: World, clip: Path) -> None:
    world.faults(canned=1)
    client = world.client()
    with operators(world) as others:
        # It freezes just before it writes the playlist of the first edition.
        point = {"CRASH_AT": "WritePlaylist.storage.write_playlist.1:before", "CRASH_SIGNAL": "STOP"}
        frozen = others.start_once("frozen", **point)
        video_id = uploaded(client, clip)
        eventually(lambda: _is_stopped(frozen.process.pid()), within_seconds=60)
        frozen_at = time.monotonic()

        others.start("successor")
        eventually(lambda: in_phase(client, video_id, "ready"), within_seconds=90)
        _ask_for_another_edition(world, video_id)
        eventually(lambda: plays_attempt(client.video(video_id).playback_url, 2), within_seconds=60)
        # The playlist is there a moment before the row says so.
        eventually(lambda: world.rows(video_id)["videos"][0]["phase"] == "ready")
        before = world.rows(video_id)
        _wait_until(lambda: time.monotonic() - frozen_at >= FROZEN_SECONDS)

        pid = frozen.process.pid()
        assert pid is not None
        os.kill(pid, signal.SIGCONT)
        eventually(lambda: not frozen.process.is_alive(), within_seconds=30)
        # If it still wrote, the leader finds that and writes again.
        eventually(lambda: plays_attempt(client.video(video_id).playback_url, 2), within_seconds=60)
        assert world.rows(video_id) == before
        assert leader(world) == "successor"
    assert [job["attempt"] for job in world.jobs(video_id)] == [1, 2]


def test_a_dead_leaders_late_write_over_a_newer_edition_is_overwritten(world: World, clip: Path) -> None:
    world.faults(canned=1)
    client, storage = world.client(), world.described.s3.endpoint
    gate, next_gate = threading.Event(), threading.Event()
    with proxy_before(storage) as first_way, proxy_before(storage) as next_way, operators(world) as others:
        first_way.rule = _holding_playlists(gate)
        doomed = others.start_once("doomed", **_by(first_way, storage))
        video_id = uploaded(client, clip)
        eventually(lambda: _playlists_sent(first_way), within_seconds=60)
        doomed.process.kill()

        others.start("successor", **_by(next_way, storage))
        eventually(lambda: in_phase(client, video_id, "ready"), within_seconds=90)
        _ask_for_another_edition(world, video_id)
        eventually(lambda: plays_attempt(client.video(video_id).playback_url, 2), within_seconds=60)
        eventually(lambda: world.status(video_id).get("work", {}).get("phase") == "ready", within_seconds=60)
        before, sent = world.rows(video_id), len(_playlists_sent(next_way))

        # Hold the successor's repair until the test has seen the damage.
        next_way.rule = _holding_playlists(next_gate)
        gate.set()
        eventually(lambda: first_way.arrived)
        assert set(first_way.arrived) == {200}
        assert plays_attempt(client.video(video_id).playback_url, 1)
        next_gate.set()
        eventually(lambda: plays_attempt(client.video(video_id).playback_url, 2), within_seconds=60)
        assert len(_playlists_sent(next_way)) == sent + 1
        assert world.rows(video_id) == before
    assert [job["attempt"] for job in world.jobs(video_id)] == [1, 2]


def _by(way: Proxy, storage: str) -> dict[str, str]:
    """Return the settings of an operator that reaches storage through a proxy. The URLs that it signs do not use it."""
    return {"S3_ENDPOINT": way.url, "S3_PUBLIC_ENDPOINT": storage}


def _holding_playlists(gate: threading.Event) -> Rule:
    return lambda request: HoldRequest(gate) if _is_playlist(request) else None


def _is_playlist(request: ProxiedRequest) -> bool:
    return request.method == "PUT" and request.target.endswith("/playlist.m3u8")


def _playlists_sent(way: Proxy) -> list[ProxiedRequest]:
    return [request for request in way.requests if _is_playlist(request)]


def _ask_for_another_edition(world: World, video_id: str) -> None:
    desired = "UPDATE videos SET edition = edition + 1, revision = revision + 1, retired = false WHERE video_id = %s"
    with psycopg.connect(world.described.database_url, autocommit=True) as connection:
        connection.execute(desired, [video_id])


def _is_stopped(pid: int | None) -> bool:
    return pid is not None and Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def _wait_until(is_time: Callable[[], bool]) -> None:
    eventually(is_time, within_seconds=FROZEN_SECONDS)
