"""Files that come in parts, from clients that are killed, come back, and vanish."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from devstack.place import PROJECT_DIR
from tests.e2e.uploads.world import Person, World, in_phase
from tests.eventually import eventually

FILE_BYTES = 120_000_000
PART_BYTES = 16 * 1024**2


@pytest.fixture
def long_clip_(clip: Path, tmp_path: Path) -> Path:
    """The clip with so much free space behind it that it comes in parts; on disk it takes none."""
    path, played = tmp_path / "long.mp4", clip.read_bytes()
    free_bytes = FILE_BYTES - len(played)
    with path.open("wb") as file:
        file.write(played + free_bytes.to_bytes(4) + b"free")
        file.truncate(FILE_BYTES)
    return path


def started(person: Person, video_id: str, path: Path) -> "subprocess.Popen[str]":
    argv = [sys.executable, "-m", "tests.e2e.uploads.part_client", person.api_url, video_id, str(path)]
    environment = {**os.environ, "TOKEN": person.token}
    return subprocess.Popen(argv, cwd=PROJECT_DIR, env=environment, stdout=subprocess.PIPE, text=True)


def asked_for(person: Person, path: Path, **changes: object) -> str:
    wanted = {"title": "Long", "filename": path.name, "content_type": "video/mp4", "size_bytes": path.stat().st_size}
    upload = person.call("POST", "/videos", expected=201, json={**wanted, **changes})
    assert upload["upload"]["mode"] == "multipart"
    return str(upload["video_id"])


def test_a_killed_client_sends_one_part_twice_at_most_and_a_vanished_one_gets_its_video(
    world: World, long_clip: Path
) -> None:
    world.faults(canned=1)
    person = world.person()
    video_id = asked_for(person, long_clip)

    def held() -> dict[str, object]:
        parts: dict[str, object] = person.call("GET", f"/videos/{video_id}/parts", expected=200)
        return parts

    assert (held()["part_size"], held()["part_count"], held()["parts"]) == (PART_BYTES, 8, [])
    with started(person, video_id, long_clip) as first:
        assert first.stdout is not None
        begun = [next(first.stdout) for _ in range(5)]  # the fifth of eight is on its way
        first.kill()
        begun += list(first.stdout)
    assert first.returncode < 0

    with started(person, video_id, long_clip) as second:
        assert second.stdout is not None
        resumed = list(second.stdout)
    assert second.returncode == 0

    numbers = [int(line) for line in begun + resumed]
    assert set(numbers) == set(range(1, 9))
    assert len(numbers) <= 8 + 1
    video = eventually(lambda: in_phase(person.client, video_id, "ready"), within_seconds=90)
    assert video.playback_url is not None
    row = world.rows(video_id)["videos"][0]
    assert (row["confirmations"], row["source"]["file_bytes"]) == (0, FILE_BYTES)


def test_confirmed_parts_are_joined_by_the_call_and_signed_no_more(world: World, clip: Path) -> None:
    world.faults(canned=1)
    person = world.person()
    video_id = asked_for(person, clip, upload_mode="multipart")
    missing = person.call("POST", f"/videos/{video_id}/upload_complete", expected=409)
    assert missing["code"] == "parts_missing"
    with started(person, video_id, clip) as client:
        client.communicate()
    assert client.returncode == 0
    confirmed = person.call("POST", f"/videos/{video_id}/upload_complete", expected=202)
    assert confirmed["status"] == "processing_queued"
    closed = person.call("POST", f"/videos/{video_id}/parts", expected=409, json={"part_numbers": [1]})
    assert closed["code"] == "upload_closed"
    eventually(lambda: in_phase(person.client, video_id, "ready"), within_seconds=60)
