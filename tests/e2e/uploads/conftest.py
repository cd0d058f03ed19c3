"""Files to upload, and the running stack."""

import subprocess
from pathlib import Path
from random import Random

import pytest
from imageio_ffmpeg import get_ffmpeg_exe  # type: ignore[import-untyped]

from devstack.stack import Stack
from tests.e2e.uploads.world import World

CLIP_SECONDS = 2
# More than the largest upload in one piece.
LONG_BYTES = 120_000_000


@pytest.fixture
def world(stack: Stack) -> World:
    """The running stack, without faults."""
    return World(stack)


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of 360p with a tone: one rendition, transcoded quickly."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    argv = [
        *[get_ffmpeg_exe(), "-nostdin", "-loglevel", "error"],
        *["-f", "lavfi", "-i", f"testsrc2=size=640x360:rate=15:duration={CLIP_SECONDS}"],
        *["-f", "lavfi", "-i", f"sine=duration={CLIP_SECONDS}"],
        *["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", str(path)],
    ]
    subprocess.run(argv, check=True)
    return path


@pytest.fixture
def long_clip(clip: Path, tmp_path: Path) -> Path:
    """The clip with random data after it, so that it is sent in parts that all differ."""
    path, played = tmp_path / "long.mp4", clip.read_bytes()
    free_bytes = LONG_BYTES - len(played)
    with path.open("wb") as file:
        file.write(played + free_bytes.to_bytes(4) + b"free")
        file.write(Random(LONG_BYTES).randbytes(free_bytes - 8))
    return path


@pytest.fixture(scope="session")
def not_a_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Text under a video's name."""
    path = tmp_path_factory.mktemp("text") / "holiday.mp4"
    path.write_text("Dear diary, today I did not record a video.\n" * 100)
    return path
