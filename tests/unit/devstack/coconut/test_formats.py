"""What the stand-in reads in Coconut's format strings."""

import pytest

from devstack.coconut.formats import AudioSpecs, Options, Resolution, VideoSpecs, normalised, parse_format


@pytest.mark.parametrize(
    ("text", "resolution"),
    [
        pytest.param("mp4:720p", Resolution(1280, 720), id="hd-is-exact"),
        pytest.param("mp4:1080p", Resolution(1920, 1080), id="full-hd-is-exact"),
        pytest.param("mp4:2160p", Resolution(3840, 2160), id="uhd-is-exact"),
        pytest.param("mp4:360p", Resolution(0, 360), id="sd-keeps-the-ratio"),
        pytest.param("mp4:0x1080", Resolution(0, 1080), id="zero-keeps-the-ratio"),
        pytest.param("jpg:640x", Resolution(640, 0), id="a-missing-number-keeps-the-ratio"),
        pytest.param("mp4", None, id="source-size"),
    ],
)
def test_a_resolution_is_exact_or_keeps_the_ratio(text: str, resolution: Resolution | None) -> None:
    video = parse_format(text).video
    assert video is not None
    assert video.resolution == resolution


def test_every_part_of_a_format_is_read() -> None:
    parsed = parse_format("mp4:0x720_hevc_3000k_30fps:aac_96k_44100hz_mono:quality=4,maxrate=2000k,frag,metadata=0")
    assert parsed.video == VideoSpecs(Resolution(0, 720), "hevc", 3000, 30.0)
    assert parsed.audio == AudioSpecs(96, 44100, 1)
    assert parsed.options == Options(4, 2000, is_fragmented=True, keeps_metadata=False)


def test_a_track_can_be_switched_off() -> None:
    assert parse_format("mp4:x:64k").video is None
    assert parse_format("mp4:720p:x").audio is None


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("avi", id="container-unknown"),
        pytest.param("webm:480p", id="container-not-carried-out"),
        pytest.param("mp4:720", id="resolution-without-p"),
        pytest.param("mp4:x:x", id="no-track-left"),
        pytest.param("mp4:0x0", id="no-number-in-the-resolution"),
        pytest.param("mp4:0k", id="no-bitrate"),
        pytest.param("mp4:200000k", id="video-bitrate-too-high"),
        pytest.param("mp4::512k", id="audio-bitrate-too-high"),
        pytest.param("mp4:720p::quality=6", id="quality-out-of-range"),
        pytest.param("mp4:720p::maxrate=fast", id="maxrate-not-a-rate"),
        pytest.param("mp4:720p::speed=4", id="option-unknown"),
        pytest.param("mp4:720p::quality=4:more", id="fifth-part"),
        pytest.param("jpg:640x:64k", id="image-with-audio"),
        pytest.param("jpg:wide", id="image-without-a-resolution"),
    ],
)
def test_a_format_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"format|container|spec|option|between"):
        parse_format(text)


def test_formats_are_reported_in_the_spelling_of_coconut() -> None:
    assert normalised("webm:480p") == "webm:0x480"
    assert normalised("avi:240p_500k") == "avi:0x240_500k"
    assert normalised("mp4:720p::quality=4") == "mp4:720p::quality=4"
    assert normalised("mp4") == "mp4"
