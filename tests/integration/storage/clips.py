"""Real files, made by ffmpeg: a second of video and audio in any container, and a whole HLS stream."""

from pathlib import Path

from tests.support.clips import ffmpeg

_H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac")
_VP8 = ("-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libvorbis")

# Codecs and options by file name.
CLIPS: dict[str, tuple[str, ...]] = {
    "fast-start.mp4": (*_H264, "-movflags", "+faststart"),
    "index-at-end.mp4": _H264,
    "fragmented.mp4": (*_H264, "-movflags", "+frag_keyframe+empty_moov"),
    "clip.mov": _H264,
    "clip.3gp": (*_H264, "-f", "3gp"),
    "clip.webm": _VP8,
    "clip.mkv": _H264,
    "clip.ts": _H264,
    "clip.m2ts": (*_H264, "-f", "mpegts", "-mpegts_m2ts_mode", "1"),
    "clip.avi": ("-c:v", "mpeg4", "-c:a", "mp3"),
    "clip.flv": _H264,
    "clip.mpg": ("-c:v", "mpeg2video", "-c:a", "mp2", "-r", "25"),
    "clip.wmv": ("-c:v", "wmv2", "-c:a", "wmav2"),
    "clip.ogv": ("-c:v", "libtheora", "-c:a", "libvorbis"),
    "clip.mxf": ("-c:v", "mpeg2video", "-c:a", "pcm_s16le", "-ar", "48000", "-r", "25"),
    "clip.dv": ("-target", "pal-dv"),
    "clip.h264": ("-c:v", "libx264", "-preset", "ultrafast", "-an"),
    "clip.m2v": ("-c:v", "mpeg2video", "-an", "-r", "25"),
    "clip.ivf": ("-c:v", "libvpx", "-deadline", "realtime", "-an"),
    "sound.m4a": ("-vn", "-c:a", "aac"),
    "sound.wav": ("-vn",),
    "sound.mp3": ("-vn",),
    "sound.mp4": ("-vn", "-c:a", "aac"),
    "sound.mov": ("-vn", "-c:a", "aac"),
    "sound.3gp": ("-vn", "-c:a", "aac", "-f", "3gp"),
    "sound-fragmented.mp4": ("-vn", "-c:a", "aac", "-movflags", "+frag_keyframe+empty_moov"),
    "sound.mkv": ("-vn", "-c:a", "aac"),
    "sound.webm": ("-vn", "-c:a", "libopus"),
    "sound.ts": ("-vn", "-c:a", "aac"),
    "sound.m2ts": ("-vn", "-c:a", "aac", "-f", "mpegts", "-mpegts_m2ts_mode", "1"),
    "sound.avi": ("-vn", "-c:a", "mp3"),
    "sound.flv": ("-vn", "-c:a", "aac"),
    "sound.mpg": ("-vn", "-c:a", "mp2"),
    "sound.vob": ("-vn", "-c:a", "ac3", "-f", "vob"),
    "sound.wma": ("-vn", "-c:a", "wmav2"),
    "sound.ogg": ("-vn", "-c:a", "libvorbis"),
    "sound.opus": ("-vn", "-c:a", "libopus"),
    "still.png": ("-frames:v", "1", "-an"),
    "still.jpg": ("-frames:v", "1", "-an"),
    "still.webp": ("-frames:v", "1", "-an"),
    "still.avif": ("-frames:v", "1", "-an", "-c:v", "libaom-av1", "-cpu-used", "8"),
}


def make_clip(directory: Path, name: str) -> bytes:
    """Return the file of this name in CLIPS."""
    file = directory / name
    if not file.exists():
        _make(directory, "-t", "1", *CLIPS[name], name)
    return file.read_bytes()


def turn(directory: Path, name: str, degrees: int) -> bytes:
    """Return a clip whose container turns the picture, as phones do instead of turning the pixels."""
    turned = directory / f"{degrees}-{name}"
    make_clip(directory, name)
    ffmpeg("-display_rotation", str(degrees), "-i", name, "-c", "copy", turned.name, folder=directory)
    return turned.read_bytes()


def make_stream(directory: Path, *, seconds: int) -> dict[str, bytes]:
    """Return an HLS stream of two variants and a thumbnail, by path below the attempt's prefix."""
    (directory / "hls").mkdir(parents=True)
    (directory / "thumbnails").mkdir()
    variants = ("-map", "0:v", "-map", "1:a", "-map", "0:v", "-map", "1:a", "-var_stream_map", "v:0,a:0 v:1,a:1")
    segments = ("-f", "hls", "-hls_time", "2", "-hls_playlist_type", "vod", "-master_pl_name", "master.m3u8")
    rates = ("-b:v:0", "100k", "-b:v:1", "200k", "-g", "20")
    length = ("-t", str(seconds))
    _make(directory, *length, *variants, *_H264, *rates, *segments, "hls/variant_%v/index.m3u8")
    _make(directory, "-frames:v", "1", "-an", "thumbnails/thumb_01.jpg")
    return {str(file.relative_to(directory)): file.read_bytes() for file in directory.rglob("*.*")}


def _make(directory: Path, *arguments: str) -> None:
    sources = ("-f", "lavfi", "-i", "testsrc2=size=128x96:rate=10", "-f", "lavfi", "-i", "sine=frequency=440")
    ffmpeg(*sources, "-threads", "1", *arguments, folder=directory)
