"""Makes the files of one output in a local folder: ffmpeg's arguments, and the files in the order of their upload."""

import contextlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from devstack.coconut.facts import MediaFacts, VideoFacts
from devstack.coconut.ffmpeg import Ffmpeg, FfmpegError
from devstack.coconut.outputs import ImagePlan, Output, Resolution, SpritePlan, StreamPlan, Variant, VideoPlan

OnFraction = Callable[[float], None]

_MASTER = "master.m3u8"
# ffmpeg measures no bit rate of a picture that lasts less than half a second, and leaves such a variant out of the
# master playlist. Headers do not say how long the picture lasts, so the last one lingers where that happened.
_LINGER = ",tpad=stop_mode=clone:stop_duration=0.6"
_LONGEST_SIDE = 16_384  # x264's limit
_CRF = {1: 34, 2: 31, 3: 28, 4: 25, 5: 22}  # x264's constant rate factor for each quality of Coconut's
_KEYFRAME_SECONDS = 2
_SEGMENT_SECONDS = 6
_TS = ["-hls_segment_type", "mpegts"]


@dataclass(frozen=True)
class Source:
    path: Path
    facts: MediaFacts


@dataclass(frozen=True)
class MadeFile:
    """A local file, and the path that it is uploaded to."""

    local: Path
    path: str


@dataclass(frozen=True)
class Made:
    """The files in the order of their upload, referring ones last. ``entries`` are the paths that Coconut reports."""

    files: tuple[MadeFile, ...]
    entries: tuple[str, ...]


def make(output: Output, source: Source, folder: Path, ffmpeg: Ffmpeg, on_fraction: OnFraction) -> None:
    """Make one output in an empty folder. Raises FfmpegError."""
    match output.plan:
        case StreamPlan() as plan:
            _make_stream(plan, source, folder, ffmpeg, on_fraction)
        case VideoPlan() as plan:
            _make_video(plan, source, folder, ffmpeg, on_fraction)
        case ImagePlan(sprite=SpritePlan() as sprite) as plan:
            _make_sprite(plan, sprite, source, folder, ffmpeg)
        case ImagePlan() as plan:
            _make_images(plan, source, folder, ffmpeg, on_fraction)


def collect(output: Output, folder: Path) -> Made:
    """List what ``make`` left in a folder."""
    names = [path.name for path in folder.iterdir()]
    match output.plan:
        case StreamPlan() as plan:
            names.sort(key=lambda name: (name == _MASTER, name.endswith(".m3u8"), name))
            files = tuple(MadeFile(folder / name, f"{plan.path}/{name}") for name in names)
            return Made(files, (f"{plan.path}/{_MASTER}",))
        case VideoPlan() as plan:
            return Made(tuple(MadeFile(folder / name, plan.path) for name in names), (plan.path,))
        case ImagePlan(sprite=SpritePlan() as sprite) as plan:
            sheets = sorted(name for name in names if name != sprite.vtt)
            files = tuple(MadeFile(folder / name, plan.path_of(n)) for n, name in enumerate(sheets, start=1))
            vtt = MadeFile(folder / sprite.vtt, f"{plan.path.rpartition('/')[0]}/{sprite.vtt}")
            return Made((*files, vtt), tuple(file.path for file in files))
        case ImagePlan() as plan:
            files = tuple(MadeFile(folder / name, plan.path_of(n)) for n, name in enumerate(sorted(names), start=1))
            return Made(files, tuple(file.path for file in files))


