"""Odd files from the client to the end of their upload. More of them are in tests/integration/test_odd_files.py."""

from pathlib import Path

from tests.e2e.uploads.world import World, in_phase, uploaded
from tests.support.clips import ffmpeg
from tests.support.eventually import eventually
from videoupload import Client, Video

ONE_PICTURE = ("-f", "lavfi", "-i", "color=s=640x360:d=0.04", "-f", "lavfi", "-i", "sine=d=6")


def made(path: Path) -> Path:
    ffmpeg(*ONE_PICTURE, "-pix_fmt", "yuv420p", path.name, folder=path.parent)
    return path


def test_one_picture_with_longer_sound_is_ready_with_one_job(world: World, tmp_path: Path) -> None:
    client = world.client()
    video_id = uploaded(client, made(tmp_path / "one-picture.mp4"))
    eventually(lambda: in_phase(client, video_id, "ready"), within_seconds=90)
    assert [job["attempt"] for job in world.jobs(video_id)] == [1]


def test_a_file_that_coconut_cannot_decode_is_bought_once_and_needs_another_file(world: World, tmp_path: Path) -> None:
    path = made(tmp_path / "noise.mp4")
    whole = path.read_bytes()
    start, end = whole.index(b"mdat") + 4, whole.index(b"moov") - 4
    path.write_bytes(whole[:start] + b"\xa5" * (end - start) + whole[end:])
    client = world.client()
    video_id = uploaded(client, path)

    failed = eventually(lambda: _errored(client, video_id), within_seconds=90)
    assert failed.error is not None
    assert (failed.error.code, failed.error.retryable) == ("video_undecodable", False)
    assert [job["attempt"] for job in world.jobs(video_id)] == [1]


def _errored(client: Client, video_id: str) -> Video | None:
    video = client.video(video_id)
    return video if video.status == "errored" else None
