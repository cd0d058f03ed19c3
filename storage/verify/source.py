"""The rules by which an original is worth a paid job. Pure; storage/object_store.py reads the bytes from S3."""

from domain.failures import FailureCode
from domain.objects import ObjectFacts, SourceProblem
from domain.video import SourceFacts
from storage.verify.container import HEAD_BYTES, Container, sniff
from storage.verify.mp4 import Read, why_incomplete

_ISO_MEDIA = frozenset({Container.MP4, Container.MOV, Container.THREE_GP})


def judge_source(
    read: Read, facts: ObjectFacts, *, declared_bytes: int | None, max_bytes: int
) -> SourceFacts | SourceProblem:
    """Judge an object by its size and a few of its bytes. The messages are for people and do not name a key."""
    problem = _size_problem(facts.file_bytes, declared_bytes=declared_bytes, max_bytes=max_bytes)
    if problem is not None:
        return SourceProblem(*problem, facts.version)
    head = read(0, min(HEAD_BYTES, facts.file_bytes))
    container = sniff(head)
    if container is None:
        return SourceProblem(FailureCode.NOT_A_VIDEO, "the file is not in a known video format", facts.version)
    if container in _ISO_MEDIA:
        reason = why_incomplete(_from_head_first(head, read), facts.file_bytes)
        if reason is not None:
            return SourceProblem(FailureCode.VIDEO_INCOMPLETE, f"the video is cut off: {reason}", facts.version)
    return SourceFacts(
        etag=facts.etag, last_modified=facts.last_modified, file_bytes=facts.file_bytes, container=container
    )


def _size_problem(file_bytes: int, *, declared_bytes: int | None, max_bytes: int) -> tuple[FailureCode, str] | None:
    if file_bytes == 0:
        return FailureCode.FILE_EMPTY, "the file is empty"
    if file_bytes > max_bytes:
        return FailureCode.FILE_TOO_LARGE, f"the file has {file_bytes} bytes; at most {max_bytes} are allowed"
    if declared_bytes is not None and file_bytes != declared_bytes:
        return FailureCode.SIZE_MISMATCH, f"the file has {file_bytes} bytes instead of the declared {declared_bytes}"
    return None


def _from_head_first(head: bytes, read: Read) -> Read:
    def from_head_or(offset: int, length: int) -> bytes:
        # The first boxes are usually within the bytes already read.
        return head[offset : offset + length] if offset + length <= len(head) else read(offset, length)

    return from_head_or
