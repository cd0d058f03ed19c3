"""Recognises a video file's container by its first bytes. Pure; storage/verify/mp4.py checks that a file is complete.

Written by hand, because the common libraries miss MPEG-TS and old QuickTime. Coconut goes by the bytes too, not by
the declared type.
"""

from enum import StrEnum

HEAD_BYTES = 4096


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


# ISO base media files that are no video. Any other brand counts as video, because cameras invent their own.
_STILL_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis", b"crx ")
_AUDIO_BRANDS = (b"M4A ", b"M4B ", b"M4P ", b"F4A ", b"F4B ")

# First boxes of QuickTime files from before the type box existed.
_OLD_QUICKTIME = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")

_SIGNATURES = (
    (b"\x00\x00\x01\xba", Container.MPEG_PS),
    (b"\x00\x00\x01\xb3", Container.MPEG_PS),
    (b"FLV\x01", Container.FLV),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", Container.ASF),
    (b"OggS", Container.OGG),
    (b"\x06\x0e\x2b\x34\x02\x05\x01\x01", Container.MXF),
)

_EBML = b"\x1a\x45\xdf\xa3"
_EBML_HEADER_BYTES = 64
_DOC_TYPE_ID = b"\x42\x82"
_DOC_TYPES = {b"webm": Container.WEBM, b"matroska": Container.MATROSKA}

_TS_PACKET_BYTES = 188
# M2TS puts a time stamp of four bytes before each packet.
_M2TS_STAMP_BYTES = 4
_TS_PACKETS = 4


def sniff(head: bytes) -> Container | None:
    """Return the container of a file that begins with ``head``, None if it is not a video."""
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
    return Container.MPEG_TS if _is_transport_stream(head) else None


def _by_brand(brand: bytes) -> Container | None:
    if brand in _STILL_BRANDS or brand in _AUDIO_BRANDS:
        return None
    if brand == b"qt  ":
        return Container.MOV
    return Container.THREE_GP if brand.startswith((b"3gp", b"3g2")) else Container.MP4


def _by_doc_type(header: bytes) -> Container | None:
    start = header.find(_DOC_TYPE_ID)
    if start < 0:
        return None
    # One length byte with its marker bit: a DocType is never longer than 126 bytes.
    length, value = header[start + 2 : start + 3], header[start + 3 :]
    return _DOC_TYPES.get(value[: length[0] & 0x7F]) if length else None


def _is_transport_stream(head: bytes) -> bool:
    return _has_sync_bytes(head, 0, _TS_PACKET_BYTES) or _has_sync_bytes(
        head, _M2TS_STAMP_BYTES, _TS_PACKET_BYTES + _M2TS_STAMP_BYTES
    )


def _has_sync_bytes(head: bytes, start: int, step: int) -> bool:
    return all(head[at : at + 1] == b"\x47" for at in range(start, start + step * _TS_PACKETS, step))
