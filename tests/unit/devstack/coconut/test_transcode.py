"""Sizes, ffmpeg's arguments, and the order in which files are uploaded."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devstack.coconut.facts import AudioFacts, MediaFacts, VideoFacts
from devstack.coconut.outputs import Resolution, parse_variant
from devstack.coconut.request import parse_request
from devstack.coconut.transcode import collect, scaled_size, stream_arguments
from tests.support.builders.coconut_jobs import a_job

SOUND = AudioFacts(1, "aac")


def a_video(width: int, height: int) -> VideoFacts:
    return VideoFacts(0, "h264", width, height, (width, height))


@pytest.mark.parametrize(
    ("source", "wanted", "size"),
    [
        pytest.param((1920, 1080), Resolution(0, 360), (640, 360), id="by-height"),
        pytest.param((1920, 1080), Resolution(640, 0), (640, 360), id="by-width"),
        pytest.param((1080, 1920), Resolution(0, 360), (202, 360), id="portrait"),
        pytest.param((641, 361), Resolution(), (640, 360), id="odd-source"),
        pytest.param((1, 1), Resolution(), (2, 2), id="smallest-source"),
        pytest.param((20_000, 100), Resolution(), (16_384, 82), id="wider-than-the-encoder-takes"),
        pytest.param((40_000, 400), Resolution(0, 360), (16_384, 164), id="wider-than-the-encoder-takes-at-a-height"),
    ],
)
def test_the_ratio_of_the_source_is_kept(source: tuple[int, int], wanted: Resolution, size: tuple[int, int]) -> None:
    assert scaled_size(a_video(*source), wanted) == size


@given(
    st.integers(1, 8000),
    st.integers(1, 8000),
    st.sampled_from([Resolution(), Resolution(0, 360), Resolution(640, 0)]),
)
def test_every_size_is_even_and_not_empty(width: int, height: int, wanted: Resolution) -> None:
    assert all(side >= 2 and side % 2 == 0 for side in scaled_size(a_video(width, height), wanted))


def test_one_run_makes_all_variants_with_their_limits() -> None:
    variants = (parse_variant("mp4:0x360::quality=4,maxrate=1000k"), parse_variant("mp4:0x720"))
    options = dict(pairwise(stream_arguments(variants, MediaFacts("mp4", 4.0, 1000, a_video(1920, 1080), SOUND))))
    assert options["-filter_complex"] == (
        "[0:0]split=2[s0][s1];[s0]scale=640:360,setsar=1[v0];[s1]scale=1280:720,setsar=1[v1]"
    )
    assert options["-var_stream_map"] == "v:0,a:0,name:640x360_0 v:1,a:1,name:1280x720_1"
    assert options["-maxrate:v:0"] == options["-bufsize:v:0"] == "1000k"
    assert options["-crf:v:0"] == options["-crf:v:1"] == "25"
    assert options["-threads:v:1"] == "1"


@pytest.mark.parametrize(
    ("video", "audio", "streams"),
    [
        pytest.param(a_video(640, 360), None, "v:0,name:640x360_0", id="silent"),
        pytest.param(None, SOUND, "a:0,name:audio", id="sound-only"),
    ],
)
def test_a_track_that_the_source_lacks_is_left_out(
    video: VideoFacts | None, audio: AudioFacts | None, streams: str
) -> None:
    arguments = stream_arguments((parse_variant("mp4"),), MediaFacts("mp4", 4.0, 1000, video, audio))
    assert dict(pairwise(arguments))["-var_stream_map"] == streams


def test_a_playlist_is_uploaded_after_the_files_it_names(tmp_path: Path) -> None:
    for name in ("640x360_0_00000.ts", "1280x720_1_00000.ts", "640x360_0.m3u8", "1280x720_1.m3u8", "master.m3u8"):
        (tmp_path / name).touch()
    _, stream, _ = parse_request(a_job()).outputs
    made = collect(stream, tmp_path)
    assert [file.path for file in made.files] == [
        "o/hls/1280x720_1_00000.ts",
        "o/hls/640x360_0_00000.ts",
        "o/hls/1280x720_1.m3u8",
        "o/hls/640x360_0.m3u8",
        "o/hls/master.m3u8",
    ]
    assert made.entries == ("o/hls/master.m3u8",)


def test_images_are_numbered_in_their_order(tmp_path: Path) -> None:
    for name in ("00002.jpg", "00001.jpg"):
        (tmp_path / name).touch()
    made = collect(parse_request(a_job()).outputs[0], tmp_path)
    assert [(file.local.name, file.path) for file in made.files] == [
        ("00001.jpg", "/o/thumb_01.jpg"),
        ("00002.jpg", "/o/thumb_02.jpg"),
    ]