def scaled_size(video: VideoFacts, wanted: Resolution) -> tuple[int, int]:
    """Return the even size in pixels that keeps the ratio of a source."""
    width, height = video.display_size
    scale = wanted.height / height if wanted.height else wanted.width / width if wanted.width else 1.0
    scale = min(scale, _LONGEST_SIDE / max(width, height))
    if scale == 1 and wanted == Resolution():
        return max(2, width // 2 * 2), max(2, height // 2 * 2)
    return _even(width * scale), _even(height * scale)


def stream_arguments(
    variants: tuple[Variant, ...], facts: MediaFacts, *, lingers: bool = False, is_fmp4: bool = False
) -> list[str]:
    """Return the arguments of one run that decodes once and writes all variants and the master playlist.

    A source without a video becomes one variant of sound only. With ``lingers`` the last picture stays for a moment.
    """
    maps, codecs, streams, chains = [], [], [], []
    if facts.video is None:
        maps, streams = ["-map", f"0:{facts.audio.index}"] if facts.audio else [], ["a:0,name:audio"]
        codecs = ["-c:a", "aac", "-b:a", "128k"]
    else:
        ending = _LINGER if lingers else ""
        for i, variant in enumerate(variants):
            width, height = scaled_size(facts.video, variant.resolution)
            chains.append(f"[s{i}]scale={width}:{height},setsar=1{ending}[v{i}]")
            sound = facts.audio if variant.sound_kbps is not None else None
            maps += ["-map", f"[v{i}]", *(["-map", f"0:{sound.index}"] if sound else [])]
            codecs += _codecs(variant, i)
            streams.append(f"v:{i}," + (f"a:{i}," if sound else "") + f"name:{width}x{height}_{i}")
        split = f"[0:{facts.video.index}]split={len(variants)}" + "".join(f"[s{i}]" for i in range(len(variants)))
        maps = ["-filter_complex", ";".join([split, *chains]), *maps]
    return [
        *maps,
        *codecs,
        *["-map_metadata", "-1", "-map_chapters", "-1", "-fps_mode", "vfr", "-f", "hls"],
        *["-hls_time", str(_SEGMENT_SECONDS), "-hls_playlist_type", "vod"],
        *(["-hls_segment_type", "fmp4", "-hls_fmp4_init_filename", "%v_init.mp4"] if is_fmp4 else _TS),
        *["-hls_flags", "independent_segments", "-master_pl_name", _MASTER],
        *[
            "-var_stream_map",
            " ".join(streams),
            "-hls_segment_filename",
            f"%v_%05d.{'m4s' if is_fmp4 else 'ts'}",
            "%v.m3u8",
        ],
    ]


def _codecs(variant: Variant, number: int) -> list[str]:
    """Return the encoders of the variant at a position, counted from 0."""
    chosen = {"c": "libx264", "preset": "ultrafast", "pix_fmt": "yuv420p", "threads": "1"}
    if variant.codec == "hevc":
        # Players take the tag hvc1; x265 has threads of its own.
        chosen |= {"c": "libx265", "tag": "hvc1", "x265-params": "pools=1:frame-threads=1:log-level=error"}
    chosen |= {"force_key_frames": f"expr:gte(t,n_forced*{_KEYFRAME_SECONDS})", "crf": str(_CRF[variant.quality])}
    if variant.maxrate_kbps:
        chosen |= {"maxrate": f"{variant.maxrate_kbps}k", "bufsize": f"{variant.maxrate_kbps}k"}
    video = [argument for name, value in chosen.items() for argument in (f"-{name}:v:{number}", value)]
    if variant.sound_kbps is None:
        return video
    return [*video, f"-c:a:{number}", "aac", f"-b:a:{number}", f"{variant.sound_kbps}k", f"-ac:a:{number}", "2"]


def _make_stream(plan: StreamPlan, source: Source, folder: Path, ffmpeg: Ffmpeg, on_fraction: OnFraction) -> None:
    duration = source.facts.duration_seconds or 0
    expected = len(plan.variants) if source.facts.video else 1
    for lingers in (False, True):
        ffmpeg.encode(
            source.path,
            stream_arguments(plan.variants, source.facts, lingers=lingers, is_fmp4=plan.is_fmp4),
            folder=folder,
            on_seconds=lambda seconds: on_fraction(min(1.0, seconds / duration) if duration else 0.0),
        )
        if (folder / _MASTER).read_text().count("#EXT-X-STREAM-INF") == expected:
            return
    raise FfmpegError("the master playlist does not name every variant")


def _make_video(plan: VideoPlan, source: Source, folder: Path, ffmpeg: Ffmpeg, on_fraction: OnFraction) -> None:
    video, duration = source.facts.video, source.facts.duration_seconds or 0
    if video is None:
        raise FfmpegError("the input has no video")
    width, height = scaled_size(video, plan.variant.resolution)
    sound = source.facts.audio if plan.variant.sound_kbps is not None else None
    ffmpeg.encode(
        source.path,
        [
            *["-map", f"0:{video.index}", *(["-map", f"0:{sound.index}"] if sound else [])],
            *["-vf", f"scale={width}:{height},setsar=1", *_codecs(plan.variant, 0)],
            *["-map_metadata", "-1", "-movflags", "+faststart", "-f", "mp4", "file.mp4"],
        ],
        folder=folder,
        on_seconds=lambda seconds: on_fraction(min(1.0, seconds / duration) if duration else 0.0),
    )


def _make_sprite(plan: ImagePlan, sprite: SpritePlan, source: Source, folder: Path, ffmpeg: Ffmpeg) -> None:
    video, duration, interval = source.facts.video, source.facts.duration_seconds or 0, plan.interval or 1
    if video is None:
        raise FfmpegError("the input has no video to take an image of")
    width, height = scaled_size(video, plan.resolution)
    rows = -(-sprite.limit // sprite.columns)
    # The frames at the start of each interval; a video that ends sooner has the first one.
    chosen = f"select='eq(n,0)+gte(t-prev_selected_t,{interval})',scale={width}:{height},setsar=1"
    tiles = f"{chosen},tile={sprite.columns}x{rows}"
    arguments = ["-map", f"0:{video.index}", "-vf", tiles, "-fps_mode", "vfr", "-q:v", "5", f"%05d.{plan.container}"]
    ffmpeg.encode(source.path, arguments, folder=folder)
    pictures, per_sheet = max(1, math.ceil(duration / interval)), sprite.columns * rows
    lines = ["WEBVTT", ""]
    for number in range(pictures):
        row, column = divmod(number % per_sheet, sprite.columns)
        name = plan.path_of(number // per_sheet + 1).rpartition("/")[2]
        lines += [
            f"{_clock(number * interval)} --> {_clock(min(duration, (number + 1) * interval))}",
            f"{name}#xywh={column * width},{row * height},{width},{height}",
            "",
        ]
    (folder / sprite.vtt).write_text("\n".join(lines))


def _clock(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes) // 60:02}:{int(minutes) % 60:02}:{rest:06.3f}"


def _make_images(plan: ImagePlan, source: Source, folder: Path, ffmpeg: Ffmpeg, on_fraction: OnFraction) -> None:
    video, duration = source.facts.video, source.facts.duration_seconds or 0
    if video is None:
        raise FfmpegError("the input has no video to take an image of")
    width, height = scaled_size(video, plan.resolution)
    moments = plan.offsets or [duration * (position + 0.5) / plan.number for position in range(plan.number)]
    for position, seconds in enumerate(moments):
        name = f"{position + 1:05}.{plan.container}"
        arguments = ["-map", f"0:{video.index}", "-frames:v", "1", "-vf", f"scale={width}:{height},setsar=1"]
        arguments += ["-q:v", "3", "-update", "1", name]
        with contextlib.suppress(FfmpegError):
            ffmpeg.encode(source.path, arguments, folder=folder, from_seconds=seconds)
        if not (folder / name).exists():
            # The position lay past the last frame, as in a video of one frame; the first frame always exists.
            ffmpeg.encode(source.path, arguments, folder=folder)
        on_fraction((position + 1) / len(moments))


def _even(pixels: float) -> int:
    return max(2, 2 * round(pixels / 2))
