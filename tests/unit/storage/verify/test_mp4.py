"""Whole and cut-off files are distinguished by their boxes."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.verify.mp4 import why_incomplete
from storage.verify.reader import HEAD_BYTES, WINDOWS_MAX, Reader
from tests.support.fakes.videos import CountedFile, box, mp4

FTYP, MOOV, MDAT = box(b"ftyp", b"isom0000"), box(b"moov", bytes(20)), box(b"mdat", bytes(20))


class File(CountedFile):
    def read(self, offset: int, length: int) -> bytes:
        assert 0 <= offset < len(self.body), "a server refuses a range that begins behind the end of the file"
        return super().read(offset, length)

    def verdict(self) -> str | None:
        return why_incomplete(Reader(self.read, len(self.body)))


def long_box(kind: bytes, content: bytes, *, missing: int = 0) -> bytes:
    """A box with a 64-bit size that promises ``missing`` bytes more than there are."""
    return struct.pack(">I4sQ", 1, kind, 16 + len(content) + missing) + content


def open_box(kind: bytes, content: bytes) -> bytes:
    """A box of size 0: it lasts to the end of the file."""
    return struct.pack(">I4s", 0, kind) + content


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(FTYP + MOOV + MDAT, id="fast-start"),
        pytest.param(FTYP + MDAT + MOOV, id="index-at-the-end"),
        pytest.param(box(b"wide") + MDAT + MOOV, id="old-quicktime"),
        pytest.param(FTYP + long_box(b"mdat", bytes(50)) + MOOV, id="64-bit-size"),
        pytest.param(FTYP + MOOV + open_box(b"mdat", bytes(50)), id="media-to-the-end"),
        pytest.param(FTYP + MDAT + open_box(b"moov", bytes(50)), id="index-to-the-end"),
        pytest.param(FTYP + MOOV + (box(b"moof") + MDAT) * 3, id="fragments"),
        pytest.param(FTYP + MOOV + (box(b"moof") + MDAT) * 3000, id="more-fragments-than-are-read"),
        pytest.param(FTYP + box(b"mdat", bytes(8000)) * 201 + MOOV, id="index-behind-more-boxes-than-are-read"),
        pytest.param(FTYP + MOOV + MDAT + bytes(3), id="a-few-bytes-of-junk"),
        pytest.param(FTYP + MOOV + MDAT + bytes(4), id="quicktime-terminator"),
        pytest.param(FTYP + MOOV + MDAT + b"\xff" * 30, id="junk-that-looks-like-a-cut-off-box"),
        pytest.param(FTYP + MOOV + MDAT + b"\x00\x00\x00\x02junk", id="junk-that-looks-like-a-tiny-box"),
    ],
)
def test_a_whole_file_is_accepted(body: bytes) -> None:
    assert File(body).verdict() is None


@pytest.mark.parametrize(
    ("body", "why"),
    [
        pytest.param(FTYP + MDAT, "no complete index", id="no-index"),
        pytest.param(FTYP + MDAT + MOOV[:-1], "end of its moov", id="index-cut-off"),
        pytest.param(FTYP + MDAT[:-1], "end of its mdat", id="media-cut-off-before-the-index"),
        pytest.param(FTYP + MOOV + MDAT[:-1], "1 bytes before the end of its mdat", id="media-cut-off"),
        pytest.param(FTYP + MOOV + MDAT + box(b"moof", b"12")[:-1], "end of its moof", id="fragment-cut-off"),
        pytest.param(FTYP + MOOV, "no media data", id="no-media"),
        pytest.param(FTYP + MOOV + long_box(b"mdat", b"", missing=5 * 1024**3), "end of its mdat", id="large-cut-off"),
        pytest.param(FTYP + b"\x00\x00\x00\x05junk" + MOOV + MDAT, "no complete index", id="broken-size"),
        pytest.param(FTYP + b"\x00\x00\x00\x04" + MOOV + MDAT, "no complete index", id="size-below-a-header"),
        pytest.param(b"\x00\x00\x00\x01mdat", "no complete index", id="64-bit-size-cut-off"),
    ],
)
def test_a_cut_off_file_is_refused_with_the_reason(body: bytes, why: str) -> None:
    assert why in str(File(body).verdict())


def test_an_endless_chain_of_boxes_is_left_after_a_bounded_number_of_reads() -> None:
    file = File(FTYP + box(b"free", bytes(5000)) * 1000)
    assert file.verdict() is None
    assert file.reads == 1 + WINDOWS_MAX


@given(is_fast_start=st.booleans(), media_bytes=st.integers(1, 200), data=st.data())
def test_a_part_of_a_file_is_never_accepted_as_the_whole(
    is_fast_start: bool, media_bytes: int, data: st.DataObject
) -> None:
    whole = mp4(is_fast_start=is_fast_start, media_bytes=media_bytes)
    kept = data.draw(st.integers(1, len(whole) - 1))
    assert File(whole).verdict() is None
    assert File(whole[:kept]).verdict() is not None


PIECES = st.sampled_from([FTYP, MOOV, MDAT, b"\x00\x00\x00\x01mdat", b"\x00\x00\x00\x00", b"\xff\xff\xff\xffmoov"])


@given(st.lists(PIECES | st.binary(max_size=20), max_size=20).map(b"".join).filter(bool))
def test_arbitrary_bytes_raise_nothing(body: bytes) -> None:
    File(body).verdict()


@given(st.lists(PIECES, max_size=5).map(b"".join))
def test_boxes_behind_the_head_are_read_in_few_windows(body: bytes) -> None:
    file = File(FTYP + box(b"free", bytes(HEAD_BYTES)) + body)
    file.verdict()
    assert file.reads <= 2
