"""What a poster may contain: a JPEG whose structure is read strictly, and written anew without what is no picture.

Nothing is decoded, so a picture costs one walk over its bytes. What is left out cannot become public: EXIF with the
place where a photo was taken, comments, thumbnails of the picture before it was cropped, other files behind its end.
The formats are those of ITU T.81, annex B, and JFIF 1.02; what browsers and cameras do not write is refused.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

BYTES_MAX = 512 * 1024
SIDE_MIN, SIDE_MAX = 16, 4096
# A viewer's browser decodes every scan over the whole picture. Encoders write about ten.
SCANS_MAX = 64
# A photo has dozens, most of them for its colour profile.
SEGMENTS_MAX = 1000

_SOI, _EOI, _SOS, _DQT, _DHT, _DRI = 0xD8, 0xD9, 0xDA, 0xDB, 0xC4, 0xDD
_BASELINE, _PROGRESSIVE = 0xC0, 0xC2
_APP0, _APP1, _APP14, _APP15, _COM = 0xE0, 0xE1, 0xEE, 0xEF, 0xFE
_MARKER = re.compile(rb"\xff+([^\xff])", re.DOTALL)
# Coded data goes on behind a stuffed byte, and behind the markers that let a decoder start again.
_END_OF_DATA = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_OTHER_FRAMES = frozenset(range(0xC0, 0xD0)) - {_BASELINE, _PROGRESSIVE, _DHT, 0xC8, 0xCC}
_JFIF = b"JFIF\x00\x01\x02\x00\x00\x01\x00\x01\x00\x00"
_EXIF, _ADOBE = b"Exif\x00\x00", b"Adobe"
_ADOBE_BYTES = 12
_ORIENTATION, _SHORT, _ENTRY_BYTES = 0x0112, 3, 12
_ORIENTATIONS = range(1, 9)
# Grey, and the three of colour pictures. Browsers disagree about four.
_COMPONENTS = (1, 3)
_TABLES, _SAMPLINGS, _COEFFICIENTS, _BITS = range(4), range(1, 5), 64, range(14)
_CODE_LENGTHS, _CODES_MAX = 16, 256


class PosterError(Exception):
    """The bytes are no picture that can be a poster. The message is for the owner."""


@dataclass
class _Read:
    """What was read so far. ``parts``: what the picture is written anew from, in order."""

    parts: list[bytes] = field(default_factory=list)
    components: tuple[int, ...] = ()
    is_progressive: bool = False
    quantized_by: frozenset[int] = frozenset()
    tables: set[int] = field(default_factory=set)
    codes: set[int] = field(default_factory=set)
    scanned: set[int] = field(default_factory=set)
    scans: int = 0
    is_jfif: bool = False
    transform: int | None = None
    orientation: int = 1


def poster_of(body: bytes) -> bytes:
    """Return the picture as it is published. Raises PosterError."""
    if not body.startswith(bytes((0xFF, _SOI))):
        raise PosterError("the picture is no JPEG")
    read = _Read()
    for marker, content in _segments(body):
        match marker:
            case 0xC0 | 0xC2:
                _read_frame(read, marker, content)
            case 0xDB:
                _read_quantization(read, content)
            case 0xC4:
                _read_codes(read, content)
            case 0xDD:
                _require(len(content) == 2, "a restart interval of two bytes")
            case 0xDA:
                _read_scan(read, content)
            case 0xE0 | 0xE1 | 0xEE:
                _read_application(read, marker, content)
                continue
            case _ if _APP0 <= marker <= _APP15 or marker == _COM:
                continue
            case _ if marker in _OTHER_FRAMES:
                raise PosterError("the picture is coded in a way that browsers do not show: save it as baseline JPEG")
            case _:
                raise PosterError(f"the picture has a marker that has no place there: {marker:#04x}")
        read.parts.append(_segment(marker, content))
    if set(read.components) - read.scanned or not read.components:
        raise PosterError("the picture has no data for all of its colours")
    return b"".join([bytes((0xFF, _SOI)), *_head(read), *read.parts, bytes((0xFF, _EOI))])


def _segments(body: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield each marker with its content; that of a scan has the coded data behind its header.

    Raises PosterError if the end of the picture is missing. What follows it is not read.
    """
    at = 2
    for _ in range(SEGMENTS_MAX):
        found = _MARKER.match(body, at)
        if found is None:
            raise PosterError("the picture is cut off or damaged")
        marker, at = found[1][0], found.end()
        if marker == _EOI:
            return
        ends_at = at + int.from_bytes(body[at : at + 2])
        content = body[at + 2 : ends_at]
        if ends_at < at + 2 or ends_at > len(body):
            raise PosterError("the picture is cut off or damaged")
        if marker == _SOS:
            _require(len(content) == _scan_header_bytes(content), "a scan header of its own length")
            end = _END_OF_DATA.search(body, ends_at)
            if end is None:
                raise PosterError("the picture is cut off")
            ends_at = end.start()
        yield marker, body[at + 2 : ends_at]
        at = ends_at
    raise PosterError(f"the picture has more than {SEGMENTS_MAX} segments")


def _scan_header_bytes(content: bytes) -> int:
    return 1 + 2 * content[0] + 3 if content else 0


def _segment(marker: int, content: bytes) -> bytes:
    """Return a segment; of a scan only its header counts towards the length."""
    counted = _scan_header_bytes(content) if marker == _SOS else len(content)
    return bytes((0xFF, marker)) + (counted + 2).to_bytes(2) + content


