"""What ffmpeg is told: sizes, filters and arguments for each kind of output. Pure; running it is in transcode.py."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from devstack.coconut.facts import Facts, VideoFacts
from devstack.coconut.formats import AudioSpecs, Format, Options, Resolution, VideoSpecs
from devstack.coconut.outputs import ImagePlan, VideoPlan

SEGMENT_SECONDS = 6
KEYFRAME_SECONDS = 2
SHORTEST_SECONDS = 0.6
MAX_INTERVAL_IMAGES = 1_000

# Only containers that hold their own media: a playlist could point at any file of this machine.
_DEMUXERS = "mov,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,asf,ogg,mxf,mp3,aac,wav,flac,h264,hevc,gif"
# ffmpeg measures no bit rate below half a second, and leaves such a variant out of the master playlist.
_LINGER = f",tpad=stop_mode=clone:stop_duration={SHORTEST_SECONDS}"
_CRF = {1: 34, 2: 31, 3: 28, 4: 25, 5: 22}
_DEFAULT_QUALITY = 4
_ENCODERS = {
    "h264": {"-c": "libx264"},
    "hevc": {"-c": "libx265", "-x265-params": "log-level=error:pools=none:frame-threads=1", "-tag": "hvc1"},
}


@dataclass(frozen=True)
class Frame:
    """The size of an encoded picture, and the filter that makes it from the source."""

    width: int
    height: int
    filter_text: str


@dataclass(frozen=True)
class Rendition:
    """One variant of a stream as it will be encoded from this source."""

    name: str
    variant: Format
    frame: Frame | None
    audio: AudioSpecs | None


def frame_for(video: VideoFacts, wanted: Resolution | None, *, crops: bool = False) -> Frame:
    """Fit a source into a wanted size. Two numbers mean exactly that size, one keeps the ratio, none the size."""
    width, height = video.display_size
    if wanted is None:
        return _scaled(width // 2 * 2, height // 2 * 2)
    if not wanted.width:
        return _scaled(_even(width * wanted.height / height), _even(wanted.height))
    if not wanted.height:
        return _scaled(_even(wanted.width), _even(height * wanted.width / width))
    across, down = _even(wanted.width), _even(wanted.height)
    factors = (across / width, down / height)
    if crops:
        inner = _scaled(max(across, _even(width * max(factors))), max(down, _even(height * max(factors))))
        return Frame(across, down, f"{inner.filter_text},crop={across}:{down}")
    inner = _scaled(min(across, _even(width * min(factors))), min(down, _even(height * min(factors))))
    return Frame(across, down, f"{inner.filter_text},pad={across}:{down}:(ow-iw)/2:(oh-ih)/2")


def renditions(variants: Sequence[Format], facts: Facts) -> list[Rendition]:
    """Return what can be made of the variants: a track the source lacks is left out, an empty variant too."""
    made: list[Rendition] = []
    for variant in variants:
        frame = frame_for(facts.video, variant.video.resolution) if variant.video and facts.video else None
        audio = variant.audio if facts.audio else None
        if frame is None and audio is None:
            continue
        name = f"{frame.width}x{frame.height}" if frame else f"audio_{audio.bitrate_kbps}k" if audio else ""
        taken = {rendition.name for rendition in made}
        made.append(Rendition(name if name not in taken else f"{name}_{len(made) + 1}", variant, frame, audio))
    return made


def stream_arguments(wanted: Sequence[Rendition], facts: Facts, *, playlist_name: str) -> list[str]:
    """Return the arguments of one run that decodes once and writes all renditions and the master playlist."""
    maps: list[str] = []
    codecs: list[str] = []
    streams: list[str] = []
    pictures = [(rendition, rendition.frame) for rendition in wanted if rendition.frame]
    videos = audios = 0
    for rendition in wanted:
        tracks = []
        if rendition.frame and rendition.variant.video:
            maps += ["-map", f"[v{videos}]"]
            codecs += _video_codec(rendition.variant.video, rendition.variant.options, f":v:{videos}")
            tracks.append(f"v:{videos}")
            videos += 1
        if rendition.audio and facts.audio:
            maps += ["-map", f"0:{facts.audio.index}"]
            codecs += _audio_codec(rendition.audio, f":a:{audios}")
            tracks.append(f"a:{audios}")
            audios += 1
        streams.append(",".join([*tracks, f"name:{rendition.name}"]))
    graph: list[str] = []
    if pictures and facts.video:
        split = f"[0:{facts.video.index}]split={videos}" + "".join(f"[s{i}]" for i in range(videos))
        ending = _LINGER if (facts.duration_seconds or 0) < SHORTEST_SECONDS else ""
        chains = [
            f"[s{i}]{_chain(frame, rendition.variant)}{ending}[v{i}]" for i, (rendition, frame) in enumerate(pictures)
        ]
        graph = ["-filter_complex", ";".join([split, *chains])]
    return [
        *graph,
        *maps,
        *codecs,
        *["-map_metadata", "-1", "-map_chapters", "-1", "-fps_mode", "vfr", "-f", "hls"],
        *["-hls_time", str(SEGMENT_SECONDS), "-hls_playlist_type", "vod", "-hls_segment_type", "mpegts"],
        *["-hls_flags", "independent_segments", "-master_pl_name", f"{playlist_name}.m3u8"],
        *["-var_stream_map", " ".join(streams), "-hls_segment_filename", "%v_%05d.ts", "%v.m3u8"],
    ]


def video_arguments(plan: VideoPlan, facts: Facts, target: str) -> list[str]:
    """Return the arguments for a single file."""
    arguments: list[str] = []
    wanted = plan.format
    if wanted.video and facts.video:
        frame = frame_for(facts.video, wanted.video.resolution, crops=plan.crops)
        arguments += ["-map", f"0:{facts.video.index}", "-vf", _chain(frame, wanted)]
        arguments += [*_video_codec(wanted.video, wanted.options, ":v:0"), "-fps_mode", "vfr"]
    if wanted.audio and facts.audio:
        arguments += ["-map", f"0:{facts.audio.index}", *_audio_codec(wanted.audio, ":a:0")]
    length = [] if plan.duration_seconds is None else ["-t", f"{plan.duration_seconds:.3f}"]
    flags = "frag_keyframe+empty_moov" if wanted.options.is_fragmented else "faststart"
    kept = [] if wanted.options.keeps_metadata else ["-map_metadata", "-1"]
    return [*arguments, *length, *kept, "-movflags", flags, "-f", "mp4", target]


def image_arguments(plan: ImagePlan, video: VideoFacts, target: str) -> list[str]:
    """Return the arguments for the one image at the position sought."""
    frame = frame_for(video, plan.format.video.resolution if plan.format.video else None, crops=plan.crops)
    return ["-map", f"0:{video.index}", "-frames:v", "1", "-vf", _chain(frame), "-q:v", "3", "-update", "1", target]


def image_seconds(plan: ImagePlan, duration_seconds: float) -> list[float]:
    """Return where in the video the images are taken."""
    if plan.interval_seconds is not None:
        count = min(MAX_INTERVAL_IMAGES, max(1, math.ceil(duration_seconds / plan.interval_seconds)))
        return [position * plan.interval_seconds for position in range(count)]
    if plan.number is not None:
        return [duration_seconds * (position + 0.5) / plan.number for position in range(plan.number)]
    return [min(offset, duration_seconds) for offset in plan.offsets_seconds]


def input_arguments(path: Path, *, from_seconds: float = 0) -> list[str]:
    """Return the arguments that open a file nobody has looked at yet."""
    seek = ["-ss", f"{from_seconds:.3f}"] if from_seconds else []
    guards = ["-protocol_whitelist", "file,crypto", "-format_whitelist", _DEMUXERS]
    return ["-threads", "1", *guards, *seek, "-i", f"file:{path}"]


def _even(pixels: float) -> int:
    return max(2, 2 * round(pixels / 2))


def _scaled(width: int, height: int) -> Frame:
    width, height = max(2, width), max(2, height)
    return Frame(width, height, f"scale={width}:{height}")


def _chain(frame: Frame, wanted: Format | None = None) -> str:
    rate = wanted.video.frames_per_second if wanted and wanted.video else None
    return f"{frame.filter_text},setsar=1" + (f",fps={rate:g}" if rate else "")


def _video_codec(specs: VideoSpecs, options: Options, which: str) -> list[str]:
    chosen = {**_ENCODERS[specs.codec], "-preset": "ultrafast", "-pix_fmt": "yuv420p", "-threads": "1"}
    chosen["-force_key_frames"] = f"expr:gte(t,n_forced*{KEYFRAME_SECONDS})"
    if specs.bitrate_kbps and options.quality is None:
        chosen["-b"] = f"{specs.bitrate_kbps}k"
    else:
        chosen["-crf"] = str(_CRF[options.quality or _DEFAULT_QUALITY])
    if options.maxrate_kbps:
        chosen["-maxrate"] = chosen["-bufsize"] = f"{options.maxrate_kbps}k"
    return _for_stream(which, chosen)


def _audio_codec(specs: AudioSpecs, which: str) -> list[str]:
    chosen = {"-c": "aac", "-b": f"{specs.bitrate_kbps}k"}
    if specs.channels:
        chosen["-ac"] = str(specs.channels)
    if specs.sample_rate_hertz:
        chosen["-ar"] = str(specs.sample_rate_hertz)
    return _for_stream(which, chosen)


def _for_stream(which: str, options: dict[str, str]) -> list[str]:
    """Return options that hold for one stream of the output, such as ``:v:0``."""
    return [argument for name, value in options.items() for argument in (f"{name}{which}", value)]
