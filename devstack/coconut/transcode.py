"""Making the files of one output in a local folder. Where they go from there is known by runner.py."""

import contextlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from devstack.coconut.encoding import (
    Rendition,
    frame_for,
    image_arguments,
    image_seconds,
    renditions,
    stream_arguments,
    video_arguments,
)
from devstack.coconut.facts import Facts, audio_metadata, format_metadata, video_metadata
from devstack.coconut.ffmpeg import Ffmpeg, FfmpegError
from devstack.coconut.outputs import ImagePlan, Output, StreamPlan, VideoPlan

OnFraction = Callable[[float], None]

_EXTINF = re.compile(r"^#EXTINF:([\d.]+)", re.MULTILINE)


@dataclass(frozen=True)
class Source:
    path: Path
    facts: Facts


@dataclass(frozen=True)
class MadeFile:
    local: Path
    path: str


@dataclass(frozen=True)
class Made:
    """The files in the order of upload: what refers to others comes last. ``entries`` become the URLs."""

    files: tuple[MadeFile, ...]
    entries: tuple[str, ...]
    metadata: JsonValue


def make(output: Output, source: Source, folder: Path, ffmpeg: Ffmpeg, on_fraction: OnFraction) -> Made:
    """Make one output in an empty folder; FfmpegError when it cannot be made."""
    match output.plan:
        case StreamPlan() as plan:
            _make_stream(plan, source, folder, ffmpeg, on_fraction)
        case VideoPlan() as plan:
            _make_video(plan, source, folder, ffmpeg, on_fraction)
        case ImagePlan() as plan:
            _make_images(plan, source, folder, ffmpeg, on_fraction)
    return collect(output, source.facts, folder)


def collect(output: Output, facts: Facts, folder: Path) -> Made:
    """Describe what was made in a folder, now or earlier."""
    match output.plan:
        case StreamPlan() as plan:
            return _collect_stream(plan, facts, folder)
        case VideoPlan() as plan:
            local = folder / "video.mp4"
            return Made((MadeFile(local, plan.path),), (plan.path,), _video_facts(plan, facts, local))
        case ImagePlan() as plan:
            files = tuple(
                MadeFile(local, plan.path_of(position))
                for position, local in enumerate(sorted(folder.iterdir()), start=1)
            )
            return Made(files, tuple(file.path for file in files), None)


def _make_stream(plan: StreamPlan, source: Source, folder: Path, ffmpeg: Ffmpeg, on_fraction: OnFraction) -> None:
    wanted = renditions(plan.variants, source.facts)
    if not wanted:
        raise FfmpegError("the input has no track that a variant could be made of")
    arguments = stream_arguments(wanted, source.facts, playlist_name=plan.playlist_name)
    ffmpeg.encode(source.path, arguments, folder=folder, on_seconds=_as_fraction(source.facts, on_fraction))
    if (folder / f"{plan.playlist_name}.m3u8").read_text().count("#EXT-X-STREAM-INF") != len(wanted):
        raise FfmpegError("the master playlist does not name every variant")


def _make_video(plan: VideoPlan, source: Source, folder: Path, ffmpeg: Ffmpeg, on_fraction: OnFraction) -> None:
    arguments = video_arguments(plan, source.facts, "video.mp4")
    if "-map" not in arguments:
        raise FfmpegError("the input has no track that the output could be made of")
    ffmpeg.encode(
        source.path,
        arguments,
        folder=folder,
        from_seconds=plan.offset_seconds,
        on_seconds=_as_fraction(source.facts, on_fraction),
    )


def _make_images(plan: ImagePlan, source: Source, folder: Path, ffmpeg: Ffmpeg, on_fraction: OnFraction) -> None:
    if source.facts.video is None:
        raise FfmpegError("the input has no video to take an image of")
    moments = image_seconds(plan, source.facts.duration_seconds or 0)
    for position, seconds in enumerate(moments, start=1):
        name = f"{position:05}.{plan.format.container}"
        arguments = image_arguments(plan, source.facts.video, name)
        with contextlib.suppress(FfmpegError):
            ffmpeg.encode(source.path, arguments, folder=folder, from_seconds=seconds)
        if not (folder / name).exists():
            # Sought past the last frame, as in a video of one frame: the first one is there for sure.
            ffmpeg.encode(source.path, arguments, folder=folder)
        on_fraction(position / len(moments))


def _collect_stream(plan: StreamPlan, facts: Facts, folder: Path) -> Made:
    master = folder / f"{plan.playlist_name}.m3u8"
    names = [path.name for path in sorted(folder.iterdir())]
    ordered = sorted(names, key=lambda name: (name == master.name, name.endswith(".m3u8")))
    wanted = renditions(plan.variants, facts)
    playlist = (folder / f"{wanted[0].name}.m3u8").read_text()
    duration = f"{sum(float(seconds) for seconds in _EXTINF.findall(playlist)):.6f}"
    entry = f"{plan.path}/{master.name}"
    streams = [stream for rendition in wanted for stream in _stream_facts(rendition, duration)]
    described: JsonValue = {
        "hls": {"streams": streams, "format": format_metadata(entry, "hls", duration, master.stat().st_size)},
    }
    return Made(tuple(MadeFile(folder / name, f"{plan.path}/{name}") for name in ordered), (entry,), described)


def _stream_facts(rendition: Rendition, duration: str) -> list[JsonValue]:
    streams: list[JsonValue] = []
    if rendition.audio:
        streams.append(audio_metadata("aac", duration, channels=rendition.audio.channels))
    if rendition.frame and rendition.variant.video:
        size = rendition.frame
        streams.append(video_metadata(rendition.variant.video.codec, size.width, size.height, duration))
    return streams


def _video_facts(plan: VideoPlan, facts: Facts, local: Path) -> JsonValue:
    left = max(0.0, (facts.duration_seconds or 0) - plan.offset_seconds)
    duration = f"{min(left, plan.duration_seconds or left):.6f}"
    streams: list[JsonValue] = []
    if plan.format.video and facts.video:
        frame = frame_for(facts.video, plan.format.video.resolution, crops=plan.crops)
        streams.append(video_metadata(plan.format.video.codec, frame.width, frame.height, duration))
    if plan.format.audio and facts.audio:
        streams.append(audio_metadata("aac", duration, channels=plan.format.audio.channels))
    return {"streams": streams, "format": format_metadata(plan.path, "mov,mp4", duration, local.stat().st_size)}


def _as_fraction(facts: Facts, on_fraction: OnFraction) -> Callable[[float], None]:
    duration = facts.duration_seconds or 0
    return lambda seconds: on_fraction(min(1.0, seconds / duration) if duration else 0.0)
