"""What the stand-in makes of the jobs of profiles, with real ffmpeg, as storage would judge it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from controller.coconut.job_request import job_body
from devstack.coconut.ffmpeg import Ffmpeg
from devstack.coconut.outputs import parse_outputs
from devstack.coconut.transcode import Source, collect, make
from domain import object_keys
from domain.objects import ExpectedExtras, VerifiedOutputs
from domain.profiles import (
    ORIGINAL,
    AudioMode,
    Codec,
    ProfileAudio,
    ProfileRendition,
    ProfileSpec,
    ProfileStoryboard,
    SegmentFormat,
    ordered,
)
from storage.verify.outputs import Outputs, judge_outputs
from tests.support.builders.coconut_jobs import ORDER, TARGET

SECONDS = 5
MODERN = ProfileSpec(
    renditions=(ProfileRendition(144, 300, Codec.HEVC), ProfileRendition(240, 600, Codec.HEVC)),
    segments=SegmentFormat.FMP4,
    audio=ProfileAudio(rate_kbps=64),
    storyboard=ProfileStoryboard(interval_seconds=2, width=80),
    poster_seconds=1,
    mp4_heights=(144, 240),
)
SILENT = ProfileSpec(renditions=(ProfileRendition(144, 300),), audio=ProfileAudio(AudioMode.NONE))


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    folder, ffmpeg = tmp_path_factory.mktemp("source"), Ffmpeg()
    picture = f"testsrc2=size=320x180:rate=10:duration={SECONDS}"
    sound = f"sine=frequency=440:duration={SECONDS}"
    codecs = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac"]
    inputs = ["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound]
    ffmpeg.generate([*inputs, *codecs, "clip.mp4"], folder=folder)
    return Source(folder / "clip.mp4", ffmpeg.facts(folder / "clip.mp4"))


def files_of(profile: ProfileSpec, source: Source, folder: Path) -> dict[str, bytes]:
    """Return what a job of this profile writes, by key."""
    body = json.loads(json.dumps(job_body(replace(ORDER, profile=profile), TARGET)))
    written: dict[str, bytes] = {}
    for number, output in enumerate(parse_outputs(body["outputs"])):
        if output.condition is None or output.condition(source.facts.variables()):
            place = folder / str(number)
            place.mkdir()
            make(output, source, place, Ffmpeg(), lambda _fraction: None)
            written |= {file.path.lstrip("/"): file.local.read_bytes() for file in collect(output, place).files}
    return written


def verdict(profile: ProfileSpec, written: dict[str, bytes]) -> VerifiedOutputs:
    outputs = Outputs({key: len(body) for key, body in written.items()}, lambda key: written[key].decode())
    judged = judge_outputs(
        ORDER.video_id,
        ORDER.folder,
        outputs,
        input_seconds=SECONDS,
        extras=ExpectedExtras.of_order(ordered("test", profile)),
    )
    assert isinstance(judged, VerifiedOutputs), judged
    return judged


def test_hevc_in_fragments_with_everything_beside_it(source: Source, tmp_path: Path) -> None:
    written = files_of(MODERN, source, tmp_path)
    judged = verdict(MODERN, written)
    # The source has 180 lines: the larger rendition and its file are not made.
    assert [one.height for one in judged.renditions] == [144]
    assert (judged.renditions[0].codecs or "").startswith("hvc1")
    assert (judged.has_storyboard, judged.mp4_heights) == (True, (144,))
    assert judged.poster_key is not None
    assert any(key.endswith(".m4s") for key in written)
    times = written[object_keys.storyboard_key(ORDER.video_id, ORDER.folder)].decode()
    assert times.startswith("WEBVTT")
    assert "sheet_001.jpg#xywh=80,0,80,46" in times or "sheet_001.jpg#xywh=80,0,80,44" in times


def test_without_sound_there_is_none(source: Source, tmp_path: Path) -> None:
    judged = verdict(SILENT, files_of(SILENT, source, tmp_path))
    assert [one.height for one in judged.renditions] == [144]
    assert "mp4a" not in (judged.renditions[0].codecs or "")


def test_the_original_of_a_tiny_source_keeps_its_size(source: Source, tmp_path: Path) -> None:
    judged = verdict(ORIGINAL, files_of(ORIGINAL, source, tmp_path))
    assert [(one.width, one.height) for one in judged.renditions] == [(320, 180)]
    assert (judged.has_storyboard, judged.mp4_heights) == (False, ())
