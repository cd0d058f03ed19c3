"""Reads from a container's header how long the video claims to be. Pure; reads only through `Reader`.

It is a claim: a header may lie, and some containers make none. Coconut measures the file again before it transcodes
(controller/coconut/job_request.py).
"""

import math
import struct

from storage.verify.container import Container
from storage.verify.mp4 import Box
from storage.verify.reader import BoundReachedError, Reader
from storage.verify.tracks.matroska import SEGMENT, Element, elements
from storage.verify.tracks.mp4 import boxes

# All bits set, or none: the writer did not know.
_UNKNOWN = frozenset({0, 2**32 - 1, 2**64 - 1})
_INFO, _TIMESTAMP_SCALE, _DURATION = b"\x15\x49\xa9\x66", b"\x2a\xd7\xb1", b"\x44\x89"
_DEFAULT_TIMESTAMP_SCALE = 1_000_000
_FLOATS = {4: ">f", 8: ">d"}


def stated_seconds(container: Container, file: Reader) -> float | None:
    """Return the longest duration that the header states, None if it states none within the bounds."""
    try:
        match container:
            case Container.MP4 | Container.MOV | Container.THREE_GP:
                seconds = _of_index(file)
            case Container.MATROSKA | Container.WEBM:
                seconds = _of_matroska(file)
            case Container.AVI:
                seconds = _of_avi(file.head)
            case _:
                return None
    except (struct.error, BoundReachedError):
        return None
    return seconds if seconds is not None and 0 < seconds < math.inf else None


def _of_index(file: Reader) -> float | None:
    """Read the header of the movie and of each track (ISO/IEC 14496-12, 8.2.2 and 8.4.2): one of them may lie alone."""
    headers: list[Box] = []
    for index in boxes(file, Box(b"", 0, file.file_bytes), b"moov"):
        headers += boxes(file, index, b"mvhd")
        for track in boxes(file, index, b"trak"):
            headers += (each for media in boxes(file, track, b"mdia") for each in boxes(file, media, b"mdhd"))
    stated = [seconds for header in headers if (seconds := _of_header(file.at(header.start, 32))) is not None]
    return max(stated, default=None)


def _of_header(header: bytes) -> float | None:
    layout, offset = (">IQ", 20) if header[:1] == b"\x01" else (">II", 12)
    scale, duration = struct.unpack_from(layout, header, offset)
    return float(duration / scale) if scale and duration not in _UNKNOWN else None


def _of_matroska(file: Reader) -> float | None:
    for segment in elements(file, Element(b"", 0, file.file_bytes), SEGMENT):
        for info in elements(file, segment, _INFO):
            scale = _DEFAULT_TIMESTAMP_SCALE
            for element in elements(file, info, _TIMESTAMP_SCALE):
                scale = int.from_bytes(_contents(file, element))
            for element in elements(file, info, _DURATION):
                (ticks,) = struct.unpack(_FLOATS.get(element.end - element.start, ">d"), _contents(file, element))
                return float(ticks) * scale / 1e9
        return None
    return None


def _contents(file: Reader, element: Element) -> bytes:
    return file.at(element.start, min(element.end - element.start, 8))


def _of_avi(head: bytes) -> float | None:
    if head[12:16] != b"LIST" or head[20:28] != b"hdrlavih":
        return None
    (microseconds_each,) = struct.unpack_from("<I", head, 32)
    (frames,) = struct.unpack_from("<I", head, 48)
    return float(microseconds_each * frames) / 1e6
