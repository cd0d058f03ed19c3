"""Containers are recognised by their first bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.verify.container import MXF_HEADER, Container, sniff
from tests.support.fakes.videos import mp4


def ebml(doc_type: bytes) -> bytes:
    return b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82" + bytes([0x80 | len(doc_type)]) + doc_type + bytes(60)


def packets(*, stamp: bytes = b"", trailer: bytes = b"", count: int = 4) -> bytes:
    return (stamp + b"\x47" + bytes(187) + trailer) * count


def riff(kind: bytes) -> bytes:
    return b"RIFF\x24\x00\x00\x00" + kind + bytes(20)


@pytest.mark.parametrize(
    ("head", "container"),
    [
        *(
            pytest.param(mp4(brand=brand), Container.MP4, id=f"mp4-{brand.decode().strip()}")
            for brand in (b"isom", b"iso6", b"mp41", b"mp42", b"avc1", b"dash", b"M4V ", b"XAVC", b"MSNV", b"M4A ")
        ),
        pytest.param(mp4(brand=b"qt  "), Container.MOV, id="mov"),
        pytest.param(mp4(brand=b"3gp4"), Container.THREE_GP, id="3gp"),
        pytest.param(mp4(brand=b"3g2a"), Container.THREE_GP, id="3g2"),
        *(
            pytest.param(bytes(4) + kind + bytes(8), Container.MOV, id=f"old-mov-{kind.decode()}")
            for kind in (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
        ),
        pytest.param(ebml(b"webm"), Container.WEBM, id="webm"),
        pytest.param(ebml(b"matroska"), Container.MATROSKA, id="mkv"),
        pytest.param(riff(b"AVI "), Container.AVI, id="avi"),
        pytest.param(packets(), Container.MPEG_TS, id="ts"),
        pytest.param(packets(stamp=bytes(4)), Container.MPEG_TS, id="m2ts"),
        pytest.param(packets(count=6)[100:], Container.MPEG_TS, id="ts-from-the-middle-of-a-packet"),
        pytest.param(b"ID3\x04" + bytes(69) + packets(count=5), Container.MPEG_TS, id="ts-behind-a-tag"),
        pytest.param(packets(trailer=bytes(16)), Container.MPEG_TS, id="ts-with-error-correction"),
        pytest.param(b"\x00\x00\x01\xba\x44", Container.MPEG_PS, id="mpeg-ps"),
        pytest.param(bytes(512) + b"\x00\x00\x01\xba\x44", Container.MPEG_PS, id="mpeg-ps-after-zeros"),
        pytest.param(b"\x00\x00\x01\xb3\x16", Container.RAW_VIDEO, id="raw-mpeg-2"),
        pytest.param(b"\x00\x00\x01\xb0\x01", Container.RAW_VIDEO, id="raw-mpeg-4"),
        pytest.param(b"\x00\x00\x00\x01\x67\x42", Container.RAW_VIDEO, id="raw-h264"),
        pytest.param(b"\x00\x00\x00\x01\x40\x01", Container.RAW_VIDEO, id="raw-h265"),
        pytest.param(b"\x1f\x07\x00\xbf" + bytes(76) + b"\x3f\x07\x00", Container.DV, id="dv"),
        pytest.param(b"FLV\x01\x05", Container.FLV, id="flv"),
        pytest.param(b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6", Container.ASF, id="wmv"),
        pytest.param(b"OggS\x00\x02", Container.OGG, id="ogv"),
        pytest.param(MXF_HEADER, Container.MXF, id="mxf"),
        pytest.param(b"run-in" + MXF_HEADER, Container.MXF, id="mxf-with-a-run-in"),
    ],
)
def test_a_video_is_recognised_by_its_first_bytes(head: bytes, container: Container) -> None:
    assert sniff(head) is container


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"Dear diary, today nothing happened.", id="text"),
        pytest.param("Grüße \U0001f600".encode()[:-1], id="text-cut-inside-a-letter"),
        pytest.param("Grüße".encode("utf-16"), id="utf-16"),
        pytest.param(b"#EXTM3U\n#EXTINF:6,\n000.ts\n", id="playlist"),
        pytest.param(b"\xff\xd8\xff\xe0\x00\x10JFIF", id="jpeg"),
        pytest.param(b"\x89PNG\r\n\x1a\n\x00", id="png"),
        pytest.param(b"%PDF-1.7\x00", id="pdf"),
        pytest.param(b"PK\x03\x04\x00", id="zip"),
        pytest.param(b"ID3\x04\x00", id="mp3-with-a-tag"),
        pytest.param(b"\xff\xfb\x90\x00", id="mp3"),
        pytest.param(b"\xff\xf1\x50\x80", id="aac"),
        pytest.param(riff(b"WAVE"), id="wav"),
        pytest.param(riff(b"WEBP"), id="webp"),
        *(pytest.param(mp4(brand=brand), id=brand.decode().strip()) for brand in (b"heic", b"mif1", b"avif")),
    ],
)
def test_sound_stills_documents_and_archives_are_certainly_no_video(head: bytes) -> None:
    assert sniff(head) is None


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(bytes(4096), id="zeros"),
        pytest.param(bytes(range(128, 256)) * 8, id="no-structure"),
        pytest.param(b"DKIF\x00\x00\x20\x00VP80", id="ivf"),
        pytest.param(b"YUV4MPEG2 W128 H96\nFRAME\n" + bytes(100), id="y4m"),
        pytest.param(ebml(b"another"), id="another-ebml-document"),
        pytest.param(b"\x1a\x45\xdf\xa3\x42\x82", id="ebml-cut-off"),
        pytest.param(packets(count=3), id="three-packets"),
    ],
)
def test_bytes_that_may_or_may_not_be_a_video_are_unknown(head: bytes) -> None:
    assert sniff(head) is Container.UNKNOWN


BEGINNINGS = [b"", b"ID3", b"\x1a\x45\xdf\xa3", b"\x1a\x45\xdf\xa3\x42\x82", b"RIFF", b"\x00\x00\x00\x18ftyp", b"\x47"]


@given(beginning=st.sampled_from(BEGINNINGS), rest=st.binary(max_size=1000))
def test_arbitrary_bytes_raise_nothing(beginning: bytes, rest: bytes) -> None:
    assert sniff(beginning + rest) in {None, *Container}
