"""What can be a poster: JPEGs as browsers and cameras write them, without anything that is no picture."""

from contextlib import suppress
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.poster_picture import BYTES_MAX, SCANS_MAX, SIDE_MAX, SIDE_MIN, PosterError, poster_of
from tests.support.builders.pictures import END, FRAME, PICTURE, SCAN, exif, segment, sized, with_segments

SECRET = b"43.6532 N 79.3832 W"
WEB_PAGE = b"<!doctype html><script>alert(1)</script>"
ARCHIVE = b"PK\x03\x04 an archive"
PROGRESSIVE = PICTURE[:FRAME] + b"\xff\xc2" + PICTURE[FRAME + 2 :]
DATA = PICTURE[SCAN:END]
EMPTY_SCAN = PICTURE[SCAN : SCAN + 14]
ADOBE = segment(0xEE, b"Adobe\x00\x64\x80\x00\x00\x00\x00" + SECRET)


def test_a_plain_picture_stays_as_it_is() -> None:
    assert poster_of(PICTURE) == PICTURE
    assert poster_of(PROGRESSIVE) == PROGRESSIVE


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(with_segments(exif(place=SECRET)), id="exif"),
        pytest.param(with_segments(segment(0xE1, b"http://ns.adobe.com/xap/1.0/\x00<x:xmpmeta>" + SECRET)), id="xmp"),
        pytest.param(with_segments(segment(0xED, b"Photoshop 3.0\x008BIM" + SECRET)), id="iptc"),
        pytest.param(with_segments(segment(0xE2, b"MPF\x00" + SECRET)), id="another-picture"),
        pytest.param(with_segments(segment(0xFE, WEB_PAGE)), id="a-page-in-a-comment"),
        pytest.param(with_segments(segment(0xE0, b"JFXX\x00\x10" + PICTURE)), id="a-thumbnail"),
        pytest.param(with_segments(segment(0xFE, SECRET), at=SCAN), id="before-the-data"),
        pytest.param(with_segments(segment(0xFE, SECRET), at=END), id="behind-the-data"),
        pytest.param(PICTURE + ARCHIVE, id="an-archive-behind-it"),
        pytest.param(PICTURE + PICTURE, id="a-film-behind-it"),
        pytest.param(with_segments(b"\xff" * 40, at=FRAME), id="fill-bytes"),
    ],
)
def test_what_is_no_picture_is_left_out(sent: bytes) -> None:
    assert poster_of(sent) == PICTURE


@pytest.mark.parametrize("order", ["little", "big"])
def test_how_the_camera_was_held_is_kept_and_nothing_else_of_it(order: str) -> None:
    made = poster_of(with_segments(exif(orientation=6, place=SECRET, order=order)))
    assert made == with_segments(exif(orientation=6), at=PICTURE.index(b"\xff\xdb"))
    assert poster_of(made) == made


@pytest.mark.parametrize("orientation", [0, 1, 9, 65535])
def test_an_orientation_that_says_nothing_is_left_out(orientation: int) -> None:
    assert poster_of(with_segments(exif(orientation=orientation))) == PICTURE


