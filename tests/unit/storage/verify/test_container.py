"""Containers by their first bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.verify.container import Container, sniff
from tests.support.fakes.videos import mp4


def ebml(doc_type: bytes) -> bytes:
    return b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82" + bytes([0x80 | len(doc_type)]) + doc_type + bytes(60)


def packets(*, stamp: bytes = b"", count: int = 4) -> bytes:
    return (stamp + b"\x47" + bytes(187)) * count


def riff(kind: bytes) -> bytes:
    return b"RIFF\x24\x00\x00\x00" + kind + bytes(20)


@pytest.mark.parametrize(
    ("head", "container"),
    [
        *(
            pytest.param(mp4(brand=brand), Container.MP4, id=f"mp4-{brand.decode().strip()}")
            for brand in (b"isom", b"iso6", b"mp41", b"mp42", b"avc1", b"dash", b"M4V ", b"XAVC", b"MSNV")
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
        pytest.param(b"\x00\x00\x01\xba\x44", Container.MPEG_PS, id="mpeg-ps"),
        pytest.param(b"\x00\x00\x01\xb3\x16", Container.MPEG_PS, id="mpeg-video"),
        pytest.param(b"FLV\x01\x05", Container.FLV, id="flv"),
        pytest.param(b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6", Container.ASF, id="wmv"),
        pytest.param(b"OggS\x00\x02", Container.OGG, id="ogv"),
        pytest.param(b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d", Container.MXF, id="mxf"),
    ],
)
def test_a_video_is_known_by_its_first_bytes(head: bytes, container: Container) -> None:
    assert sniff(head) is container


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"Dear diary, today nothing happened.", id="text"),
        pytest.param(b"\xff\xd8\xff\xe0\x00\x10JFIF", id="jpeg"),
        pytest.param(b"\x89PNG\r\n\x1a\n", id="png"),
        pytest.param(b"%PDF-1.7", id="pdf"),
        pytest.param(b"PK\x03\x04", id="zip"),
        pytest.param(b"ID3\x04", id="mp3"),
        pytest.param(riff(b"WAVE"), id="wav"),
        pytest.param(riff(b"WEBP"), id="webp"),
        *(
            pytest.param(mp4(brand=brand), id=brand.decode().strip())
            for brand in (b"heic", b"mif1", b"avif", b"M4A ", b"M4B ")
        ),
        pytest.param(ebml(b"weba"), id="another-ebml-document"),
        pytest.param(b"\x1a\x45\xdf\xa3\x42\x82", id="ebml-cut-off"),
        pytest.param(packets(count=3), id="three-packets"),
    ],
)
def test_anything_else_is_no_video(head: bytes) -> None:
    assert sniff(head) is None


BEGINNINGS = [b"", b"\x1a\x45\xdf\xa3", b"\x1a\x45\xdf\xa3\x42\x82", b"RIFF", b"\x00\x00\x00\x18ftyp", b"\x47"]


@given(beginning=st.sampled_from(BEGINNINGS), rest=st.binary(max_size=1000))
def test_no_bytes_whatever_make_it_stumble(beginning: bytes, rest: bytes) -> None:
    assert sniff(beginning + rest) in {None, *Container}
