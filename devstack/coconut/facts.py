"""What a media file is, read from what ``ffmpeg -i`` says (the wheel that brings ffmpeg has no ffprobe)."""

import re
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

_INPUT = re.compile(r"^Input #0, (?P<format>.+), from '", re.MULTILINE)
_DURATION = re.compile(r"^  Duration: (\d+):(\d\d):(\d\d\.\d+)", re.MULTILINE)
_STREAM = re.compile(
    r"^  Stream #0:(?P<index>\d+)(?:\[0x[0-9a-f]+\])?(?:\(\w+\))?: "
    r"(?P<type>Video|Audio): (?P<codec>[\w-]+)(?P<rest>.*)$"
    r"(?P<below>(?:\n    .*)*)",
    re.MULTILINE,
)
_SIZE = re.compile(r", (\d{1,5})x(\d{1,5})\b(?: \[SAR (\d+):(\d+) )?")
_ROTATION = re.compile(r"rotation of (-?\d+(?:\.\d+)?) degrees")
_RATE = re.compile(r", (\d+(?:\.\d+)?)(k?) fps\b")
_HERTZ = re.compile(r", (\d+) Hz, ([\w.]+)")
_CHANNELS = {"mono": 1, "stereo": 2, "5.1": 6, "7.1": 8}


@dataclass(frozen=True)
class VideoFacts:
    """``width`` and ``height`` are as coded; ``display_size`` is how it is seen, upright with square pixels."""

    index: int
    codec: str
    width: int
    height: int
    display_size: tuple[int, int]
    frames_per_second: float | None


@dataclass(frozen=True)
class AudioFacts:
    index: int
    codec: str
    sample_rate_hertz: int
    channels: int


@dataclass(frozen=True)
class Facts:
    format_name: str
    duration_seconds: float | None
    size_bytes: int
    video: VideoFacts | None
    audio: AudioFacts | None

    def variables(self) -> dict[str, float]:
        """Return what ``if`` expressions may ask. Size as coded: what Coconut says of turned videos is unknown."""
        return {
            "input.width": self.video.width if self.video else 0,
            "input.height": self.video.height if self.video else 0,
            "input.duration": self.duration_seconds or 0,
        }

    def metadata(self, filename: str) -> JsonValue:
        """Return the facts in the shape of ffprobe's JSON, numbers as strings where ffprobe has them so."""
        duration = f"{self.duration_seconds or 0:.6f}"
        streams: list[JsonValue] = []
        if self.video:
            streams.append(video_metadata(self.video.codec, self.video.width, self.video.height, duration))
        if self.audio:
            streams.append(audio_metadata(self.audio.codec, duration, channels=self.audio.channels))
        return {"streams": streams, "format": format_metadata(filename, self.format_name, duration, self.size_bytes)}


def video_metadata(codec: str, width: int, height: int, duration: str) -> JsonValue:
    return {"codec_type": "video", "codec_name": codec, "width": width, "height": height, "duration": duration}


def audio_metadata(codec: str, duration: str, *, channels: int) -> JsonValue:
    return {"codec_type": "audio", "codec_name": codec, "channels": channels, "duration": duration}


def format_metadata(filename: str, name: str, duration: str, size_bytes: int) -> JsonValue:
    bit_rate = int(size_bytes * 8 / float(duration)) if float(duration) else 0
    return {
        "filename": filename,
        "format_name": name,
        "duration": duration,
        "size": str(size_bytes),
        "bit_rate": str(bit_rate),
    }


def parse_facts(said: str, path: Path) -> Facts:
    """Read the facts out of ffmpeg's words; ValueError when it found no media."""
    opened = _INPUT.search(said)
    if opened is None:
        raise ValueError("not a media file")
    streams = list(_STREAM.finditer(said))
    videos = [video for stream in streams if (video := _video(stream))]
    audios = [audio for stream in streams if (audio := _audio(stream))]
    if not videos and not audios:
        raise ValueError("no video and no audio in it")
    length = _DURATION.search(said)
    return Facts(
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
    rate = _RATE.search(stream["rest"])
    return VideoFacts(
        index=int(stream["index"]),
        codec=stream["codec"],
        width=width,
        height=height,
        display_size=_display_size(width, height, size, _ROTATION.search(stream["below"])),
        frames_per_second=float(rate[1]) * (1000 if rate[2] else 1) if rate else None,
    )


def _display_size(width: int, height: int, size: re.Match[str], rotation: re.Match[str] | None) -> tuple[int, int]:
    across, down = (int(size[3] or 1), int(size[4] or 1))
    seen = max(1, round(width * across / down)) if across and down else width
    is_turned = rotation is not None and round(float(rotation[1])) % 180 == 90
    return (height, seen) if is_turned else (seen, height)


def _audio(stream: re.Match[str]) -> AudioFacts | None:
    if stream["type"] != "Audio" or stream["codec"] == "none":
        return None
    found = _HERTZ.search(stream["rest"])
    return AudioFacts(
        index=int(stream["index"]),
        codec=stream["codec"],
        sample_rate_hertz=int(found[1]) if found else 0,
        channels=_CHANNELS.get(found[2].split("(")[0], 2) if found else 2,
    )
