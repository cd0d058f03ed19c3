"""The video that is sent: a file of the person's own, or a few seconds made by ffmpeg."""

from dataclasses import dataclass
from pathlib import Path

from devstack.coconut.ffmpeg import Ffmpeg, FfmpegError
from devstack.demo.errors import DemoError

CLIP_SECONDS = 6
_SIZE = "1920x1080"
_RATE = 30
# The short sides of the renditions; none is made that would be larger than the source.
_LADDER = (360, 480, 720, 1080)


@dataclass(frozen=True)
class Clip:
    """A file to send, and what to expect of its stream. ``size`` in pixels, as it is seen."""

    path: Path
    file_bytes: int
    size: tuple[int, int]
    duration_seconds: float
    has_sound: bool

    @property
    def renditions(self) -> int:
        """Return how many renditions a source of this size gets."""
        return max(1, sum(short_side <= min(self.size) for short_side in _LADDER))


def own(path: Path) -> Clip:
    """Return a person's own file. Raises DemoError if it is no video."""
    if not path.is_file():
        raise DemoError(f"there is no file {path}")
    try:
        facts = Ffmpeg().facts(path.resolve())
    except ValueError as error:
        raise DemoError(f"{path} is no video: {error}") from error
    if facts.video is None:
        raise DemoError(f"{path} has no picture")
    return Clip(
        path=path,
        file_bytes=path.stat().st_size,
        size=facts.video.display_size,
        duration_seconds=facts.duration_seconds or 0,
        has_sound=facts.audio is not None,
    )


def made(folder: Path) -> Clip:
    """Make the clip, or take the one an earlier run made: 1080p, a moving picture with a clock, and a tone."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"clip-{_SIZE}-{CLIP_SECONDS}s.mp4"
    if not path.exists():
        draft = folder / f".{path.name}"
        try:
            Ffmpeg().generate(_arguments(draft), folder=folder)
        except FfmpegError as error:
            raise DemoError(f"making the clip: {error}") from error
        draft.replace(path)
    return own(path)


def _arguments(target: Path) -> list[str]:
    return [
        *["-f", "lavfi", "-i", f"testsrc2=size={_SIZE}:rate={_RATE}:duration={CLIP_SECONDS}"],
        *["-f", "lavfi", "-i", f"sine=frequency=440:beep_factor=4:duration={CLIP_SECONDS}"],
        *["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"],
        *["-c:a", "aac", "-movflags", "+faststart", "-f", "mp4", str(target)],
    ]
