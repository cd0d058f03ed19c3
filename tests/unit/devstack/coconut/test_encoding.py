"""Sizes and moments: what is made of a source of a certain shape."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devstack.coconut.encoding import frame_for, image_seconds, input_arguments, renditions, stream_arguments
from devstack.coconut.facts import AudioFacts, Facts, VideoFacts
from devstack.coconut.formats import Resolution, parse_format
from devstack.coconut.outputs import ImagePlan

SOUND = AudioFacts(1, "aac", 44100, 2)


def a_video(width: int, height: int) -> VideoFacts:
    return VideoFacts(0, "h264", width, height, (width, height), 30.0)


def a_source(video: VideoFacts | None, audio: AudioFacts | None) -> Facts:
    return Facts("mp4", 4.0, 1000, video, audio)


@pytest.mark.parametrize(
    ("source", "wanted", "size"),
    [
        pytest.param((1920, 1080), Resolution(0, 360), (640, 360), id="ratio-kept-by-height"),
        pytest.param((1920, 1080), Resolution(640, 0), (640, 360), id="ratio-kept-by-width"),
        pytest.param((1080, 1920), Resolution(0, 360), (202, 360), id="portrait-keeps-its-ratio"),
        pytest.param((1080, 1920), Resolution(1280, 720), (1280, 720), id="exact-size-is-padded"),
        pytest.param((640, 480), Resolution(1920, 1080), (1920, 1080), id="smaller-sources-are-upscaled"),
        pytest.param((641, 361), None, (640, 360), id="odd-source-size-made-even"),
        pytest.param((1, 1), None, (2, 2), id="the-smallest-source"),
        pytest.param((4000, 2), Resolution(0, 360), (720000, 360), id="extreme-ratio"),
    ],
)
def test_sizes(source: tuple[int, int], wanted: Resolution | None, size: tuple[int, int]) -> None:
    frame = frame_for(a_video(*source), wanted)
    assert (frame.width, frame.height) == size


def test_padding_keeps_the_picture_whole_and_cropping_fills_the_frame() -> None:
    portrait = a_video(1080, 1920)
    wanted = Resolution(1280, 720)
    assert frame_for(portrait, wanted).filter_text == "scale=404:720,pad=1280:720:(ow-iw)/2:(oh-ih)/2"
    assert frame_for(portrait, wanted, crops=True).filter_text == "scale=1280:2276,crop=1280:720"


@given(
    st.integers(1, 8000),
    st.integers(1, 8000),
    st.sampled_from([None, Resolution(0, 360), Resolution(640, 0), Resolution(1280, 720)]),
    st.booleans(),
)
def test_every_frame_is_even_and_not_empty(width: int, height: int, wanted: Resolution | None, crops: bool) -> None:
    frame = frame_for(a_video(width, height), wanted, crops=crops)
    assert frame.width >= 2 <= frame.height
    assert frame.width % 2 == frame.height % 2 == 0


def test_a_track_the_source_lacks_is_left_out() -> None:
    variants = [parse_format("mp4:x:64k"), parse_format("mp4:0x360"), parse_format("mp4:0x360")]
    both = renditions(variants, a_source(a_video(640, 360), SOUND))
    assert [rendition.name for rendition in both] == ["audio_64k", "640x360", "640x360_3"]
    silent = renditions(variants, a_source(a_video(640, 360), None))
    assert [rendition.name for rendition in silent] == ["640x360", "640x360_2"]
    assert renditions(variants, a_source(None, SOUND))[0].name == "audio_64k"


def test_a_stream_is_made_in_one_run_with_a_limit_for_each_variant() -> None:
    source = a_source(a_video(1920, 1080), SOUND)
    variants = [parse_format("mp4:0x360::quality=4,maxrate=1000k"), parse_format("mp4:x:64k")]
    arguments = stream_arguments(renditions(variants, source), source, playlist_name="master")
    given_options = dict(pairwise(arguments))
    assert given_options["-filter_complex"] == "[0:0]split=1[s0];[s0]scale=640:360,setsar=1[v0]"
    assert given_options["-var_stream_map"] == "v:0,a:0,name:640x360 a:1,name:audio_64k"
    assert given_options["-maxrate:v:0"] == given_options["-bufsize:v:0"] == "1000k"
    assert given_options["-crf:v:0"] == "25"
    assert given_options["-threads:v:0"] == "1"
    assert given_options["-b:a:1"] == "64k"
    assert given_options["-hls_playlist_type"] == "vod"


@pytest.mark.parametrize(
    ("plan", "seconds"),
    [
        pytest.param({"number": 1}, [5.0], id="one-image-from-the-middle"),
        pytest.param({"number": 2}, [2.5, 7.5], id="several-images-spaced-equally"),
        pytest.param({"interval_seconds": 4.0}, [0.0, 4.0, 8.0], id="an-image-every-few-seconds"),
        pytest.param({"interval_seconds": 5.0}, [0.0, 5.0], id="no-image-of-the-very-end"),
        pytest.param({"offsets_seconds": (1.0, 99.0)}, [1.0, 10.0], id="never-beyond-the-end"),
    ],
)
def test_moments_of_images(plan: dict[str, object], seconds: list[float]) -> None:
    defaults: dict[str, object] = {"number": None, "interval_seconds": None, "offsets_seconds": ()}
    images = ImagePlan(parse_format("jpg"), "/o%d.jpg", False, **{**defaults, **plan})  # type: ignore[arg-type]
    assert image_seconds(images, 10.0) == seconds


def test_an_input_can_make_ffmpeg_open_nothing_but_itself() -> None:
    arguments = input_arguments(Path("/x/input"))
    given_options = dict(pairwise(arguments))
    assert given_options["-protocol_whitelist"] == "file,crypto"
    assert not {"hls", "concat", "lavfi", "image2"} & set(given_options["-format_whitelist"].split(","))
