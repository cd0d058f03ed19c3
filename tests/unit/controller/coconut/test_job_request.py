"""What a job asks of Coconut: the exact body, and that it fits every source."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from controller.coconut.job_request import LADDER, SourceCase, job_body, source_cases
from domain.jobs import JobOrder
from domain.video import Orientation
from storage.settings import OutputTarget

GOLDEN = Path(__file__).with_name("job.json")
ORDER = JobOrder(
    video_id="a" * 26,
    attempt=2,
    folder="2-mfrggzdfmztwq2lk",
    source_url="https://storage.example/uploads/original.mp4?X-Amz-Signature=0",
    callback_url="https://api.example/webhooks/coconut?video=a&attempt=2&sig=0",
)
TARGET = OutputTarget(
    service="dospaces",
    endpoint="https://tor1.digitaloceanspaces.com",
    region="tor1",
    bucket="videos",
    access_key=SecretStr("KEY"),
    secret_key=SecretStr("SECRET"),
    acl="public-read",
)
SIDES = st.integers(min_value=1, max_value=8192)
TERM = re.compile(r"\{\{ input\.(width|height) \}\} (>=|<) (\d+)")


def holds(case: SourceCase, width: int, height: int) -> bool:
    """Evaluate a condition as Coconut would, refusing anything but the two operators and AND."""
    sides = {"width": width, "height": height}
    verdicts = []
    for text in case.condition.split(" AND "):
        term = TERM.fullmatch(text)
        assert term is not None, text
        side, operator, bound = sides[term[1]], term[2], int(term[3])
        verdicts.append(side >= bound if operator == ">=" else side < bound)
    return all(verdicts)


def test_the_body_is_the_golden_file() -> None:
    assert job_body(ORDER, TARGET) == json.loads(GOLDEN.read_text())


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


@given(width=SIDES, height=SIDES)
def test_exactly_one_stream_is_made_of_any_source(width: int, height: int) -> None:
    assert sum(holds(case, width, height) for case in source_cases()) == 1


@given(long=SIDES, short=SIDES, orientation=st.sampled_from(Orientation), coconut_swaps=st.booleans())
def test_a_turned_video_gets_its_own_shape_whichever_size_coconut_compares(
    long: int, short: int, orientation: Orientation, coconut_swaps: bool
) -> None:
    short, long = sorted((short, long))
    upright = (short, long) if orientation is Orientation.PORTRAIT else (long, short)
    (case,) = [case for case in source_cases() if holds(case, *(reversed(upright) if coconut_swaps else upright))]
    streams = job_body(replace(ORDER, orientation=orientation), TARGET)["outputs"]["httpstream"]
    (stream,) = [stream for stream in streams if stream["key"] == f"hls-{case.name}"]
    sizes = [variant.split(":")[1] for variant in stream["variants"]]
    fixes_width = orientation is Orientation.PORTRAIT
    assert sizes in (
        [""], [f"{rung.short_side}x0" if fixes_width else f"0x{rung.short_side}" for rung in case.rungs]
    )  # fmt: skip
    assert all(rung.short_side <= short for rung in case.rungs)


@given(width=SIDES, height=SIDES)
def test_no_rendition_is_larger_than_its_source(width: int, height: int) -> None:
    (case,) = [case for case in source_cases() if holds(case, width, height)]
    fixed = width if case.is_portrait else height
    assert all(rung.short_side <= fixed for rung in case.rungs)


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
    (case,) = [case for case in source_cases() if holds(case, width, height)]
    assert [rung.short_side for rung in case.rungs] == smallest_to_largest
    assert case.is_portrait == (height > width and height >= 640)


def test_the_bit_rates_are_those_of_the_service() -> None:
    assert {rung.short_side: rung.max_rate_kbps for rung in LADDER} == {360: 1000, 480: 1500, 720: 2000, 1080: 4000}
