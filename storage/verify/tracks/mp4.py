"""Tracks of MP4 and QuickTime files: the handler and the header of each `trak` (ISO/IEC 14496-12, 8.3.2, 8.4.3)."""

import struct
from collections.abc import Iterator

from domain.video import Orientation
from storage.verify.mp4 import HEADER_BYTES, Box, box_at
from storage.verify.reader import BoundReachedError, Reader
from storage.verify.tracks.kinds import of_kinds

_PICTURES = (b"vide", b"auxv", b"pict", b"MPEG")
_OTHERS = (b"soun", b"hint", b"meta", b"text", b"sbtl", b"subt", b"subp", b"clcp", b"tmcd", b"odsm", b"sdsm", b"mdir")

# Behind the version, the flags and a field that MP4 leaves empty.
_HANDLER = slice(8, 12)
# The track header ends with a matrix of nine numbers, and width and height as they are before it is applied.
_MATRIX_AND_SIZE = struct.Struct(">9iII")


def has_picture(file: Reader) -> bool | None:
    """Return whether a track's handler is for pictures. A compressed index, or one without tracks, is not known."""
    return of_kinds([handler for _, handler in _tracks(file)], pictures=_PICTURES, others=_OTHERS)


def turned_to(file: Reader) -> Orientation | None:
    """Return the orientation of the first picture if its header rotates it by 90°, as phones do; else None."""
    try:
        for track, handler in _tracks(file):
            if handler in _PICTURES:
                return next((_turned_to(file, header) for header in boxes(file, track, b"tkhd")), None)
    except BoundReachedError:
        pass
    return None


def _turned_to(file: Reader, header: Box) -> Orientation | None:
    size = _MATRIX_AND_SIZE.size
    if header.end - header.start < size:
        return None
    a, b, _, c, d, _, _, _, _, width, height = _MATRIX_AND_SIZE.unpack(file.at(header.end - size, size))
    if a or d or not b or not c or width == height:
        return None
    return Orientation.PORTRAIT if width > height else Orientation.LANDSCAPE


def _tracks(file: Reader) -> Iterator[tuple[Box, bytes]]:
    """Yield each track with its handler."""
    for index in boxes(file, Box(b"", 0, file.file_bytes), b"moov"):
        for track in boxes(file, index, b"trak"):
            for media in boxes(file, track, b"mdia"):
                for handler in boxes(file, media, b"hdlr"):
                    yield track, file.at(handler.start, 12)[_HANDLER]


def boxes(file: Reader, parent: Box, kind: bytes) -> Iterator[Box]:
    """Yield the boxes of one kind directly in a box. Raises BoundReachedError."""
    offset = parent.start
    while parent.end - offset >= HEADER_BYTES:
        box = box_at(file, offset, parent.end)
        if not offset + HEADER_BYTES <= box.end <= parent.end:
            return
        if box.kind == kind:
            yield box
        offset = box.end
