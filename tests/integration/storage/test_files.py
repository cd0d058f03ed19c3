"""Storage's verdicts on real files, made by ffmpeg and kept by a real S3 server."""

from pathlib import Path
from urllib.parse import urljoin

import pytest
import requests

from domain.failures import FailureCode
from domain.object_keys import playback_url
from domain.objects import OutputsProblem, SourceProblem, VerifiedOutputs
from domain.stable_playlist import stable_playlist
from domain.video import Published, SourceFacts
from storage.settings import StorageSettings
from storage.verify.playlist import read_master, read_media
from tests.integration.storage.clips import CLIPS, make_clip, make_stream, turn
from tests.support.contracts.storage_contract import ORIGINAL, VIDEO, Store
from tests.support.fakes.videos import box

SECONDS = 5


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clips")


@pytest.fixture(scope="module")
def real_stream(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return make_stream(tmp_path_factory.mktemp("stream"), seconds=SECONDS)


def judged(store: Store, body: bytes) -> SourceFacts | SourceProblem:
    store.put_raw(ORIGINAL, body)
    return store.storage.verify_source(ORIGINAL, store.facts(), declared_bytes=len(body), max_bytes=2**30)


@pytest.mark.parametrize(
    ("name", "container"),
    [
        ("fast-start.mp4", "mp4"),
        ("index-at-end.mp4", "mp4"),
        ("fragmented.mp4", "mp4"),
        ("clip.mov", "mov"),
        ("clip.3gp", "3gp"),
        ("clip.webm", "webm"),
        ("clip.mkv", "matroska"),
        ("clip.ts", "mpeg-ts"),
        ("clip.m2ts", "mpeg-ts"),
        ("clip.avi", "avi"),
        ("clip.flv", "flv"),
        ("clip.mpg", "mpeg-ps"),
        ("clip.wmv", "asf"),
        ("clip.ogv", "ogg"),
        ("clip.mxf", "mxf"),
        ("clip.dv", "dv"),
        ("clip.h264", "raw-video"),
        ("clip.m2v", "raw-video"),
        ("clip.ivf", "unknown"),
    ],
)
def test_a_real_video_is_accepted(store: Store, clips: Path, name: str, container: str) -> None:
    facts = judged(store, make_clip(clips, name))
    assert isinstance(facts, SourceFacts)
    assert facts.container == container


@pytest.mark.parametrize(
    "name", ["sound.m4a", "sound.wav", "sound.mp3", "still.png", "still.jpg", "still.webp", "still.avif"]
)
def test_audio_and_still_images_are_not_a_video(store: Store, clips: Path, name: str) -> None:
    problem = judged(store, make_clip(clips, name))
    assert isinstance(problem, SourceProblem)
    assert problem.code is FailureCode.NOT_A_VIDEO


@pytest.mark.parametrize(
    "name", [name for name in CLIPS if name.startswith("sound") and not name.endswith((".wav", ".mp3"))]
)
def test_sound_in_a_container_for_videos_has_no_picture(store: Store, clips: Path, name: str) -> None:
    problem = judged(store, make_clip(clips, name))
    assert isinstance(problem, SourceProblem)
    assert (problem.code, problem.message) == (
        FailureCode.NOT_A_VIDEO,
        "it has no picture: every track of the file is sound, text or data",
    )


@pytest.mark.parametrize(("degrees", "orientation"), [(0, None), (90, "portrait"), (180, None), (270, "portrait")])
def test_a_phones_turned_video_says_how_it_is_shown(
    store: Store, clips: Path, degrees: int, orientation: str | None
) -> None:
    facts = judged(store, turn(clips, "fast-start.mp4", degrees))
    assert isinstance(facts, SourceFacts)
    assert facts.orientation == orientation


def test_a_recording_may_begin_in_the_middle_of_a_packet_or_behind_something_else(store: Store, clips: Path) -> None:
    transport, program = make_clip(clips, "clip.ts"), make_clip(clips, "clip.mpg")
    tag = b"ID3\x04\x00\x00\x00\x00\x00\x3f" + bytes(63)
    for body, container in (
        (transport[100:], "mpeg-ts"),
        (tag + transport, "mpeg-ts"),
        (bytes(512) + program, "mpeg-ps"),
        (program[77:], "mpeg-ps"),
    ):
        facts = judged(store, body)
        assert isinstance(facts, SourceFacts)
        assert facts.container == container


def test_an_index_behind_more_boxes_than_are_read_is_no_cut(store: Store, clips: Path) -> None:
    whole = make_clip(clips, "index-at-end.mp4")
    index = whole.index(b"moov") - 4
    assert isinstance(judged(store, whole[:index] + box(b"mdat", bytes(9000)) * 201 + whole[index:]), SourceFacts)


@pytest.mark.parametrize("name", ["fast-start.mp4", "index-at-end.mp4", "fragmented.mp4", "clip.mov", "clip.3gp"])
@pytest.mark.parametrize("kept", [0.3, 0.6, 0.95])
def test_a_truncated_recording_is_incomplete(store: Store, clips: Path, name: str, kept: float) -> None:
    whole = make_clip(clips, name)
    problem = judged(store, whole[: int(len(whole) * kept)])
    assert isinstance(problem, SourceProblem)
    assert problem.code is FailureCode.VIDEO_INCOMPLETE


def test_a_real_stream_is_verified(store: Store, real_stream: dict[str, bytes]) -> None:
    store.put_outputs("4", real_stream)
    outputs = store.storage.verify_outputs(VIDEO, "4", input_seconds=SECONDS)
    assert isinstance(outputs, VerifiedOutputs)
    assert outputs.duration_seconds == pytest.approx(SECONDS, abs=0.5)
    assert [(rendition.width, rendition.height) for rendition in outputs.renditions] == [(128, 96)] * 2
    assert all(rendition.codecs for rendition in outputs.renditions)
    text = stable_playlist(Published(1, 4, outputs.duration_seconds, outputs.renditions, has_poster=True))
    assert read_master(text) == outputs.renditions


def test_the_clock_of_a_real_stream_is_read(store: Store, real_stream: dict[str, bytes]) -> None:
    store.put_outputs("4", real_stream)
    # ffmpeg begins every transport stream at 1.4 seconds, less what the first frames are decoded ahead.
    timestamp = store.storage.first_timestamp(VIDEO, "4/hls/variant_0/index.m3u8")
    assert timestamp is not None
    assert 1.3 <= timestamp / 90_000 <= 1.6


def test_a_stream_without_a_clock_has_no_first_timestamp(store: Store) -> None:
    media = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nseg.ts\n#EXT-X-ENDLIST\n"
    for playlist in (media, "no playlist", media.replace("seg.ts", "../seg.ts")):
        store.put_outputs("4", {"hls/index.m3u8": playlist.encode(), "hls/seg.ts": b"not a stream"})
        assert store.storage.first_timestamp(VIDEO, "4/hls/index.m3u8") is None


def test_anyone_with_the_playback_url_can_play_to_the_end(
    store: Store, settings: StorageSettings, real_stream: dict[str, bytes]
) -> None:
    store.put_outputs("4", real_stream)
    outputs = store.storage.verify_outputs(VIDEO, "4", input_seconds=SECONDS)
    assert isinstance(outputs, VerifiedOutputs)
    published = Published(1, 4, outputs.duration_seconds, outputs.renditions, has_poster=True)
    store.storage.write_playlist(VIDEO, stable_playlist(published), is_private=False)
    played = played_from(playback_url(settings.public_base_url, VIDEO))
    assert len(played) == sum(path.endswith(".ts") for path in real_stream)
    assert all(played)


def played_from(master_url: str) -> list[bytes]:
    """Return all segments, found and fetched as a player does."""
    segments: list[bytes] = []
    for variant in read_master(fetched(master_url).decode()):
        url = urljoin(master_url, variant.uri)
        segments += [fetched(urljoin(url, uri)) for uri in read_media(fetched(url).decode()).uris]
    return segments


def fetched(url: str) -> bytes:
    answer = requests.get(url, timeout=10)
    answer.raise_for_status()
    return answer.content


def test_a_stream_that_ends_too_early_is_refused(store: Store, real_stream: dict[str, bytes]) -> None:
    store.put_outputs("4", real_stream)
    problem = store.storage.verify_outputs(VIDEO, "4", input_seconds=2 * SECONDS)
    assert isinstance(problem, OutputsProblem)
    assert "instead of 10.0 s" in problem.message
