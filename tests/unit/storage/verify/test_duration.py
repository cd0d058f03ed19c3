"""How long a file claims to be, by its header: the boundary at which it is refused, and files that make no claim."""

import struct
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.failures import FailureCode
from domain.objects import ObjectFacts, SourceProblem
from domain.video import SourceFacts
from storage.verify.container import Container
from storage.verify.duration import stated_seconds
from storage.verify.reader import Reader
from storage.verify.source import judge_source
from tests.support.fakes.videos import box, mp4

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
FILE_TYPE, MEDIA = box(b"ftyp", b"isom\0\0\0\0isom"), box(b"mdat", bytes(64))


def seconds_of(container: Container, body: bytes) -> float | None:
    return stated_seconds(container, Reader(lambda offset, length: body[offset : offset + length], len(body)))


def judged(body: bytes, max_seconds: float) -> SourceFacts | SourceProblem:
    facts = ObjectFacts("etag", NOON, len(body), "video/mp4")

    def read(offset: int, length: int) -> bytes:
        return body[offset : offset + length]

    return judge_source(read, facts, declared_bytes=None, max_bytes=10**6, max_seconds=max_seconds)


def header(kind: bytes, scale: int, duration: int, *, is_long: bool = False) -> bytes:
    """Return the header box of a movie or of a track's media."""
    if is_long:
        return box(kind, b"\x01" + bytes(19) + struct.pack(">IQ", scale, duration) + bytes(80))
    return box(kind, bytes(12) + struct.pack(">II", scale, duration) + bytes(80))


def index(*boxes: bytes) -> bytes:
    return FILE_TYPE + MEDIA + box(b"moov", b"".join(boxes))


def track(scale: int, duration: int) -> bytes:
    return box(b"trak", box(b"mdia", header(b"mdhd", scale, duration)))


def element(kind: bytes, content: bytes) -> bytes:
    return kind + (1 << 56 | len(content)).to_bytes(8) + content


def matroska(*info: bytes, behind: int = 0) -> bytes:
    """Return a file whose Info has these elements, behind so many bytes of others."""
    void = element(b"\xec", bytes(behind))
    segment = element(b"\x18\x53\x80\x67", void + element(b"\x15\x49\xa9\x66", b"".join(info)))
    return element(b"\x1a\x45\xdf\xa3", element(b"\x42\x82", b"webm")) + segment


SCALE = element(b"\x2a\xd7\xb1", (1_000_000).to_bytes(3))
AVI = b"RIFF\0\0\0\0AVI LIST\0\0\0\0hdrlavih\0\0\0\0" + struct.pack("<IIIII", 40_000, 0, 0, 0, 250)


@pytest.mark.parametrize(
    ("container", "body", "seconds"),
    [
        pytest.param(Container.MP4, mp4(seconds=12.5), 12.5, id="index-first"),
        pytest.param(Container.MOV, mp4(seconds=12.5, is_fast_start=False), 12.5, id="index-last"),
        pytest.param(Container.MP4, index(header(b"mvhd", 90_000, 2**33, is_long=True)), 2**33 / 90_000, id="64-bit"),
        pytest.param(
            Container.MP4, index(header(b"mvhd", 10, 10), track(1_000, 7_200_000)), 7200, id="a-track-says-more"
        ),
        pytest.param(Container.MP4, index(header(b"mvhd", 1_000, 2**32 - 1)), None, id="unknown-to-its-writer"),
        pytest.param(Container.MP4, index(header(b"mvhd", 0, 9)), None, id="no-time-scale"),
        pytest.param(Container.MP4, index(box(b"mvhd", bytes(3))), None, id="cut-header"),
        pytest.param(Container.MP4, mp4(), None, id="fragmented"),
        pytest.param(Container.WEBM, matroska(SCALE, element(b"\x44\x89", struct.pack(">d", 9_500))), 9.5, id="double"),
        pytest.param(Container.MATROSKA, matroska(element(b"\x44\x89", struct.pack(">f", 9_500))), 9.5, id="float"),
        pytest.param(
            Container.MATROSKA,
            matroska(element(b"\x44\x89", struct.pack(">d", 9_500)), behind=100_000),
            9.5,
            id="behind-much-else",
        ),
        pytest.param(
            Container.MATROSKA, matroska(element(b"\x44\x89", struct.pack(">d", float("nan")))), None, id="nan"
        ),
        pytest.param(Container.WEBM, matroska(SCALE), None, id="a-browsers-recorder"),
        pytest.param(Container.AVI, AVI, 10.0, id="avi"),
        pytest.param(Container.AVI, AVI[:40], None, id="cut-avi"),
        pytest.param(Container.MPEG_TS, b"\x47" * 4096, None, id="no-header-at-all"),
    ],
)
def test_the_longest_duration_that_a_header_states_is_read(
    container: Container, body: bytes, seconds: float | None
) -> None:
    assert seconds_of(container, body) == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        pytest.param(3600, None, id="just-allowed"),
        pytest.param(3600.5, FailureCode.VIDEO_TOO_LONG, id="too-long"),
        pytest.param(0, None, id="not-stated"),
    ],
)
def test_a_video_is_refused_above_the_limit(seconds: float, code: FailureCode | None) -> None:
    verdict = judged(mp4(seconds=seconds), max_seconds=3600)
    assert (verdict.code if isinstance(verdict, SourceProblem) else None) == code


def test_a_refusal_names_both_durations() -> None:
    verdict = judged(mp4(seconds=7200), max_seconds=3600)
    assert isinstance(verdict, SourceProblem)
    assert verdict.message == "the video lasts 120.0 minutes; at most 60.0 minutes are allowed"


@given(st.sampled_from(Container), st.binary(max_size=300))
def test_no_bytes_whatever_make_it_stumble(container: Container, body: bytes) -> None:
    seconds = seconds_of(container, body)
    assert seconds is None or seconds > 0


@given(st.data())
def test_no_cut_or_changed_file_makes_it_stumble(data: st.DataObject) -> None:
    body = bytearray(matroska(SCALE, element(b"\x44\x89", struct.pack(">d", 9_500))))
    body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    seconds_of(Container.MATROSKA, bytes(body[: data.draw(st.integers(0, len(body)))]))
