"""A job's outputs: what may be published and what may not."""

import re
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import object_keys
from domain.objects import OutputsProblem, VerifiedOutputs
from storage.verify.outputs import OBJECTS_MAX, Outputs, judge_outputs
from storage.verify.playlist import PLAYLIST_BYTES_MAX, SEGMENTS_MAX
from tests.support.fakes.videos import SEGMENT_SECONDS, master, media, stream

Files = dict[str, bytes]

SEGMENTS = 10
SECONDS = SEGMENTS * SEGMENT_SECONDS


def judge(files: Mapping[str, bytes], *, input_seconds: float | None = SECONDS) -> VerifiedOutputs | OutputsProblem:
    stored = {object_keys.outputs_prefix("v1", "3") + path: body for path, body in files.items()}
    sizes = {key: len(body) for key, body in stored.items()}
    return judge_outputs("v1", "3", Outputs(sizes, lambda key: stored[key].decode()), input_seconds=input_seconds)


def test_a_complete_stream_is_verified() -> None:
    verified = judge(stream(variants=("360p", "720p"), segments=SEGMENTS))
    assert isinstance(verified, VerifiedOutputs)
    assert [rendition.uri for rendition in verified.renditions] == ["3/hls/360p/index.m3u8", "3/hls/720p/index.m3u8"]
    assert verified.renditions[0].height == 360
    assert verified.duration_seconds == SECONDS


def without(path: str) -> Callable[[Files], None]:
    def change(files: Files) -> None:
        del files[path]

    return change


def having(path: str, body: str | bytes) -> Callable[[Files], None]:
    def change(files: Files) -> None:
        assert path in files
        files[path] = body if isinstance(body, bytes) else body.encode()

    return change


SHORT = media([f"{number:03}.ts" for number in range(SEGMENTS - 1)])


@pytest.mark.parametrize(
    ("change", "why"),
    [
        pytest.param(
            without("hls/master.m3u8"), "the master playlist cannot be used: it does not exist", id="no-master"
        ),
        pytest.param(having("hls/master.m3u8", b""), "the master playlist .* does not exist", id="empty-master"),
        pytest.param(having("hls/master.m3u8", "<html>"), "the master playlist .* not a playlist", id="html-master"),
        pytest.param(
            having("hls/master.m3u8", master("../../2/hls/360p/index.m3u8")),
            "variant 1 .* outside its own directory",
            id="variant-of-another-attempt",
        ),
        pytest.param(without("hls/720p/index.m3u8"), "variant 2 .* does not exist", id="no-media-playlist"),
        pytest.param(
            having("hls/360p/index.m3u8", b"#" * (PLAYLIST_BYTES_MAX + 1)),
            "variant 1 .* larger than",
            id="huge-playlist",
        ),
        pytest.param(having("hls/720p/index.m3u8", media(["000.ts"], has_end=False)), "variant 2 .* no end", id="live"),
        pytest.param(without("hls/720p/003.ts"), "variant 2 .* 1 of its 10 files are missing", id="missing-segment"),
        pytest.param(having("hls/720p/003.ts", b""), "variant 2 .* 1 of its 10 files are missing", id="empty-segment"),
        pytest.param(
            having("hls/360p/index.m3u8", media(["/etc/passwd"])), "variant 1 .* outside", id="segment-elsewhere"
        ),
        pytest.param(having("hls/720p/index.m3u8", SHORT), "the variants last from 54.0 s to 60.0 s", id="unequal"),
    ],
)
@pytest.mark.parametrize("input_seconds", [SECONDS, None])
def test_an_incomplete_stream_is_refused_with_the_reason(
    change: Callable[[Files], None], why: str, input_seconds: float | None
) -> None:
    files = stream(variants=("360p", "720p"), segments=SEGMENTS)
    change(files)
    problem = judge(files, input_seconds=input_seconds)
    assert isinstance(problem, OutputsProblem)
    assert re.search(why, problem.message)


