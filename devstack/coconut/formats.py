"""Coconut's format strings: ``container:video_specs:audio_specs:options``.

Parsing and normalising only. Which ffmpeg arguments follow from a format is decided in encoding.py;
which formats an output may use, in request.py.
"""

import functools
import re
from dataclasses import dataclass
from typing import Literal

VideoCodec = Literal["h264", "hevc"]

VIDEO_CONTAINERS = frozenset({"mp4"})
IMAGE_CONTAINERS = frozenset({"jpg", "png", "webp"})
# Coconut has these, the stand-in does not: refusing them by name is better than a job that lies.
ELSEWHERE_CONTAINERS = frozenset({"webm", "mpegts", "mov", "ogg", "aac", "mp3", "wav", "gif", "webp_anim"})

_RATIO_KEPT = {"240p": 240, "360p": 360, "480p": 480, "540p": 540, "576p": 576}
_EXACT = {"720p": (1280, 720), "1080p": (1920, 1080), "2160p": (3840, 2160)}
_SIZE = re.compile(r"(\d{0,5})x(\d{0,5})")
_KBPS = re.compile(r"(\d{1,6})k", re.IGNORECASE)
_FPS = re.compile(r"(\d{1,3}(?:\.\d{1,2})?)fps")
_HERTZ = re.compile(r"(8000|11025|22050|44100|48000)hz")
_CHANNELS = {"mono": 1, "stereo": 2, "multi": 0}
_VIDEO_CODECS: dict[str, VideoCodec] = {"h264": "h264", "hevc": "hevc"}
_MAX_VIDEO_KBPS = 200_000
_MAX_AUDIO_KBPS = 512


@dataclass(frozen=True)
class Resolution:
    """Wanted size in pixels; 0 means: whatever keeps the ratio of the source."""

    width: int
    height: int


@dataclass(frozen=True)
class VideoSpecs:
    resolution: Resolution | None = None
    codec: VideoCodec = "h264"
    bitrate_kbps: int | None = None
    frames_per_second: float | None = None


@dataclass(frozen=True)
class AudioSpecs:
    bitrate_kbps: int = 128
    sample_rate_hertz: int | None = None
    channels: int = 2


@dataclass(frozen=True)
class Options:
    quality: int | None = None
    maxrate_kbps: int | None = None
    is_fragmented: bool = False
    keeps_metadata: bool = True


@dataclass(frozen=True)
class Format:
    """A parsed format. A track that is switched off is None."""

    text: str
    container: str
    video: VideoSpecs | None
    audio: AudioSpecs | None
    options: Options


@functools.lru_cache(maxsize=256)  # a client's jobs repeat each other, and there can be hundreds a second
def parse_format(text: str) -> Format:
    """Read a format string; ValueError says which part is not valid."""
    container, *parts = text.split(":")
    if len(parts) > 3:
        raise ValueError(f"format {text!r} has more than four parts")
    video, audio, options = (*parts, "", "", "")[:3]
    if container in IMAGE_CONTAINERS:
        if audio or options:
            raise ValueError(f"format {text!r}: an image takes a resolution only")
        size = _resolution(video) if video else None
        if video and size is None:
            raise ValueError(f"format {text!r}: {video!r} is not a resolution")
        return Format(normalised(text), container, VideoSpecs(resolution=size), None, Options())
    if container in ELSEWHERE_CONTAINERS:
        raise ValueError(f"container {container!r} is not carried out by this stand-in")
    if container not in VIDEO_CONTAINERS:
        raise ValueError(f"container {container!r} is not valid")
    parsed = Format(normalised(text), container, _video(video), _audio(audio), _options(options))
    if parsed.video is None and parsed.audio is None:
        raise ValueError(f"format {text!r} has neither video nor audio")
    return parsed


def normalised(text: str) -> str:
    """Return the format as Coconut reports it: resolutions that keep the ratio are spelled ``0xH``."""
    container, separator, rest = text.partition(":")
    video, colon, tail = rest.partition(":")
    specs = [f"0x{_RATIO_KEPT[spec]}" if spec in _RATIO_KEPT else spec for spec in video.split("_")]
    return container + separator + "_".join(specs) + colon + tail


def _resolution(spec: str) -> Resolution | None:
    if spec in _RATIO_KEPT:
        return Resolution(width=0, height=_RATIO_KEPT[spec])
    if spec in _EXACT:
        width, height = _EXACT[spec]
        return Resolution(width=width, height=height)
    match = _SIZE.fullmatch(spec)
    if match is None:
        return None
    size = Resolution(width=int(match[1] or 0), height=int(match[2] or 0))
    return size if size.width or size.height else None


def _video(text: str) -> VideoSpecs | None:
    specs = [spec for spec in text.split("_") if spec]
    if specs and specs[0] in {"x", "novideo"}:
        return None
    resolution: Resolution | None = None
    codec: VideoCodec = "h264"
    bitrate: int | None = None
    rate: float | None = None
    for spec in specs:
        if (size := _resolution(spec)) is not None:
            resolution = size
        elif spec in _VIDEO_CODECS:
            codec = _VIDEO_CODECS[spec]
        elif match := _KBPS.fullmatch(spec):
            bitrate = _below(int(match[1]), _MAX_VIDEO_KBPS, spec)
        elif match := _FPS.fullmatch(spec):
            rate = float(match[1]) or None
        else:
            raise ValueError(f"video spec {spec!r} is not valid")
    return VideoSpecs(resolution, codec, bitrate, rate)


def _audio(text: str) -> AudioSpecs | None:
    specs = [spec for spec in text.split("_") if spec]
    if specs and specs[0] in {"x", "noaudio"}:
        return None
    bitrate, hertz, channels = 128, None, 2
    for spec in specs:
        if match := _KBPS.fullmatch(spec):
            bitrate = _below(int(match[1]), _MAX_AUDIO_KBPS, spec)
        elif match := _HERTZ.fullmatch(spec):
            hertz = int(match[1])
        elif spec in _CHANNELS:
            channels = _CHANNELS[spec]
        elif spec != "aac":
            raise ValueError(f"audio spec {spec!r} is not valid")
    return AudioSpecs(bitrate, hertz, channels)


def _options(text: str) -> Options:
    quality: int | None = None
    maxrate: int | None = None
    fragmented = False
    metadata = True
    for option in [option for option in text.split(",") if option]:
        name, _, value = option.partition("=")
        match = _KBPS.fullmatch(value)
        if name == "quality" and re.fullmatch("[1-5]", value):
            quality = int(value)
        elif name == "maxrate" and match:
            maxrate = _below(int(match[1]), _MAX_VIDEO_KBPS, option)
        elif name == "metadata" and value in {"0", "1"}:
            metadata = value == "1"
        elif option == "frag":
            fragmented = True
        elif option != "2pass" and name not in {"vprofile", "level", "pix_fmt"}:
            raise ValueError(f"format option {option!r} is not valid")
    return Options(quality, maxrate, fragmented, metadata)


def _below(kbps: int, limit: int, spec: str) -> int:
    if not 0 < kbps < limit:
        raise ValueError(f"{spec!r} is not between 1k and {limit}k")
    return kbps