def test_how_colours_are_coded_is_kept_and_nothing_else_of_it() -> None:
    made = poster_of(with_segments(ADOBE))
    assert b"Adobe" in made
    assert SECRET not in made
    assert poster_of(made) == made


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        pytest.param(b"", "no JPEG", id="nothing"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + PICTURE, "no JPEG", id="png"),
        pytest.param(b"GIF89a", "no JPEG", id="gif"),
        pytest.param(WEB_PAGE, "no JPEG", id="a-page"),
        pytest.param(b"\xff\xd8" + WEB_PAGE, "damaged", id="a-page-after-the-first-marker"),
        pytest.param(b"\xff\xd8\xff\xd9", "no data", id="nothing-in-it"),
        pytest.param(PICTURE[:SCAN] + PICTURE[END:], "no data", id="without-data"),
        pytest.param(PICTURE[:SCAN] + EMPTY_SCAN + PICTURE[END:], "data in each scan", id="an-empty-scan"),
        pytest.param(PICTURE[:2] + DATA + PICTURE[END:], "a frame before", id="without-a-frame"),
        pytest.param(with_segments(PICTURE[FRAME:SCAN], at=FRAME), "one frame", id="two-frames"),
        pytest.param(sized(SIDE_MAX + 1, 32), f"{SIDE_MAX + 1} x 32 pixels", id="too-wide"),
        pytest.param(sized(65500, 65500), "65500 x 65500 pixels", id="huge"),
        pytest.param(sized(32, SIDE_MIN - 1), f"32 x {SIDE_MIN - 1} pixels", id="too-low"),
        pytest.param(sized(32, 0), "32 x 0 pixels", id="a-height-that-comes-later"),
        pytest.param(PICTURE.replace(b"\xff\xc0", b"\xff\xc9"), "browsers do not show", id="arithmetic"),
        pytest.param(PICTURE.replace(b"\xff\xc0", b"\xff\xc3"), "browsers do not show", id="lossless"),
        pytest.param(with_segments(segment(0xDC, b"\x00\x20"), at=END), "no place there", id="a-later-height"),
        pytest.param(with_segments(segment(0xDB, bytes(64))), "whole quantization", id="half-a-table"),
        pytest.param(with_segments(segment(0xC4, b"\x00" + b"\xff" * 16)), "whole Huffman", id="too-many-codes"),
        pytest.param(with_segments(segment(0xDD, b"\x00")), "restart interval", id="half-an-interval"),
        pytest.param(
            PICTURE.replace(b"\xff\xdb\x00\x43\x00", b"\xff\xdb\x00\x43\x01"),
            "tables that it names",
            id="quantization-of-none",
        ),
        pytest.param(
            PICTURE.replace(DATA[:8], DATA[:6] + b"\x22\x02"), "Huffman tables that it names", id="codes-of-none"
        ),
        pytest.param(
            PICTURE[:SCAN] + b"\xff\xda\x00\x20" + DATA[4:14] + segment(0xE1, SECRET)[:20] + DATA[14:] + PICTURE[END:],
            "a scan header of its own length",
            id="a-segment-in-a-scan-header",
        ),
        pytest.param(
            PROGRESSIVE[:SCAN] + DATA * (SCANS_MAX + 1) + PICTURE[END:], "more than 64 scans", id="scan-upon-scan"
        ),
    ],
)
def test_what_browsers_would_not_show_well_is_refused(sent: bytes, says: str) -> None:
    with pytest.raises(PosterError, match=says):
        poster_of(sent)


@pytest.mark.parametrize("length", range(len(PICTURE)))
def test_a_picture_that_is_cut_off_anywhere_is_refused(length: int) -> None:
    with pytest.raises(PosterError):
        poster_of(PICTURE[:length])


@given(at=st.integers(2, len(PICTURE) - 1), put=st.binary(max_size=8), gone=st.integers(0, 8))
def test_a_damaged_picture_is_refused_or_written_in_a_form_that_stays(at: int, put: bytes, gone: int) -> None:
    try:
        made = poster_of(PICTURE[:at] + put + PICTURE[at + gone :])
    except PosterError:
        return
    assert poster_of(made) == made


@pytest.mark.parametrize("unit", [b"\xff", b"\xff\x00", b"\xff\xfe\x00\x02", b"\xff\xd0", b"\xff\xdd\x00\x04\x00\x01"])
def test_the_worst_picture_is_read_within_a_second(unit: bytes) -> None:
    at = END if unit[1:2] in {b"\x00", b"\xd0"} else 2
    begun = process_time()
    with suppress(PosterError):
        poster_of(with_segments(unit * ((BYTES_MAX - len(PICTURE)) // len(unit)), at=at))
    assert process_time() - begun < 1
