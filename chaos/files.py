"""The files that clients send: a real video, the same in parts, another one, and one that is no video."""

import struct
from dataclasses import dataclass
from pathlib import Path

from devstack.coconut.ffmpeg import Ffmpeg

# A little more than the smallest part of S3, so that there are two parts.
PARTS_BYTES = 6 * 1024**2


@dataclass(frozen=True)
class Files:
    """The contents."""

    video: bytes
    other_video: bytes
    in_parts: bytes
    no_video: bytes


def make_files(folder: Path) -> Files:
    """Encode them."""
    video = _clip(folder, "testsrc2")
    return Files(video, _clip(folder, "smptebars"), padded(video, PARTS_BYTES), b"Dear diary, no video today.\n" * 100)


def padded(video: bytes, size: int) -> bytes:
    """Return an MP4 of this size: a `free` box at its end is skipped by every reader (ISO 14496-12, 8.1.2)."""
    space = size - len(video)
    return video + struct.pack(">I4s", space, b"free") + bytes(space - 8)


def _clip(folder: Path, source: str) -> bytes:
    target = folder / f"{source}.mp4"
    pattern = ["-f", "lavfi", "-i", f"{source}=size=640x360:rate=5:duration=1"]
    codec = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-f", "mp4"]
    Ffmpeg().generate([*pattern, *codec, str(target)], folder=folder)
    return target.read_bytes()
