"""What a job asks of Coconut: the exact body, and that it fits every source."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.coconut.job_request import SourceCase, job_body, source_cases
from domain.profiles import (
    ORIGINAL,
    AudioMode,
    Codec,
    ProfileAudio,
    ProfileRendition,
    ProfileSpec,
    ProfileStoryboard,
    SegmentFormat,
)
from domain.video import Orientation
from storage.settings import OutputTarget
from tests.support.builders.coconut_jobs import ORDER, TARGET
from tests.support.builders.strategies import ladders, profile_specs

HERE = Path(__file__).parent
SIDES = st.integers(min_value=1, max_value=8192)
ORIENTATIONS = st.none() | st.sampled_from(Orientation)
TERM = re.compile(r"\{\{ input\.(width|height|duration) \}\} (>=|<) (\d+)")


def holds(case: SourceCase, width: int, height: int) -> bool:
    """Evaluate a condition as Coconut would, refusing anything but the two operators and AND."""
    return is_true(case.condition, {"width": width, "height": height})


MODERN = ProfileSpec(
    renditions=(ProfileRendition(540, 1200, Codec.HEVC), ProfileRendition(2160, 12_000, Codec.HEVC)),
    quality=5,
    segments=SegmentFormat.FMP4,
    audio=ProfileAudio(rate_kbps=96),
    storyboard=ProfileStoryboard(interval_seconds=5, width=240),
    poster_seconds=7,
)
SILENT = ProfileSpec(
    renditions=(ProfileRendition(360, 600), ProfileRendition(720, 1800)),
    audio=ProfileAudio(AudioMode.NONE),
    mp4_heights=(720,),
)


@pytest.mark.parametrize(
    ("file", "profile"),
    [
        pytest.param("job.json", ORIGINAL, id="the-original-specification"),
        pytest.param("job-modern.json", MODERN, id="hevc-in-fmp4-with-a-storyboard-and-a-poster"),
        pytest.param("job-silent.json", SILENT, id="without-sound-and-with-an-mp4-file"),
    ],
)
def test_the_body_is_the_golden_file(file: str, profile: ProfileSpec) -> None:
    # To write one anew after an intended change: json.dumps(job_body(...), indent=2).
    assert job_body(replace(ORDER, profile=profile), TARGET) == json.loads((HERE / file).read_text())


def test_a_private_job_writes_below_the_private_prefix_and_publishes_nothing() -> None:
    public, private = job_body(ORDER, TARGET), job_body(replace(ORDER, is_private=True), TARGET)
    assert public["storage"]["acl"] == "public-read"
    assert private["storage"] == {**public["storage"], "acl": "private"}
    text = json.dumps(public["outputs"])
    assert "/processed/" in text
    assert private["outputs"] == json.loads(text.replace("/processed/", "/private/"))


def test_another_store_is_named_by_endpoint_and_without_acl() -> None:
    other = OutputTarget(**{**vars(TARGET), "service": "s3other"})
    storage = job_body(ORDER, other)["storage"]
    assert storage["endpoint"] == TARGET.endpoint
    assert not {"acl", "region"} & storage.keys()


@given(ladder=st.just(ORIGINAL.renditions) | ladders, width=SIDES, height=SIDES)
def test_exactly_one_stream_is_made_of_any_source_and_none_is_larger(
    ladder: tuple[ProfileRendition, ...], width: int, height: int
) -> None:
    (case,) = [case for case in source_cases(ladder) if holds(case, width, height)]
    assert case.rungs == tuple(rung for rung in ladder if rung.height <= min(width, height))


@given(ladder=ladders, width=SIDES, height=SIDES)
def test_a_wide_source_is_not_scaled_as_portrait(ladder: tuple[ProfileRendition, ...], width: int, height: int) -> None:
    (case,) = [case for case in source_cases(ladder) if holds(case, width, height)]
    if case.rungs and is_narrow_step(ladder, case):
        assert not (case.is_portrait and width > height)


def is_narrow_step(ladder: tuple[ProfileRendition, ...], case: SourceCase) -> bool:
    """Return whether the next rung begins before a source of this one is clearly portrait."""
    higher = ladder[len(case.rungs) :]
    return not higher or higher[0].height <= case.rungs[-1].long_side


@given(profile=profile_specs, width=SIDES, height=SIDES, seconds=st.integers(1, 4 * 3600), orientation=ORIENTATIONS)
def test_every_file_of_any_profile_is_made_by_one_output_and_every_key_is_another(
    profile: ProfileSpec, width: int, height: int, seconds: int, orientation: Orientation | None
) -> None:
    profile = replace(profile, mp4_heights=tuple(rung.height for rung in profile.renditions[:2]))
    outputs = job_body(replace(ORDER, profile=profile, orientation=orientation), TARGET)["outputs"]
    every = [each for value in outputs.values() for each in (value if isinstance(value, list) else [value])]
    # What the rule in the schema counts: the provider's limit is 30.
    extras = (profile.storyboard is not None) + (profile.poster_seconds is not None)
    assert len(every) == 5 + 3 * len(profile.renditions) + 5 * len(profile.mp4_heights) + extras
    keys = [each["key"] for each in every]
    assert len(set(keys)) == len(keys)
    facts = {"width": width, "height": height, "duration": seconds}
    made = [each for each in every if "if" not in each or is_true(each["if"], facts)]
    paths = [each.get("path") or str(each.get("hls") or each.get("dash")) for each in made]
    assert len(set(paths)) == len(paths)
    files = {path.rpartition("/")[2] for path in paths if "/mp4/" in path}
    assert files == {f"{each}.mp4" for each in profile.mp4_heights if each <= min(width, height)}
    assert sum("thumbnails" in path for path in paths) == 1


@given(profile=profile_specs, width=SIDES, height=SIDES, beyond=st.integers(2, 10**6), orientation=ORIENTATIONS)
def test_of_a_video_that_coconut_measures_as_too_long_nothing_is_made_but_pictures(
    profile: ProfileSpec, width: int, height: int, beyond: int, orientation: Orientation | None
) -> None:
    """Streams, MP4 files and the storyboard are paid for by the minute, or grow with it; three pictures are not."""
    profile = replace(profile, mp4_heights=tuple(rung.height for rung in profile.renditions[:2]))
    outputs = job_body(replace(ORDER, profile=profile, orientation=orientation), TARGET)["outputs"]
    every = [each for value in outputs.values() for each in (value if isinstance(value, list) else [value])]
    facts = {"width": width, "height": height, "duration": int(ORDER.max_seconds) + beyond}
    made = [each["key"] for each in every if "if" not in each or is_true(each["if"], facts)]
    assert made in (["thumbnails"], ["poster"])


def is_true(text: str, facts: dict[str, int]) -> bool:
    """Evaluate a condition as Coconut would, refusing anything but the two operators and AND."""
    return all(verdict(term, facts) for term in text.split(" AND "))


def verdict(text: str, facts: dict[str, int]) -> bool:
    term = TERM.fullmatch(text)
    assert term is not None, text
    value, operator, bound = facts[term[1]], term[2], int(term[3])
    return value >= bound if operator == ">=" else value < bound


@given(long=SIDES, short=SIDES, orientation=st.sampled_from(Orientation), coconut_swaps=st.booleans())
def test_a_turned_video_gets_its_own_shape_whichever_size_coconut_compares(
    long: int, short: int, orientation: Orientation, coconut_swaps: bool
) -> None:
    short, long = sorted((short, long))
    upright = (short, long) if orientation is Orientation.PORTRAIT else (long, short)
    (case,) = [
        case
        for case in source_cases(ORIGINAL.renditions)
        if holds(case, *(reversed(upright) if coconut_swaps else upright))
    ]
    streams = job_body(replace(ORDER, orientation=orientation), TARGET)["outputs"]["httpstream"]
    (stream,) = [stream for stream in streams if stream["key"] == f"hls-{case.name}"]
    sizes = [variant.split(":")[1] for variant in stream["variants"]]
    fixes_width = orientation is Orientation.PORTRAIT
    assert sizes in (
        [""], [f"{rung.height}x0" if fixes_width else f"0x{rung.height}" for rung in case.rungs]
    )  # fmt: skip
    assert all(rung.height <= short for rung in case.rungs)


@given(width=SIDES, height=SIDES)
def test_no_rendition_is_larger_than_its_source(width: int, height: int) -> None:
    (case,) = [case for case in source_cases(ORIGINAL.renditions) if holds(case, width, height)]
    fixed = width if case.is_portrait else height
    assert all(rung.height <= fixed for rung in case.rungs)


@pytest.mark.parametrize(
    ("width", "height", "smallest_to_largest"),
    [
        pytest.param(1920, 1080, [360, 480, 720, 1080], id="full-hd"),
        pytest.param(3840, 2160, [360, 480, 720, 1080], id="uhd"),
        pytest.param(1080, 1920, [360, 480, 720, 1080], id="a-phone-upright"),
        pytest.param(2160, 3840, [360, 480, 720, 1080], id="a-good-phone-upright"),
        pytest.param(1280, 720, [360, 480, 720], id="hd"),
        pytest.param(640, 480, [360, 480], id="tv"),
        pytest.param(640, 360, [360], id="world"),
        pytest.param(320, 240, [], id="tiny-keeps-its-size"),
    ],
)
def test_the_ladder_of_common_sources(width: int, height: int, smallest_to_largest: list[int]) -> None:
    (case,) = [case for case in source_cases(ORIGINAL.renditions) if holds(case, width, height)]
    assert [rung.height for rung in case.rungs] == smallest_to_largest
    assert case.is_portrait == (height > width and height >= 640)


def test_the_bit_rates_are_those_of_the_service() -> None:
    assert {rung.height: rung.max_rate_kbps for rung in ORIGINAL.renditions} == {
        360: 1000,
        480: 1500,
        720: 2000,
        1080: 4000,
    }
