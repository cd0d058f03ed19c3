"""Whether an MP4 or QuickTime file is whole, told from its top-level boxes. Reads only through ``read``.

A recording that was cut off has no index (`moov`), or a box that promises more bytes than the file has.
What is inside the boxes is Coconut's business.
"""

import struct
from collections.abc import Callable

# Read(offset, length) returns the bytes there; fewer only at the end of the file.
Read = Callable[[int, int], bytes]

# Each box costs one request. Fragmented files have thousands, but their index comes first.
BOXES_READ = 64

_HEADER_BYTES = 8
_LONG_HEADER_BYTES = 16
_INDEX = b"moov"
_MEDIA = frozenset({b"mdat", b"imda"})
# Without these a file does not play. Of anything else a cut-off rest is junk that players skip.
_NEEDED = _MEDIA | {_INDEX, b"moof"}


def why_incomplete(read: Read, file_bytes: int) -> str | None:
    """Return why the file cannot be played to its end, None if nothing speaks against it."""
    seen: set[bytes] = set()
    offset = 0
    for _ in range(BOXES_READ):
        if file_bytes - offset < _HEADER_BYTES:
            return _missing(seen)
        kind, size = _box(read(offset, _LONG_HEADER_BYTES), file_bytes - offset)
        end = offset + size
        if kind in _NEEDED and end > file_bytes:
            return f"it ends {end - file_bytes} bytes before the end of its {kind.decode()}"
        if size < _HEADER_BYTES or end > file_bytes:
            return _missing(seen)
        seen.add(kind)
        offset = end
    return None if _INDEX in seen else f"it has no index (moov) among its first {BOXES_READ} boxes"


def _box(header: bytes, rest: int) -> tuple[bytes, int]:
    """Return type and size of the box with this header; ``rest`` is what is left of the file from its start on."""
    size, kind = struct.unpack(">I4s", header[:_HEADER_BYTES].ljust(_HEADER_BYTES, b"\x00"))
    if size == 0:
        return kind, rest
    if size == 1 and len(header) == _LONG_HEADER_BYTES:
        return kind, struct.unpack(">Q", header[_HEADER_BYTES:])[0]
    return kind, size


def _missing(seen: set[bytes]) -> str | None:
    if _INDEX not in seen:
        return "it has no complete index (moov)"
    return None if seen & _MEDIA else "it has no media data (mdat)"
