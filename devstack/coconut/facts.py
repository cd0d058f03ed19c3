"""Facts about a media file, parsed from the output of ``ffmpeg -i`` (the wheel with ffmpeg has no ffprobe)."""

import re
from dataclasses import dataclass
from pathlib import Path

from devstack.coconut.fields import Json

_INPUT = re.compile(r"^Input #0, (?P<format>.+), from '", re.MULTILINE)
_DURATION = re.compile(r"^  Duration: (\d+):(\d\d):(\d\d\.\d+)", re.MULTILINE)
# A stream of a group, such as a picture with its time code, is indented below the group.
_STREAM = re.compile(
    r"^(?P<indent> +)Stream #0:(?P<index>\d+)(?:\[0x[0-9a-f]+\])?(?:\(\w+\))?: "
    r"(?P<type>Video|Audio): (?P<codec>[\w-]+)(?P<rest>.*)$"
    r"(?P<below>(?:\n(?P=indent)  .*)*)",
    re.MULTILINE,
)
_SIZE = re.compile(r", (\d{1,5})x(\d{1,5})\b(?: \[SAR (\d+):(\d+) )?")
_ROTATION = re.compile(r"rotation of (-?\d+(?:\.\d+)?) degrees")


@dataclass(frozen=True)
class VideoFacts:
    """``width`` and ``height`` are as coded; ``display_size`` is upright, with square pixels."""

    index: int
    codec: str
    width: int
    height: int
    display_size: tuple[int, int]


@dataclass(frozen=True)
class AudioFacts:
    index: int
    codec: str


@dataclass(frozen=True)
class MediaFacts:
    format_name: str
    duration_seconds: float | None
    size_bytes: int
    video: VideoFacts | None
    audio: AudioFacts | None

    def variables(self) -> dict[str, float]:
        """Return the values for ``if`` expressions. The size is as coded: Coconut documents none for turned videos."""
        return {
            "input.width": self.video.width if self.video else 0,
            "input.height": self.video.height if self.video else 0,
            "input.duration": self.duration_seconds or 0,
        }

    def metadata(self, filename: str) -> Json:
        """Return the facts in the shape of ffprobe's JSON, whose numbers are partly strings."""
        streams: list[Json] = []
        if self.video:
            size = {"width": self.video.width, "height": self.video.height}
            streams.append({"codec_type": "video", "codec_name": self.video.codec, **size})
        if self.audio:
            streams.append({"codec_type": "audio", "codec_name": self.audio.codec})
        described = {"filename": filename, "format_name": self.format_name, "size": str(self.size_bytes)}
        return {"streams": streams, "format": {**described, "duration": f"{self.duration_seconds or 0:.6f}"}}


def parse_facts(text: str, path: Path) -> MediaFacts:
    """Parse ffmpeg's description of a file. Raises ValueError if it is not media."""
    opened = _INPUT.search(text)
    if opened is None:
        raise ValueError("not a media file")
    streams = list(_STREAM.finditer(text))
    videos = [video for stream in streams if (video := _video(stream))]
    audios = [
        AudioFacts(int(stream["index"]), stream["codec"])
        for stream in streams
        if stream["type"] == "Audio" and stream["codec"] != "none"
    ]
    if not videos and not audios:
        raise ValueError("no video and no audio in it")
    length = _DURATION.search(text)
    return MediaFacts(
        format_name=opened["format"],
        duration_seconds=int(length[1]) * 3600 + int(length[2]) * 60 + float(length[3]) if length else None,
        size_bytes=path.stat().st_size,
        video=videos[0] if videos else None,
        audio=audios[0] if audios else None,
    )


def _video(stream: re.Match[str]) -> VideoFacts | None:
    size = _SIZE.search(stream["rest"])
    # Cover art is a picture in a music file, not a video.
    if stream["type"] != "Video" or stream["codec"] == "none" or size is None or "(attached pic)" in stream["rest"]:
        return None
    width, height = int(size[1]), int(size[2])
    if not width or not height:
        return None
    across, down = int(size[3] or 1), int(size[4] or 1)
    square_width = max(1, round(width * across / down)) if across and down else width
    rotation = _ROTATION.search(stream["below"])
    is_turned = rotation is not None and round(float(rotation[1])) % 180 == 90
    display_size = (height, square_width) if is_turned else (square_width, height)
    return VideoFacts(int(stream["index"]), stream["codec"], width, height, display_size)
