"""Tracks of MP4 and QuickTime files: the handler of each `trak` in the index (ISO/IEC 14496-12, 8.4.3)."""

from collections.abc import Iterator

from storage.verify.mp4 import HEADER_BYTES, Box, box_at
from storage.verify.reader import Reader
from storage.verify.tracks.kinds import of_kinds

_PICTURES = (b"vide", b"auxv", b"pict", b"MPEG")
_OTHERS = (b"soun", b"hint", b"meta", b"text", b"sbtl", b"subt", b"subp", b"clcp", b"tmcd", b"odsm", b"sdsm", b"mdir")

# Behind the version, the flags and a field that MP4 leaves empty.
_HANDLER = slice(8, 12)


def has_picture(file: Reader) -> bool | None:
    """Return whether a track's handler is one of pictures. A compressed index, or one without tracks, is not known."""
    whole = Box(b"", 0, file.file_bytes)
    handlers = [
        file.at(handler.start, 12)[_HANDLER]
        for index in _boxes(file, whole, b"moov")
        for track in _boxes(file, index, b"trak")
        for media in _boxes(file, track, b"mdia")
        for handler in _boxes(file, media, b"hdlr")
    ]
    return of_kinds(handlers, pictures=_PICTURES, others=_OTHERS)


def _boxes(file: Reader, parent: Box, kind: bytes) -> Iterator[Box]:
    offset = parent.start
    while parent.end - offset >= HEADER_BYTES:
        box = box_at(file, offset, parent.end)
        if not offset + HEADER_BYTES <= box.end <= parent.end:
            return
        if box.kind == kind:
            yield box
        offset = box.end
