"""The command `videoupload` as people run it, against the whole stack."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from devstack.paths import PROJECT_DIR
from tests.e2e.clips import LONG_BYTES
from tests.e2e.uploads.world import Person, World
from tests.support.proxies.lossy_proxy import LossyProxy

PARTS = 8


class UserCommand:
    """The command as one person, with a home of its own."""

    def __init__(self, person: Person, home: Path) -> None:
        self.home = home
        self.environment = {
            **os.environ,
            "XDG_STATE_HOME": str(home),
            "VIDEOUPLOAD_API": person.api_url,
            "VIDEOUPLOAD_TOKEN": person.token,
        }

    def __call__(self, *words: str | Path, expected: int = 0) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        with self.started(*words) as process:
            out, err = process.communicate(timeout=120)
        assert process.returncode == expected, err
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def json(self, *words: str | Path) -> Any:
        """Run it to its end and return what it prints as JSON."""
        return json.loads(self(*words, "--json").stdout)

    def started(self, *words: str | Path) -> "subprocess.Popen[str]":
        """Start it."""
        argv = [sys.executable, "-m", "videoupload", *map(str, words)]
        return subprocess.Popen(
            argv, cwd=PROJECT_DIR, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )


@pytest.fixture
def command(world: World, tmp_path: Path) -> UserCommand:
    """The command, as a new user."""
    return UserCommand(world.person(), tmp_path / "state")


def test_a_client_killed_at_sixty_percent_resends_one_part_at_most(
    world: World, command: UserCommand, long_clip: Path
) -> None:
    world.faults(canned=1)
    storage = world.described.s3.endpoint
    with LossyProxy(api_url=command.environment["VIDEOUPLOAD_API"], storage_url=storage).running() as lossy_proxy:
        command.environment["VIDEOUPLOAD_API"] = lossy_proxy.url
        lossy_proxy.hold_after_bytes = LONG_BYTES * 60 // 100
        with command.started("upload", long_clip) as first:
            assert lossy_proxy.is_holding.wait(60)
            first.kill()
            _out, shown = first.communicate()
        assert first.returncode < 0
        assert "sending      50 %" in shown
        lossy_proxy.hold_after_bytes = None
        lossy_proxy.released.set()

        again = command("upload", long_clip, "--wait")
        (video,) = command.json("list")
    assert "resuming video" in again.stderr
    assert "status       ready" in again.stdout
    times = Counter(lossy_proxy.begun)
    assert set(times) == set(range(1, PARTS + 1))
    assert sum(times.values()) <= PARTS + 1
    assert world.original(video["id"]) == long_clip.read_bytes()
    assert list(command.home.rglob("*.json")) == []


def test_a_video_is_uploaded_listed_deleted_and_restored(world: World, command: UserCommand, clip: Path) -> None:
    world.faults(canned=1)
    video_id = command("upload", clip, "--title=Cats", "--metadata=album=summer").stdout.strip()
    waited = command("upload", clip, "--wait", "--title=More cats")
    assert "status       ready" in waited.stdout

    listed = command("list").stdout.splitlines()
    assert [line.split()[-1] for line in listed[1:]] == ["cats", "Cats"]
    seen = command.json("get", video_id)
    assert (seen["title"], seen["metadata"]) == ("Cats", {"album": "summer"})
    assert "client" in command("events", video_id).stdout

    ready = command.json("list", "--status=ready")[0]["id"]
    assert command.json("retranscode", ready)["id"] == ready
    command("delete", video_id)
    assert video_id in command("list", "--deleted").stdout
    assert video_id not in command("list").stdout
    command("restore", video_id)
    assert video_id in command("list").stdout


def test_a_failed_video_is_reported_with_its_reason_and_retried(world: World, command: UserCommand, clip: Path) -> None:
    world.faults(fail=1)
    failed = command("upload", clip, "--wait", expected=1)
    assert "transcode_failed" in failed.stderr
    (video,) = command.json("list", "--status=errored")

    world.faults(fail=0, canned=1)
    command("retry", video["id"])
    declined = command("retry", "abcdefghijklmnopqrstuvwxy2", expected=1)
    assert "[not_found]" in declined.stderr


def test_a_file_that_is_not_a_video_is_refused_with_advice(command: UserCommand, not_a_video: Path) -> None:
    refused = command("upload", not_a_video, "--wait", expected=1)
    assert "not_a_video" in refused.stderr
