"""Clips for tests, made by ffmpeg."""

import subprocess
from pathlib import Path

from imageio_ffmpeg import get_ffmpeg_exe  # type: ignore[import-untyped]


def ffmpeg(*arguments: str, folder: Path) -> str:
    """Run ffmpeg in a folder and return its messages."""
    command = [get_ffmpeg_exe(), "-nostdin", "-hide_banner", "-loglevel", "error", "-y", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr


def a_clip(
    path: Path, *options: str, size: str = "640x360", rate: int = 25, seconds: float = 2, sound: bool = True
) -> Path:
    """Make a clip with a moving picture."""
    picture = ["-f", "lavfi", "-i", f"testsrc2=size={size}:rate={rate}:duration={seconds}"]
    tone = ["-f", "lavfi", "-i", f"sine=frequency=440:duration={seconds}"] if sound else []
    defaults = ["-threads", "1", "-preset", "ultrafast", "-pix_fmt", "yuv420p"] if path.suffix == ".mp4" else []
    ffmpeg(*picture, *tone, *defaults, *options, path.name, folder=path.parent)
    return path
