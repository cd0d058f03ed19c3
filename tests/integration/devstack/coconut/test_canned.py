"""Canned jobs are cheap because ffmpeg runs once for each kind of output, and never again."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from devstack.coconut import canned
from devstack.coconut.canned import Canned
from devstack.coconut.ffmpeg import Ffmpeg
from devstack.coconut.outputs import Output, parse_outputs


class CountingFfmpeg(Ffmpeg):
    """Really encodes, and counts how often."""

    def __init__(self) -> None:
        super().__init__()
        self.encodings = 0

    def encode(
        self,
        source: Path,
        arguments: Sequence[str],
        *,
        folder: Path,
        from_seconds: float = 0,
        on_seconds: Callable[[float], None] = lambda _seconds: None,
    ) -> None:
        self.encodings += 1
        super().encode(source, arguments, folder=folder, from_seconds=from_seconds, on_seconds=on_seconds)


@pytest.fixture
def ffmpeg() -> CountingFfmpeg:
    return CountingFfmpeg()


def a_stream(folder: str) -> Output:
    stream = {"hls": {"path": folder}, "variants": ["mp4:0x180"]}
    return parse_outputs({"httpstream": stream})[0]


def an_image(width: int) -> Output:
    return parse_outputs({f"jpg:{width}x": {"path": "/o.jpg"}})[0]


def test_a_tree_is_encoded_once_wherever_it_is_written_and_across_restarts(
    tmp_path: Path, ffmpeg: CountingFfmpeg
) -> None:
    shelf = Canned(tmp_path, ffmpeg)
    first = shelf.make(a_stream("v1/1/hls"))
    assert ffmpeg.encodings == 1
    second = shelf.make(a_stream("v2/7/hls"))
    third = Canned(tmp_path, ffmpeg).make(a_stream("v3/1/hls"))
    assert ffmpeg.encodings == 1
    assert first.entries == ("v1/1/hls/master.m3u8",)
    assert [file.path.replace("v2/7", "v1/1") for file in second.files] == [file.path for file in first.files]
    assert [file.local for file in third.files] == [file.local for file in first.files]


def test_only_the_trees_used_last_are_kept(
    tmp_path: Path, ffmpeg: CountingFfmpeg, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(canned, "MAX_TREES", 2)
    shelf = Canned(tmp_path, ffmpeg)
    for width in (100, 110, 100, 120, 100, 120):
        shelf.make(an_image(width))
    assert len(list((tmp_path / "trees").iterdir())) == 2
    assert ffmpeg.encodings == 3
