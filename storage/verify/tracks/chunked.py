"""Tracks of AVI, FLV, ASF, Ogg and MXF files: each states them in a header at its beginning."""

import re
import struct
from collections.abc import Iterator

from storage.verify.container import MXF_HEADER
from storage.verify.reader import STRETCH_BYTES_MAX, Reader
from storage.verify.tracks.kinds import of_kinds

_AVI_PICTURES = (b"vids", b"iavs")
_AVI_OTHERS = (b"auds", b"txts", b"mids")

_FLV_SOUND_ONLY = b"\x04"
_FLV_AUDIO_TAG, _FLV_VIDEO_TAG = 8, 9

_ASF_STREAM = bytes.fromhex("9107dcb7b7a9cf118ee600c00c205365")
_ASF_PICTURES = (
    bytes.fromhex("c0ef19bc4d5bcf11a8fd00805f5c442b"),  # video
    bytes.fromhex("00e11bb64e5bcf11a8fd00805f5c442b"),  # JFIF
    bytes.fromhex("e07d903515e4cf11a91700805f5c442b"),  # degradable JPEG
)
_ASF_SOUND = bytes.fromhex("409e69f84d5bcf11a8fd00805f5c442b")

_OGG_FIRST_PAGE = 0x02
_OGG_PICTURES = re.compile(rb"\x80theora|BBCD\x00|OVP80|\x01video")
_OGG_OTHERS = re.compile(
    rb"\x01vorbis|OpusHead|Speex   |\x7fFLAC|fLaC|PCM     |\x80kate|CMML|\x01audio|\x01text|fishead"
)

# The data definition of a track, whatever the version of the register (SMPTE 377-1, annex).
_MXF_PICTURE = re.compile(rb"\x06\x0e\x2b\x34\x04\x01\x01.\x01\x03\x02\x02\x01", re.DOTALL)
_MXF_SOUND = re.compile(rb"\x06\x0e\x2b\x34\x04\x01\x01.\x01\x03\x02\x02\x02", re.DOTALL)
_MXF_HEADER_BYTES = slice(32, 40)


def avi_has_picture(file: Reader) -> bool | None:
    """Return whether a stream header in the list `hdrl` is for pictures."""
    kinds = [
        file.at(header, 4)
        for kind, start, end in _chunks(file, 12, file.file_bytes)
        if kind == b"LIST" and file.at(start, 4) == b"hdrl"
        for stream, stream_start, stream_end in _chunks(file, start + 4, end)
        if stream == b"LIST" and file.at(stream_start, 4) == b"strl"
        for name, header, _ in _chunks(file, stream_start + 4, stream_end)
        if name == b"strh"
    ]
    return of_kinds(kinds, pictures=_AVI_PICTURES, others=_AVI_OTHERS)


def flv_has_picture(file: Reader) -> bool | None:
    """Return whether there is a video tag in the head; without one, a header that names only sound is believed."""
    tags = set(_flv_tags(file.head))
    if _FLV_VIDEO_TAG in tags:
        return True
    return False if file.head[4:5] == _FLV_SOUND_ONLY and _FLV_AUDIO_TAG in tags else None


def asf_has_picture(file: Reader) -> bool | None:
    """Return whether the header object has a stream of pictures."""
    size = int.from_bytes(file.head[16:24], "little")
    header = file.at(0, min(size, STRETCH_BYTES_MAX))
    kinds = [header[match.end() + 8 :][:16] for match in re.finditer(re.escape(_ASF_STREAM), header)]
    verdict = of_kinds(kinds, pictures=_ASF_PICTURES, others=(_ASF_SOUND,))
    return verdict if verdict or len(header) == size else None


def ogg_has_picture(file: Reader) -> bool | None:
    """Return whether one of the streams is a picture: all of them begin before any continues (RFC 3533, 4)."""
    kinds: list[bytes] = []
    at = 0
    while len(page := file.at(at, 27)) == 27 and page.startswith(b"OggS"):
        if not page[5] & _OGG_FIRST_PAGE:
            break
        lengths = file.at(at + 27, page[26])
        packet = file.at(at + 27 + page[26], min(sum(lengths), 16))
        kinds.append(_ogg_kind(packet))
        at += 27 + page[26] + sum(lengths)
    else:
        return True if b"picture" in kinds else None
    return of_kinds(kinds, pictures=(b"picture",), others=(b"other",))


def mxf_has_picture(file: Reader) -> bool | None:
    """Return whether the header's metadata define a picture track."""
    at = file.head.find(MXF_HEADER) + 16
    length_bytes = 1 + (file.head[at] & 0x7F) if file.head[at : at + 1] >= b"\x80" else 1
    pack = file.at(at + length_bytes, 40)
    size = int.from_bytes(pack[_MXF_HEADER_BYTES])
    header = file.at(at, min(size, STRETCH_BYTES_MAX))
    if _MXF_PICTURE.search(header):
        return True
    return False if size == len(header) and _MXF_SOUND.search(header) else None


def _chunks(file: Reader, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield the kind of each RIFF chunk, and where its contents begin and end."""
    at = start
    while at + 8 <= end:
        header = file.at(at, 8)
        if len(header) < 8:
            return
        kind, size = struct.unpack("<4sI", header)
        yield kind, at + 8, min(at + 8 + size, end)
        # Chunks begin at even offsets.
        at += 8 + size + size % 2


def _flv_tags(head: bytes) -> Iterator[int]:
    at = int.from_bytes(head[5:9]) + 4
    while at + 11 <= len(head):
        yield head[at] & 0x1F
        at += 11 + int.from_bytes(head[at + 1 : at + 4]) + 4


def _ogg_kind(packet: bytes) -> bytes:
    if _OGG_PICTURES.match(packet):
        return b"picture"
    return b"other" if _OGG_OTHERS.match(packet) else packet
