"""The rules by which an original is worth a paid job. Pure; storage/object_store.py reads the bytes from S3.

A file is refused only for what was seen in it. What lies beyond the bounds of storage/verify/reader.py, or is not
recognised, is not known: the transcoding service looks at such a file once.
"""

from domain.failures import FailureCode
from domain.objects import ObjectFacts, SourceProblem
from domain.video import SourceFacts
from storage.verify.container import FORMATS_TAKEN, Container, sniff, transport_packets
from storage.verify.duration import stated_seconds
from storage.verify.mp4 import why_incomplete
from storage.verify.reader import WINDOW_BYTES, Read, Reader
from storage.verify.tracks.look import has_picture
from storage.verify.tracks.mp4 import turned_to

_ISO_MEDIA = frozenset({Container.MP4, Container.MOV, Container.THREE_GP})
_TAG_HEADER_BYTES = 10


def judge_source(
    read: Read, facts: ObjectFacts, *, declared_bytes: int | None, max_bytes: int, max_seconds: float | None = None
) -> SourceFacts | SourceProblem:
    """Judge an object by its size and a few of its bytes. The messages are for people and do not name a key.

    ``max_seconds``: the longest video that is taken, None for any.
    """
    problem = _size_problem(facts.file_bytes, declared_bytes=declared_bytes, max_bytes=max_bytes)
    if problem is not None:
        return SourceProblem(*problem, facts.version)
    file = Reader(read, facts.file_bytes)
    container = sniff(file.head) or _behind_id3_tag(file)
    if container is None:
        message = f"the file is in none of the formats taken: {FORMATS_TAKEN}"
        return SourceProblem(FailureCode.NOT_A_VIDEO, message, facts.version)
    if container in _ISO_MEDIA and (reason := why_incomplete(file)) is not None:
        return SourceProblem(FailureCode.VIDEO_INCOMPLETE, f"the video is cut off: {reason}", facts.version)
    if has_picture(container, file) is False:
        message = "it has no picture: every track of the file is sound, text or data"
        return SourceProblem(FailureCode.NOT_A_VIDEO, message, facts.version)
    seconds = stated_seconds(container, file)
    if max_seconds is not None and seconds is not None and seconds > max_seconds:
        message = f"the video lasts {_minutes(seconds)}; at most {_minutes(max_seconds)} are allowed"
        return SourceProblem(FailureCode.VIDEO_TOO_LONG, message, facts.version)
    return SourceFacts(
        etag=facts.etag,
        last_modified=facts.last_modified,
        file_bytes=facts.file_bytes,
        container=container,
        orientation=turned_to(file) if container in _ISO_MEDIA else None,
        duration_seconds=seconds,
    )


def _behind_id3_tag(file: Reader) -> Container | None:
    """Return the container behind a tag that is longer than the head: sound has such tags, and so have HLS segments."""
    if not file.head.startswith(b"ID3") or len(file.head) < _TAG_HEADER_BYTES:
        return None
    # Each of the four bytes holds seven bits (ID3v2, 3.1).
    size = sum((byte & 0x7F) << shift for byte, shift in zip(file.head[6:10], (21, 14, 7, 0), strict=True))
    behind = file.at(_TAG_HEADER_BYTES + size, WINDOW_BYTES)
    return Container.MPEG_TS if transport_packets(behind) is not None else None


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.1f} minutes"


def _size_problem(file_bytes: int, *, declared_bytes: int | None, max_bytes: int) -> tuple[FailureCode, str] | None:
    if file_bytes == 0:
        return FailureCode.FILE_EMPTY, "the file is empty"
    if file_bytes > max_bytes:
        return FailureCode.FILE_TOO_LARGE, f"the file has {file_bytes} bytes; at most {max_bytes} are allowed"
    if declared_bytes is not None and file_bytes != declared_bytes:
        return FailureCode.SIZE_MISMATCH, f"the file has {file_bytes} bytes instead of the declared {declared_bytes}"
    return None
