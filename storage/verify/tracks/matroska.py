"""Tracks of Matroska and WebM files: the type of each TrackEntry (RFC 9559, 5.1.4)."""

from collections.abc import Iterator
from dataclasses import dataclass

from storage.verify.reader import Reader
from storage.verify.tracks.kinds import of_kinds

SEGMENT = b"\x18\x53\x80\x67"
_TRACKS = b"\x16\x54\xae\x6b"
_TRACK_ENTRY = b"\xae"
_TRACK_TYPE = b"\x83"

# Video, and "complex", which holds video too.
_PICTURES = (b"\x01", b"\x03")
# Sound, logo, subtitle, buttons, control, metadata.
_OTHERS = (b"\x02", b"\x10", b"\x11", b"\x12", b"\x20", b"\x21")

_NUMBER_BYTES = 8
# An identifier of four bytes and a size of eight.
_ELEMENT_HEADER_BYTES = 12


@dataclass(frozen=True)
class Element:
    """One element: ``start`` and ``end`` bound its contents in the file."""

    kind: bytes
    start: int
    end: int


def has_picture(file: Reader) -> bool | None:
    """Return whether the first list of tracks names a picture."""
    whole = Element(b"", 0, file.file_bytes)
    for segment in elements(file, whole, SEGMENT):
        for tracks in elements(file, segment, _TRACKS):
            kinds = [
                file.at(kind.start, min(kind.end - kind.start, _NUMBER_BYTES)).lstrip(b"\x00")
                for entry in elements(file, tracks, _TRACK_ENTRY)
                for kind in elements(file, entry, _TRACK_TYPE)
            ]
            return of_kinds(kinds, pictures=_PICTURES, others=_OTHERS)
    return None


def elements(file: Reader, parent: Element, kind: bytes) -> Iterator[Element]:
    """Yield the elements of one kind directly in an element. Raises BoundReachedError."""
    offset = parent.start
    while offset < parent.end:
        element = _element(file.at(offset, _ELEMENT_HEADER_BYTES), offset, parent.end)
        if element is None:
            return
        if element.kind == kind:
            yield element
        offset = element.end


def _element(header: bytes, offset: int, parent_end: int) -> Element | None:
    """Return the element with this header. One of unknown size, which only a live recording has, ends its parent."""
    id_bytes = _length(header[:1])
    size_bytes = _length(header[id_bytes : id_bytes + 1])
    if not 1 <= id_bytes <= 4 or not size_bytes or len(header) < id_bytes + size_bytes:
        return None
    size = int.from_bytes(header[id_bytes : id_bytes + size_bytes]) & ((1 << 7 * size_bytes) - 1)
    start = offset + id_bytes + size_bytes
    is_unknown = size == (1 << 7 * size_bytes) - 1
    end = parent_end if is_unknown else start + size
    return Element(header[:id_bytes], start, min(end, parent_end))


def _length(first: bytes) -> int:
    """Return the length of a variable-size integer by its first byte; 0 if there is none."""
    return 9 - first[0].bit_length() if first and first[0] else 0
