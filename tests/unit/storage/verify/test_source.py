"""Which originals are worth a job. tests/integration/storage/test_files.py has complete files of every format."""

from datetime import UTC, datetime

import pytest

from domain.failures import FailureCode
from domain.objects import ObjectFacts, SourceProblem
from domain.video import SourceFacts
from storage.verify.container import FORMATS_TAKEN
from storage.verify.reader import HEAD_BYTES, WINDOW_BYTES
from storage.verify.source import judge_source
from tests.support.fakes.videos import box, mp4

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Original:
    """A file that remembers which ranges were read."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.reads: list[tuple[int, int]] = []

    def read(self, offset: int, length: int) -> bytes:
        self.reads.append((offset, length))
        return self.body[offset : offset + length]

    def judged(self, *, declared_bytes: int | None = None, max_bytes: int = 1_000_000) -> SourceFacts | SourceProblem:
        facts = ObjectFacts("etag", NOON, len(self.body), "video/mp4")
        return judge_source(self.read, facts, declared_bytes=declared_bytes, max_bytes=max_bytes)


def code_of(verdict: SourceFacts | SourceProblem) -> FailureCode | None:
    return verdict.code if isinstance(verdict, SourceProblem) else None


@pytest.mark.parametrize(
    ("max_bytes", "code"),
    [
        pytest.param(len(mp4()), None, id="just-as-large"),
        pytest.param(len(mp4()) - 1, FailureCode.FILE_TOO_LARGE, id="one-byte-larger"),
    ],
)
def test_the_largest_file_is_as_large_as_the_setting(max_bytes: int, code: FailureCode | None) -> None:
    assert code_of(Original(mp4()).judged(max_bytes=max_bytes)) == code


@pytest.mark.parametrize("difference", [-1, 1])
def test_a_size_other_than_declared_is_refused(difference: int) -> None:
    verdict = Original(mp4()).judged(declared_bytes=len(mp4()) + difference)
    assert code_of(verdict) is FailureCode.SIZE_MISMATCH


@pytest.mark.parametrize(
    ("body", "kwargs"),
    [
        pytest.param(b"", {}, id="empty"),
        pytest.param(mp4(), {"max_bytes": 1}, id="too-large"),
        pytest.param(mp4(), {"declared_bytes": 1}, id="other-than-declared"),
    ],
)
def test_a_file_of_the_wrong_size_is_not_even_read(body: bytes, kwargs: dict[str, int]) -> None:
    original = Original(body)
    assert code_of(original.judged(**kwargs)) is not None
    assert original.reads == []


@pytest.mark.parametrize("brand", [b"isom", b"qt  ", b"3gp4"])
def test_every_kind_of_iso_file_must_be_whole(brand: bytes) -> None:
    assert code_of(Original(mp4(brand=brand)).judged()) is None
    assert code_of(Original(mp4(brand=brand)[:-1]).judged()) is FailureCode.VIDEO_INCOMPLETE


@pytest.mark.parametrize("start", range(HEAD_BYTES - 20, HEAD_BYTES + 20))
def test_a_box_may_straddle_the_end_of_the_first_bytes(start: int) -> None:
    first = box(b"ftyp", b"isom0000")
    padding = box(b"free", bytes(start - len(first) - 8))
    assert code_of(Original(first + padding + mp4(media_bytes=50)).judged()) is None


def test_a_large_file_costs_few_small_reads() -> None:
    original = Original(mp4(is_fast_start=False, media_bytes=500_000))
    assert code_of(original.judged()) is None
    assert original.reads == [(0, HEAD_BYTES), (500_028, 116)]
    assert all(length <= max(HEAD_BYTES, WINDOW_BYTES) for _, length in original.reads)


def test_a_problem_names_the_object_that_was_judged() -> None:
    problem = Original(b"Dear diary").judged()
    assert problem == SourceProblem(
        FailureCode.NOT_A_VIDEO,
        f"the file is in none of the formats taken: {FORMATS_TAKEN}",
        "etag@2026-03-01T12:00:00+00:00",
    )


def test_a_transport_stream_behind_a_tag_longer_than_the_head_is_accepted() -> None:
    # The size has seven bits in each byte: 6 x 2^14 bytes.
    tag = b"ID3\x04\x00\x00\x00\x06\x00\x00" + bytes(6 << 14)
    packets = (b"\x47" + bytes(187)) * 5
    assert code_of(Original(tag + packets).judged()) is None
    assert code_of(Original(tag + b"\xff\xfb\x90\x00" * 400).judged()) is FailureCode.NOT_A_VIDEO
