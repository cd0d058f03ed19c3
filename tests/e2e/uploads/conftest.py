"""Files to upload, and the world to upload them to."""

import subprocess
from pathlib import Path

import pytest
from imageio_ffmpeg import get_ffmpeg_exe  # type: ignore[import-untyped]

from devstack.stack import Stack
from tests.e2e.uploads.world import World

CLIP_SECONDS = 2


@pytest.fixture
def world(stack: Stack) -> World:
    """The running stack, without faults."""
    return World(stack)


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of 360p with a tone: one rendition, transcoded in a moment."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    argv = [
        *[get_ffmpeg_exe(), "-nostdin", "-loglevel", "error"],
        *["-f", "lavfi", "-i", f"testsrc2=size=640x360:rate=15:duration={CLIP_SECONDS}"],
        *["-f", "lavfi", "-i", f"sine=duration={CLIP_SECONDS}"],
        *["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", str(path)],
    ]
    subprocess.run(argv, check=True)
    return path


@pytest.fixture(scope="session")
def not_a_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Text under a video's name."""
    path = tmp_path_factory.mktemp("text") / "holiday.mp4"
    path.write_text("Dear diary, today I did not record a video.\n" * 100)
    return path
