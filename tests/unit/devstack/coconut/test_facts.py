"""Facts are parsed from the output of ``ffmpeg -i``, copied here from runs on real files."""

from pathlib import Path

import pytest

from devstack.coconut.facts import AudioFacts, MediaFacts, VideoFacts, parse_facts

PHONE = """\
Input #0, mov,mp4,m4a,3gp,3g2,mj2, from 'file:/x/input':
  Metadata:
    major_brand     : qt
    title           : first line
                    :   Stream #0:7: Video: h264, yuv420p, 16x16, 1 fps
  Duration: 00:01:02.50, start: 0.000000, bitrate: 15598 kb/s
  Stream #0:0[0x1](und): Video: hevc (Main) (hvc1 / 0x31637668), yuv420p(tv, bt709), 1920x1080, 15519 kb/s, 29.97 fps, \
30 tbr, 600 tbn (default)
    Metadata:
      handler_name    : Core Media Video
    Side data:
      displaymatrix: rotation of -90.00 degrees
  Stream #0:1[0x2](und): Audio: none (apac / 0x63617061), 48000 Hz, 4 channels, 311 kb/s (default)
  Stream #0:2[0x3](und): Audio: aac (LC) (mp4a / 0x6134706D), 44100 Hz, stereo, fltp, 69 kb/s (default)
At least one output file must be specified
"""
RECORDER = """\
Input #0, matroska,webm, from 'file:/x/input':
  Duration: N/A, start: 0.000000, bitrate: N/A
  Stream #0:0(eng): Video: vp8, yuv420p(tv, progressive), 641x361 [SAR 1:1 DAR 641:361], 1k fps, 1k tbr (default)
"""
MUSIC = """\
Input #0, mp3, from 'file:/x/input':
  Duration: 00:00:02.00, start: 0.000000, bitrate: 128 kb/s
  Stream #0:0: Audio: mp3 (mp3float), 44100 Hz, mono, fltp, 64 kb/s
  Stream #0:1: Video: mjpeg (Progressive), yuvj420p(pc), 300x300 [SAR 72:72 DAR 1:1], 90k tbr, 90k tbn (attached pic)
"""
GROUPED = """\
Input #0, mov,mp4,m4a,3gp,3g2,mj2, from 'file:/x/input':
  Duration: 00:00:01.00, start: 0.000000, bitrate: 220 kb/s
  Stream group #0:0[0x3]: Track Reference:
    Stream #0:0[0x1]: Video: h264 (avc1 / 0x31637661), yuv420p(progressive), 128x96 [SAR 1:1 DAR 4:3], 10 fps (default)
      Metadata:
        timecode        : 01:00:00:0
      Side data:
        Display Matrix: rotation of 90.00 degrees
    Stream #0:2[0x3](eng): Data: none (tmcd / 0x64636D74), 0 kb/s
      Metadata:
        timecode        : 01:00:00:0
  Stream #0:1[0x2]: Audio: aac (LC) (mp4a / 0x6134706D), 44100 Hz, mono, fltp, 70 kb/s (default)
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "input"
    path.write_bytes(b"12345")
    return path


def test_a_turned_video_is_shown_upright_but_measured_as_coded(file: Path) -> None:
    facts = parse_facts(PHONE, file)
    assert facts == MediaFacts(
        format_name="mov,mp4,m4a,3gp,3g2,mj2",
        duration_seconds=62.5,
        size_bytes=5,
        video=VideoFacts(0, "hevc", 1920, 1080, (1080, 1920)),
        audio=AudioFacts(2, "aac"),
    )
    assert facts.variables() == {"input.width": 1920, "input.height": 1080, "input.duration": 62.5}


def test_a_recording_may_have_no_duration_and_no_sound(file: Path) -> None:
    facts = parse_facts(RECORDER, file)
    assert facts.duration_seconds is None
    assert facts.audio is None
    assert facts.video == VideoFacts(0, "vp8", 641, 361, (641, 361))


def test_a_picture_that_shares_a_group_with_its_time_code_is_found(file: Path) -> None:
    facts = parse_facts(GROUPED, file)
    assert facts.video == VideoFacts(0, "h264", 128, 96, (96, 128))
    assert facts.audio == AudioFacts(1, "aac")


def test_cover_art_is_not_a_video(file: Path) -> None:
    facts = parse_facts(MUSIC, file)
    assert facts.video is None
    assert facts.audio == AudioFacts(0, "mp3")
    assert facts.variables()["input.width"] == 0


def test_pixels_that_are_not_square_are_made_square(file: Path) -> None:
    video = parse_facts(RECORDER.replace("641x361 [SAR 1:1 DAR 641:361]", "720x576 [SAR 64:45 DAR 16:9]"), file).video
    assert video is not None
    assert video.display_size == (1024, 576)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Error opening input: Invalid data found when processing input\n", id="no-input"),
        pytest.param("Input #0, mov, from 'x':\n  Duration: 00:00:01.00\n", id="no-stream"),
        pytest.param("Input #0, mov, from 'x':\n  Stream #0:0: Subtitle: mov_text\n", id="subtitles-only"),
    ],
)
def test_a_file_without_media_is_refused(text: str, file: Path) -> None:
    with pytest.raises(ValueError, match=r"not a media file|no video and no audio"):
        parse_facts(text, file)


def test_metadata_has_the_shape_of_ffprobe(file: Path) -> None:
    assert parse_facts(PHONE, file).metadata("input") == {
        "streams": [
            {"codec_type": "video", "codec_name": "hevc", "width": 1920, "height": 1080},
            {"codec_type": "audio", "codec_name": "aac"},
        ],
        "format": {
            "filename": "input",
            "format_name": "mov,mp4,m4a,3gp,3g2,mj2",
            "size": "5",
            "duration": "62.500000",
        },
    }
