"""Looking for a picture among tracks. tests/integration/storage/test_files.py looks into real files of every format."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.video import Orientation
from storage.verify.container import MXF_HEADER, Container
from storage.verify.reader import HEAD_BYTES, WINDOWS_MAX, Reader
from storage.verify.tracks.look import has_picture
from storage.verify.tracks.mp4 import turned_to
from tests.support.fakes.videos import CountedFile, box

EBML = b"\x1a\x45\xdf\xa3\x80"


class TrackFile(CountedFile):
    def has_picture(self, container: Container) -> bool | None:
        return has_picture(container, Reader(self.read, len(self.body)))


def track(handler: bytes, *, before: bytes = b"") -> bytes:
    media = box(b"mdhd", bytes(24)) + box(b"hdlr", bytes(8) + handler + bytes(12)) + box(b"minf", bytes(50))
    return box(b"trak", box(b"tkhd", bytes(84)) + before + box(b"mdia", media))


def movie(*tracks: bytes) -> bytes:
    return box(b"moov", box(b"mvhd", bytes(100)) + b"".join(tracks))


FTYP = box(b"ftyp", b"isom0000")
SOUND, PICTURE = track(b"soun"), track(b"vide")


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        pytest.param(FTYP + movie(PICTURE), True, id="picture"),
        pytest.param(FTYP + movie(SOUND, track(b"text"), PICTURE), True, id="picture-last"),
        pytest.param(FTYP + box(b"mdat", bytes(HEAD_BYTES)) + movie(SOUND, PICTURE), True, id="index-at-the-end"),
        pytest.param(FTYP + movie(track(b"vide", before=box(b"edts", bytes(9000)))), True, id="far-inside-its-track"),
        pytest.param(FTYP + movie(SOUND), False, id="sound"),
        pytest.param(FTYP + movie(SOUND, track(b"tmcd"), track(b"sbtl")), False, id="sound-time-code-and-subtitles"),
        pytest.param(FTYP + box(b"mdat", bytes(HEAD_BYTES)) + movie(SOUND), False, id="sound-with-index-at-the-end"),
        pytest.param(FTYP + movie(SOUND, track(b"new!")), None, id="a-handler-that-is-not-known"),
        pytest.param(FTYP + movie(), None, id="no-tracks"),
        pytest.param(FTYP + box(b"moov", box(b"cmov", bytes(50))), None, id="compressed-index"),
        pytest.param(FTYP + box(b"mdat", bytes(8000)) * 201 + movie(SOUND), None, id="index-behind-the-bounds"),
    ],
)
def test_the_handlers_of_an_mp4_decide(body: bytes, verdict: bool | None) -> None:
    assert TrackFile(body).has_picture(Container.MP4) is verdict


QUARTER = ((0, 1, -1, 0), (0, -1, 1, 0))
UPRIGHT, HALF = (1, 0, 0, 1), (-1, 0, 0, -1)


def turned(matrix: tuple[int, int, int, int], width: int, height: int, *, handler: bytes = b"vide") -> bytes:
    a, b, c, d = (value << 16 for value in matrix)
    numbers = (a, b, 0, c, d, 0, 0, 0, 1 << 30, width << 16, height << 16)
    header = box(b"tkhd", bytes(40) + struct.pack(">9iII", *numbers))
    media = box(b"mdhd", bytes(24)) + box(b"hdlr", bytes(8) + handler + bytes(12))
    return box(b"trak", header + box(b"mdia", media))


@pytest.mark.parametrize(
    ("body", "orientation"),
    [
        *(pytest.param(movie(SOUND, turned(q, 1920, 1080)), Orientation.PORTRAIT, id=f"upright-{q}") for q in QUARTER),
        pytest.param(movie(turned(QUARTER[0], 1080, 1920)), Orientation.LANDSCAPE, id="coded-upright"),
        pytest.param(movie(turned(UPRIGHT, 1920, 1080)), None, id="not-turned"),
        pytest.param(movie(turned(HALF, 1920, 1080)), None, id="upside-down"),
        pytest.param(movie(turned(QUARTER[0], 720, 720)), None, id="square"),
        pytest.param(movie(turned(QUARTER[0], 1920, 1080, handler=b"soun")), None, id="sound"),
        pytest.param(movie(box(b"trak", box(b"tkhd", bytes(9)) + track(b"vide")[8:])), None, id="header-cut-off"),
    ],
)
def test_the_matrix_of_the_picture_tells_how_it_is_shown(body: bytes, orientation: Orientation | None) -> None:
    file = TrackFile(FTYP + body)
    assert turned_to(Reader(file.read, len(file.body))) is orientation


def element(kind: bytes, content: bytes, *, size: bytes | None = None) -> bytes:
    return kind + (size or (len(content) | 1 << 56).to_bytes(8)) + content


def entries(*types: int) -> bytes:
    return b"".join(element(b"\xae", element(b"\xd7", b"\x01") + element(b"\x83", bytes([kind]))) for kind in types)


def segment(*children: bytes, size: bytes | None = None) -> bytes:
    return EBML + element(b"\x18\x53\x80\x67", b"".join(children), size=size)


def tracks(*types: int) -> bytes:
    return element(b"\x16\x54\xae\x6b", entries(*types))


UNKNOWN_SIZE = b"\x01" + b"\xff" * 7
CLUSTER = b"\x1f\x43\xb6\x75"


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        pytest.param(segment(tracks(2, 1)), True, id="picture"),
        pytest.param(segment(tracks(3)), True, id="complex"),
        pytest.param(segment(element(b"\xec", bytes(HEAD_BYTES)), tracks(1)), True, id="behind-a-void"),
        pytest.param(segment(tracks(1), size=UNKNOWN_SIZE), True, id="live-recording"),
        pytest.param(segment(tracks(2)), False, id="sound"),
        pytest.param(segment(tracks(2, 0x11), size=UNKNOWN_SIZE), False, id="sound-and-subtitles-of-a-live-recording"),
        pytest.param(segment(tracks(2, 0x7F)), None, id="a-type-that-is-not-known"),
        pytest.param(
            segment(element(CLUSTER, bytes(50), size=UNKNOWN_SIZE), tracks(2)), None, id="behind-open-cluster"
        ),
        pytest.param(segment(element(CLUSTER, bytes(9000)) * 100, tracks(2)), None, id="behind-the-bounds"),
        pytest.param(segment(), None, id="no-tracks"),
    ],
)
def test_the_track_types_of_a_matroska_file_decide(body: bytes, verdict: bool | None) -> None:
    assert TrackFile(body).has_picture(Container.MATROSKA) is verdict


BEGINNINGS = {
    Container.MP4: FTYP + b"\x00\x00\x40\x00moov\x00\x00\x20\x00trak\x00\x00\x10\x00mdia",
    Container.MATROSKA: EBML + b"\x18\x53\x80\x67" + UNKNOWN_SIZE + b"\x16\x54\xae\x6b\x10\xff",
    Container.AVI: b"RIFF\x00\x10\x00\x00AVI LIST\x00\x08\x00\x00hdrlLIST\x00\x04\x00\x00strl",
    Container.FLV: b"FLV\x01\x04\x00\x00\x00\x09\x00\x00\x00\x00",
    Container.ASF: bytes(16) + b"\x00\x10",
    Container.OGG: b"OggS\x00\x02" + bytes(20) + b"\x01\x1e",
    Container.MXF: MXF_HEADER + b"\x00\x00\x83\x00\x00\x78",
    Container.MPEG_TS: (b"\x47\x40\x00\x10\x00\x00\xb0\x0d" + bytes(180)) * 5,
    Container.MPEG_PS: b"\x00\x00\x01\xba\x44" + bytes(9) + b"\x00\x00\x01\xbb\x00\x12",
}


@given(container=st.sampled_from(Container), data=st.data())
def test_arbitrary_bytes_raise_nothing_and_are_read_within_bounds(container: Container, data: st.DataObject) -> None:
    beginning = BEGINNINGS.get(container, b"")
    kept = data.draw(st.integers(0, len(beginning)))
    file = TrackFile(beginning[:kept] + data.draw(st.binary(max_size=600)))
    assert file.has_picture(container) in {True, False, None}
    assert file.reads <= 1 + WINDOWS_MAX