def _read_frame(read: _Read, marker: int, content: bytes) -> None:
    _require(not read.components, "one frame")
    _require(len(content) >= 6, "a whole frame header")
    precision, count = content[0], content[5]
    height, width = int.from_bytes(content[1:3]), int.from_bytes(content[3:5])
    _require(precision == 8, "8 bits for each colour")
    _require(count in _COMPONENTS and len(content) == 6 + 3 * count, "one or three colours")
    if not (SIDE_MIN <= width <= SIDE_MAX and SIDE_MIN <= height <= SIDE_MAX):
        raise PosterError(f"the picture has {width} x {height} pixels: each side has {SIDE_MIN} to {SIDE_MAX}")
    described = [content[at : at + 3] for at in range(6, len(content), 3)]
    for _, sampling, table in described:
        _require(sampling >> 4 in _SAMPLINGS and sampling & 15 in _SAMPLINGS and table in _TABLES, "known sampling")
    read.components = tuple(name for name, _, _ in described)
    _require(len(set(read.components)) == count, "colours of different names")
    read.quantized_by = frozenset(table for _, _, table in described)
    read.is_progressive = marker == _PROGRESSIVE


def _read_quantization(read: _Read, content: bytes) -> None:
    at = 0
    while at < len(content):
        _require(content[at] >> 4 == 0 and content[at] & 15 in _TABLES, "quantization tables of 8 bits")
        _require(at + 1 + _COEFFICIENTS <= len(content), "whole quantization tables")
        read.tables.add(content[at] & 15)
        at += 1 + _COEFFICIENTS
    _require(at > 0, "quantization tables")


def _read_codes(read: _Read, content: bytes) -> None:
    at = 0
    while at < len(content):
        _require(content[at] >> 4 in (0, 1) and content[at] & 15 in _TABLES, "known Huffman tables")
        codes = sum(content[at + 1 : at + 1 + _CODE_LENGTHS])
        ends_at = at + 1 + _CODE_LENGTHS + codes
        _require(codes <= _CODES_MAX and ends_at <= len(content), "whole Huffman tables")
        read.codes.add(content[at])
        at = ends_at
    _require(at > 0, "Huffman tables")


def _read_scan(read: _Read, content: bytes) -> None:
    read.scans += 1
    if read.scans > SCANS_MAX:
        raise PosterError(f"the picture has more than {SCANS_MAX} scans: save it as baseline JPEG")
    _require(bool(read.components), "a frame before its data")
    _require(read.quantized_by <= read.tables, "the quantization tables that it names")
    count = content[0] if content else 0
    data_at = _scan_header_bytes(content)
    _require(1 <= count <= len(read.components) and len(content) > data_at, "data in each scan")
    pairs = [content[at : at + 2] for at in range(1, data_at - 3, 2)]
    names = [name for name, _ in pairs]
    _require(len(set(names)) == count and set(names) <= set(read.components), "scans of its own colours")
    first, last, bits = content[data_at - 3 : data_at]
    if read.is_progressive:
        _require(first <= last < _COEFFICIENTS and bits >> 4 in _BITS and bits & 15 in _BITS, "known scans")
    else:
        _require((first, last, bits) == (0, _COEFFICIENTS - 1, 0), "whole scans")
        used = {code for _, tables in pairs for code in (tables >> 4, 0x10 | tables & 15)}
        _require(used <= read.codes, "the Huffman tables that it names")
    read.scanned.update(names)


def _read_application(read: _Read, marker: int, content: bytes) -> None:
    """Read what a decoder needs to show the picture as it was meant, and nothing else."""
    if marker == _APP0 and content.startswith(b"JFIF\x00"):
        read.is_jfif = True
    elif marker == _APP14 and content.startswith(_ADOBE) and len(content) >= _ADOBE_BYTES:
        read.transform = content[_ADOBE_BYTES - 1]
    elif marker == _APP1 and content.startswith(_EXIF):
        read.orientation = _orientation(content[len(_EXIF) :])


def _orientation(tiff: bytes) -> int:
    """Return how the camera was held; 1, the usual one, if that is not said or not understood."""
    order = {b"II*\x00": "little", b"MM\x00*": "big"}.get(tiff[:4])
    if order is None:
        return 1

    def number(at: int, length: int) -> int:
        return int.from_bytes(tiff[at : at + length], "little" if order == "little" else "big")

    at = number(4, 4)
    for entry in range(at + 2, min(at + 2 + number(at, 2) * _ENTRY_BYTES, len(tiff)), _ENTRY_BYTES):
        if number(entry, 2) == _ORIENTATION and number(entry + 2, 2) == _SHORT:
            found = number(entry + 8, 2)
            return found if found in _ORIENTATIONS else 1
    return 1


def _head(read: _Read) -> Iterator[bytes]:
    """Return what the picture needs of what was left out, written anew."""
    if read.transform in (0, 1):
        yield _segment(_APP14, _ADOBE + bytes((0, 100, 0, 0, 0, 0, read.transform)))
    elif read.is_jfif:
        yield _segment(_APP0, _JFIF)
    if read.orientation != 1:
        entry = b"".join(
            (_ORIENTATION.to_bytes(2), _SHORT.to_bytes(2), (1).to_bytes(4), read.orientation.to_bytes(2), b"\x00\x00")
        )
        tiff = b"MM\x00*" + (8).to_bytes(4) + (1).to_bytes(2) + entry + (0).to_bytes(4)
        yield _segment(_APP1, _EXIF + tiff)


def _require(is_so: bool, what: str) -> None:
    if not is_so:
        raise PosterError(f"the picture is damaged: a JPEG has {what}")
