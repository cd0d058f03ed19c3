"""Checks by its top-level boxes that an MP4 or QuickTime file is complete. Reads only through `Reader`.

A recording that was cut off has no index (`moov`), or a box that claims more bytes than the file has. Of the contents
only the index matters here: see storage/verify/tracks/mp4.py.
"""

import struct
from dataclasses import dataclass

from storage.verify.reader import BoundReachedError, Reader

HEADER_BYTES = 8
LONG_HEADER_BYTES = 16
_INDEX = b"moov"
_MEDIA = frozenset({b"mdat", b"imda"})
# Boxes that must be complete. A truncated box of any other kind is junk that players skip.
_NEEDED = _MEDIA | {_INDEX, b"moof"}


@dataclass(frozen=True)
class Box:
    """One box: ``start`` and ``end`` bound its contents in the file."""

    kind: bytes
    start: int
    end: int


def why_incomplete(file: Reader) -> str | None:
    """Return why the file cannot be played to its end, None if it seems complete or has more boxes than are read."""
    complete: set[bytes] = set()
    offset = 0
    try:
        while file.file_bytes - offset >= HEADER_BYTES:
            box = box_at(file, offset, file.file_bytes)
            if box.kind in _NEEDED and box.end > file.file_bytes:
                return f"it ends {box.end - file.file_bytes} bytes before the end of its {box.kind.decode()}"
            if box.end < offset + HEADER_BYTES or box.end > file.file_bytes:
                break
            complete.add(box.kind)
            offset = box.end
    except BoundReachedError:
        return None
    if _INDEX not in complete:
        return "it has no complete index (moov)"
    return None if complete & _MEDIA else "it has no media data (mdat)"


def box_at(file: Reader, offset: int, end: int) -> Box:
    """Return the box that begins at ``offset``; one of size 0 lasts until ``end``."""
    header = file.at(offset, LONG_HEADER_BYTES)
    size, kind = struct.unpack(">I4s", header[:HEADER_BYTES].ljust(HEADER_BYTES, b"\x00"))
    if size == 0:
        return Box(kind, offset + HEADER_BYTES, end)
    if size == 1 and len(header) == LONG_HEADER_BYTES:
        return Box(kind, offset + LONG_HEADER_BYTES, offset + struct.unpack(">Q", header[HEADER_BYTES:])[0])
    return Box(kind, offset + HEADER_BYTES, offset + size)
