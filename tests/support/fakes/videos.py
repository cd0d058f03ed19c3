"""Small files by hand: just enough of a container, a playlist or a stream for the rules to judge."""

import struct
from collections.abc import Sequence

SEGMENT_SECONDS = 6.0


def box(kind: bytes, content: bytes = b"") -> bytes:
    """Return one ISO base media box."""
    return struct.pack(">I4s", 8 + len(content), kind) + content


def mp4(*, brand: bytes = b"isom", is_fast_start: bool = True, media_bytes: int = 64, seconds: float = 0) -> bytes:
    """Return an MP4 with an index and media data, in either order. ``seconds``: as its header states, 0 for nothing."""
    header = bytes(12) + struct.pack(">II", 1_000, round(seconds * 1_000)) + bytes(80)
    index, media = box(b"moov", box(b"mvhd", header)), box(b"mdat", bytes(media_bytes))
    rest = index + media if is_fast_start else media + index
    return box(b"ftyp", brand + bytes(4) + brand) + rest


def master(*uris: str, attributes: str = 'BANDWIDTH=800000,RESOLUTION=640x360,CODECS="avc1.4d401e,mp4a.40.2"') -> str:
    """Return a master playlist whose variants differ in nothing but the URI."""
    lines = [line for uri in uris for line in (f"#EXT-X-STREAM-INF:{attributes}", uri)]
    return "\n".join(["#EXTM3U", *lines, ""])


def media(uris: Sequence[str], *, seconds_each: float = SEGMENT_SECONDS, has_end: bool = True) -> str:
    """Return a media playlist."""
    lines = ["#EXTM3U", "#EXT-X-VERSION:3", f"#EXT-X-TARGETDURATION:{round(seconds_each) or 1}"]
    lines += [line for uri in uris for line in (f"#EXTINF:{seconds_each},", uri)]
    return "\n".join([*lines, *(["#EXT-X-ENDLIST"] if has_end else []), ""])


def stream(*, variants: Sequence[str] = ("360p", "720p"), segments: int = 2, thumbnails: int = 3) -> dict[str, bytes]:
    """Return a whole job's outputs by path below the attempt's prefix. It lasts ``segments`` x SEGMENT_SECONDS."""
    files = {"hls/master.m3u8": master(*(f"{name}/index.m3u8" for name in variants)).encode()}
    for name in variants:
        uris = [f"{number:03}.ts" for number in range(segments)]
        files[f"hls/{name}/index.m3u8"] = media(uris).encode()
        files |= {f"hls/{name}/{uri}": b"\x47" * 188 for uri in uris}
    return files | {f"thumbnails/thumb_{number:02}.jpg": b"\xff\xd8\xff" for number in range(1, thumbnails + 1)}


class CountedFile:
    """A file in storage that counts how often it was read."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.reads = 0

    def read(self, offset: int, length: int) -> bytes:
        """Return a range."""
        self.reads += 1
        return self.body[offset : offset + length]
