"""Recognises a video file's container by the first bytes. Pure.

Written by hand, because the common libraries miss MPEG-TS, raw streams and old QuickTime. Coconut goes by the bytes
too, not by the declared type. Only what is certainly no video is refused here: whatever else is not recognised is
UNKNOWN, and the transcoding service looks at it once.
"""

import re
from enum import StrEnum

from domain.video import UNKNOWN_CONTAINER


class Container(StrEnum):
    """The containers that may hold a video. The values are stored with the source's facts."""

    MP4 = "mp4"
    MOV = "mov"
    THREE_GP = "3gp"
    MATROSKA = "matroska"
    WEBM = "webm"
    AVI = "avi"
    MPEG_TS = "mpeg-ts"
    MPEG_PS = "mpeg-ps"
    FLV = "flv"
    ASF = "asf"
    OGG = "ogg"
    MXF = "mxf"
    DV = "dv"
    # A stream of MPEG-1, -2 or -4, H.264 or H.265 video without a container.
    RAW_VIDEO = "raw-video"
    UNKNOWN = UNKNOWN_CONTAINER


# For people, in the order of docs/formats.md.
FORMATS_TAKEN = (
    "MP4, MOV, 3GP, MKV, WebM, AVI, MPEG-TS, MPEG-PS, FLV, WMV, Ogg, MXF, DV and raw MPEG, H.264 or H.265 video"
)

# ISO base media files that hold one picture. Any other brand may be a video, because cameras invent their own.
_STILL_BRANDS = (b"heic", b"heix", b"mif1", b"avif", b"crx ", b"jp2 ", b"jpx ", b"jpm ")

# First boxes of QuickTime files from before the type box existed.
_OLD_QUICKTIME = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")

_SIGNATURES = (
    (b"FLV\x01", Container.FLV),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", Container.ASF),
    (b"OggS", Container.OGG),
)

_EBML = b"\x1a\x45\xdf\xa3"
_DOC_TYPE_ID = b"\x42\x82"
_DOC_TYPES = {b"webm": Container.WEBM, b"matroska": Container.MATROSKA}
_EBML_HEADER_BYTES = 256

# A file that begins with one of these is sound, a picture, a document, an archive or a program, whatever follows.
_NO_VIDEO = re.compile(
    rb"\xff\xd8\xff|\x89PNG|GIF8|BM....\x00\x00\x00\x00|II\*\x00|MM\x00\*|8BPS|\x00\x00\x00\x0cJXL |RIFF....WEBP"
    rb"|\xff[\xe2-\xe7\xf1-\xf7\xf9-\xff][^\xff]|\x0b\x77|fLaC|FORM....AIF|RIFF....(?:WAVE|RMID)"
    rb"|caff|\.snd|MThd|MAC |wvpk|TTA1|DSD |#!AMR|ID3"
    rb"|%PDF|%!PS|\{\\rtf|\xd0\xcf\x11\xe0|SQLite format 3\x00|PK(?:\x03\x04|\x05\x06|\x07\x08)"
    rb"|\x1f\x8b\x08|BZh[1-9]|7z\xbc\xaf\x27\x1c|Rar!|\xfd7zXZ|\x28\xb5\x2f\xfd|\x7fELF|MZ|\xca\xfe\xba\xbe"
    rb"|wOF[F2]|OTTO|\x00\x01\x00\x00\x00",
    re.DOTALL,
)

_TEXT_CONTROLS = frozenset(b"\t\n\x0b\x0c\r\x1a\x1b")
_BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff")

# MPEG-TS, M2TS with a time stamp of four bytes before each packet, and TS with 16 bytes of error correction behind.
PACKET_BYTES = (188, 192, 204)
# A run at the very beginning; a random byte in the middle would pass for a sync byte too often.
_PACKETS_AT_START = 4
_PACKETS_WITHIN = 5

