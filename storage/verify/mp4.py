"""Checks by its top-level boxes that an MP4 or QuickTime file is complete. Reads only through ``read``.

A recording that was cut off has no index (`moov`), or a box that claims more bytes than the file has. The contents
of the boxes are left to Coconut.
"""

import struct
from collections.abc import Callable

# read(offset, length) returns the bytes there; fewer only at the end of the file.
Read = Callable[[int, int], bytes]

# Each box costs one request. Fragmented files have thousands, but their index comes first.
BOXES_READ = 64

_HEADER_BYTES = 8
_LONG_HEADER_BYTES = 16
_INDEX = b"moov"
_MEDIA = frozenset({b"mdat", b"imda"})
# Boxes that must be complete. A truncated box of any other kind is junk that players skip.
_NEEDED = _MEDIA | {_INDEX, b"moof"}


def why_incomplete(read: Read, file_bytes: int) -> str | None:
    """Return why the file cannot be played to its end, None if it seems complete."""
    complete: set[bytes] = set()
    offset = 0
    for _ in range(BOXES_READ):
        if file_bytes - offset < _HEADER_BYTES:
            return _missing(complete)
        kind, size = _box(read(offset, _LONG_HEADER_BYTES), file_bytes - offset)
        end = offset + size
        if kind in _NEEDED and end > file_bytes:
            return f"it ends {end - file_bytes} bytes before the end of its {kind.decode()}"
        if size < _HEADER_BYTES or end > file_bytes:
            return _missing(complete)
        complete.add(kind)
        offset = end
    return None if _INDEX in complete else f"it has no index (moov) among its first {BOXES_READ} boxes"


def _box(header: bytes, rest: int) -> tuple[bytes, int]:
    """Return type and size of the box with this header; ``rest``: bytes from the start of the box to the file's end."""
    size, kind = struct.unpack(">I4s", header[:_HEADER_BYTES].ljust(_HEADER_BYTES, b"\x00"))
    if size == 0:
        return kind, rest
    if size == 1 and len(header) == _LONG_HEADER_BYTES:
        return kind, struct.unpack(">Q", header[_HEADER_BYTES:])[0]
    return kind, size


def _missing(complete: set[bytes]) -> str | None:
    if _INDEX not in complete:
        return "it has no complete index (moov)"
    return None if complete & _MEDIA else "it has no media data (mdat)"