@pytest.mark.parametrize(
    ("change", "is_permanent"),
    [
        pytest.param(without("hls/master.m3u8"), False, id="no-master"),
        pytest.param(without("hls/720p/003.ts"), False, id="missing-segment"),
        pytest.param(having("hls/360p/index.m3u8", "<html>"), False, id="garbled-playlist"),
        pytest.param(having("hls/360p/index.m3u8", media([])), False, id="empty-playlist"),
        pytest.param(having("hls/720p/index.m3u8", media(["000.ts"], has_end=False)), False, id="live"),
        pytest.param(having("hls/720p/index.m3u8", SHORT), True, id="unequal"),
        pytest.param(having("hls/360p/index.m3u8", b"#" * (PLAYLIST_BYTES_MAX + 1)), True, id="huge-playlist"),
        pytest.param(
            having("hls/360p/index.m3u8", media(["000.ts"] * (SEGMENTS_MAX + 1))), True, id="too-many-segments"
        ),
        pytest.param(having("hls/360p/index.m3u8", media(["/etc/passwd"])), True, id="segment-elsewhere"),
        pytest.param(
            having("hls/master.m3u8", master("360p/index.m3u8", attributes="RESOLUTION=640x360")),
            True,
            id="no-bandwidth",
        ),
    ],
)
def test_only_missing_or_unreadable_outputs_are_worth_another_attempt(
    change: Callable[[Files], None], is_permanent: bool
) -> None:
    files = stream(variants=("360p", "720p"), segments=SEGMENTS)
    change(files)
    problem = judge(files)
    assert isinstance(problem, OutputsProblem)
    assert problem.is_permanent is is_permanent


def test_a_stream_that_is_cut_short_is_no_accident() -> None:
    problem = judge(stream(segments=SEGMENTS), input_seconds=7201.8)
    assert problem == OutputsProblem("the stream lasts 60.0 s instead of 7201.8 s", is_permanent=True)


@given(st.data())
def test_a_stream_without_any_one_of_its_files_is_refused(data: st.DataObject) -> None:
    files = stream(segments=SEGMENTS, thumbnails=0)
    del files[data.draw(st.sampled_from(sorted(files)))]
    assert isinstance(judge(files), OutputsProblem)


@pytest.mark.parametrize(
    ("input_seconds", "is_accepted"),
    [
        pytest.param(None, True, id="unknown"),
        pytest.param(60.0, True, id="equal"),
        pytest.param(62.2, True, id="a-little-longer"),
        pytest.param(62.4, False, id="too-long"),
        pytest.param(57.9, True, id="a-little-shorter"),
        pytest.param(30.0, True, id="half-of-what-two-joined-files-give"),
    ],
)
def test_a_stream_is_refused_only_if_it_is_shorter_than_the_picture(
    input_seconds: float | None, is_accepted: bool
) -> None:
    verdict = judge(stream(segments=SEGMENTS), input_seconds=input_seconds)
    assert isinstance(verdict, VerifiedOutputs) == is_accepted


@pytest.mark.parametrize(
    ("thumbnails", "poster"),
    [
        pytest.param(0, None, id="none"),
        pytest.param(1, "thumb_01.jpg", id="the-only-one"),
        pytest.param(3, "thumb_02.jpg", id="the-middle-one"),
    ],
)
def test_the_poster_is_the_middle_thumbnail(thumbnails: int, poster: str | None) -> None:
    verified = judge(stream(segments=SEGMENTS, thumbnails=thumbnails))
    assert isinstance(verified, VerifiedOutputs)
    assert verified.poster_key == (poster and object_keys.thumbnails_prefix("v1", "3") + poster)


def test_an_empty_thumbnail_is_no_poster() -> None:
    files = stream(segments=SEGMENTS, thumbnails=1) | {"thumbnails/thumb_01.jpg": b""}
    verified = judge(files)
    assert isinstance(verified, VerifiedOutputs)
    assert verified.poster_key is None


def test_an_oversized_listing_is_refused_unread() -> None:
    sizes = dict.fromkeys(map(str, range(OBJECTS_MAX + 1)), 1)
    problem = judge_outputs("v1", "3", Outputs(sizes, _never), input_seconds=None)
    assert problem == OutputsProblem(f"the job wrote more than {OBJECTS_MAX} files", is_permanent=True)


def _never(key: str) -> str:
    raise AssertionError(key)