# A pack header: MPEG-2 continues with the bits 01, MPEG-1 with 0010.
_PACK = re.compile(rb"\x00\x00\x01\xba[\x20-\x2f\x40-\x7f]")
# The header of an MXF file may follow up to 64 KiB of something else (SMPTE 377-1, 6.5).
MXF_HEADER = b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02\x01\x01\x02"
# The first block of a DV frame; then come the subcode blocks of 80 bytes each.
_DV = re.compile(rb"\x1f.\x00.{77}\x3f", re.DOTALL)
# What a raw stream begins with: MPEG-1 and -2 sequence; MPEG-4 visual sequence or object; H.264 delimiter, SEI or
# parameter set; H.265 delimiter, SEI or parameter set.
_RAW_VIDEO = re.compile(
    rb"\x00{0,16}\x00\x00\x01(?:\xb3|\xb0|\xb5|[\x00-\x2f]\x00\x00\x01|[\x09\x06\x67\x27\x47]|[\x40\x42\x44\x46\x4e]\x01)"
)


def sniff(head: bytes) -> Container | None:
    """Return the container of a file that begins with ``head``, None if the file is certainly no video."""
    known = _known(head)
    if known is not None:
        return known
    return None if _is_still(head) or _NO_VIDEO.match(head) or _is_text(head) else Container.UNKNOWN


def transport_packets(head: bytes) -> tuple[int, int] | None:
    """Return where the first packet of an MPEG transport stream begins and how far apart the packets are."""
    for step in PACKET_BYTES:
        start = step - 188 if step == 192 else 0
        if _has_sync_bytes(head, start, step, _PACKETS_AT_START):
            return start, step
    at = head.find(b"G")
    while at >= 0:
        for step in PACKET_BYTES:
            if _has_sync_bytes(head, at, step, _PACKETS_WITHIN):
                return at, step
        at = head.find(b"G", at + 1)
    return None


def _known(head: bytes) -> Container | None:
    if head[4:8] == b"ftyp":
        return _by_brand(head[8:12])
    if head[4:8] in _OLD_QUICKTIME:
        return Container.MOV
    if head.startswith(_EBML):
        return _by_doc_type(head[:_EBML_HEADER_BYTES])
    if head.startswith(b"RIFF") and head[8:12] == b"AVI ":
        return Container.AVI
    for signature, container in _SIGNATURES:
        if head.startswith(signature):
            return container
    if _DV.match(head):
        return Container.DV
    if MXF_HEADER in head:
        return Container.MXF
    # These have no header: a recording may begin anywhere, and tags or zeros may come first.
    if transport_packets(head) is not None:
        return Container.MPEG_TS
    if _PACK.search(head):
        return Container.MPEG_PS
    return Container.RAW_VIDEO if _RAW_VIDEO.match(head) else None


def _by_brand(brand: bytes) -> Container | None:
    if brand in _STILL_BRANDS:
        return None
    if brand == b"qt  ":
        return Container.MOV
    return Container.THREE_GP if brand.startswith((b"3gp", b"3g2")) else Container.MP4


def _by_doc_type(header: bytes) -> Container:
    start = header.find(_DOC_TYPE_ID)
    # One length byte with its marker bit: a DocType is never longer than 126 bytes.
    length, value = header[start + 2 : start + 3], header[start + 3 :]
    if start < 0 or not length:
        return Container.UNKNOWN
    return _DOC_TYPES.get(value[: length[0] & 0x7F].rstrip(b"\x00"), Container.UNKNOWN)


def _is_still(head: bytes) -> bool:
    return head[4:8] == b"ftyp" and head[8:12] in _STILL_BRANDS


def _is_text(head: bytes) -> bool:
    """Return whether the head is text: UTF-16 by its mark, or UTF-8 (perhaps cut inside a letter) without controls."""
    if head.startswith(_BYTE_ORDER_MARKS):
        return True
    try:
        head.decode()
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3 or error.reason != "unexpected end of data":
            return False
    return all(byte >= ord(" ") or byte in _TEXT_CONTROLS for byte in head)


def _has_sync_bytes(head: bytes, start: int, step: int, packets: int) -> bool:
    return all(head[at : at + 1] == b"\x47" for at in range(start, start + step * packets, step))
