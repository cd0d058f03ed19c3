"""The demo's player on real streams: it accepts one that plays, and names the fault of each one that does not."""

import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from devstack.demo.errors import DemoError
from devstack.demo.player import Expected, PlayedRendition, Player
from tests.support.clips import ffmpeg

SECONDS = 4
TWO_WITH_SOUND = Expected(renditions=2, duration_seconds=SECONDS, has_sound=True)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def good_stream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two renditions of two segments each, made by ffmpeg."""
    folder = tmp_path_factory.mktemp("stream")
    ffmpeg(
        *["-f", "lavfi", "-i", f"testsrc2=size=320x180:rate=10:duration={SECONDS}"],
        *["-f", "lavfi", "-i", f"sine=duration={SECONDS}"],
        *["-filter_complex", "[0:v]split[a][b];[b]scale=160:90[c]"],
        *["-map", "[a]", "-map", "1:a", "-map", "[c]", "-map", "1:a"],
        *["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "20", "-c:a", "aac"],
        *["-f", "hls", "-hls_time", "2", "-hls_playlist_type", "vod", "-master_pl_name", "playlist.m3u8"],
        *["-var_stream_map", "v:0,a:0,name:large v:1,a:1,name:small"],
        *["-hls_segment_filename", "%v_%d.ts", "%v.m3u8"],
        folder=folder,
    )
    return folder


@pytest.fixture
def stream(good_stream: Path, tmp_path: Path) -> Path:
    """A copy that a test may break."""
    return Path(shutil.copytree(good_stream, tmp_path / "stream"))


@pytest.fixture
def playback_url(stream: Path) -> Iterator[str]:
    """Where the stream is served."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(stream)))
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    serving.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/playlist.m3u8"
    server.shutdown()
    serving.join()
    server.server_close()


def test_a_stream_that_plays_is_read_whole_and_decoded(playback_url: str) -> None:
    reported: list[PlayedRendition] = []
    played = Player().play(playback_url, TWO_WITH_SOUND, reported.append)
    assert list(played) == reported
    assert [(one.size, one.segments, one.pictures) for one in played] == [("320x180", 2, 20), ("160x90", 2, 20)]
    assert all(one.sounds > 50 and one.segment_bytes > 1000 for one in played)


def test_a_missing_rendition_is_noticed(playback_url: str) -> None:
    with pytest.raises(DemoError, match="lists 2 renditions instead of 4"):
        Player().play(playback_url, Expected(renditions=4, duration_seconds=SECONDS, has_sound=True), _ignore)


def test_a_playlist_without_an_end_is_noticed(playback_url: str, stream: Path) -> None:
    _replace(stream / "small.m3u8", "#EXT-X-ENDLIST", "")
    with pytest.raises(DemoError, match=r"small\.m3u8 has no ENDLIST"):
        Player().play(playback_url, TWO_WITH_SOUND, _ignore)


def test_a_missing_segment_is_noticed(playback_url: str, stream: Path) -> None:
    (stream / "large_1.ts").unlink()
    with pytest.raises(DemoError, match=r"large_1\.ts: HTTP 404"):
        Player().play(playback_url, TWO_WITH_SOUND, _ignore)


def test_an_empty_segment_is_noticed(playback_url: str, stream: Path) -> None:
    (stream / "small_1.ts").write_bytes(b"")
    with pytest.raises(DemoError, match=r"small_1\.ts: HTTP 200, 0 bytes"):
        Player().play(playback_url, TWO_WITH_SOUND, _ignore)


def test_a_stream_that_is_too_short_is_noticed(playback_url: str) -> None:
    with pytest.raises(DemoError, match=r"lasts 4\.0 s, the file 10\.0 s"):
        Player().play(playback_url, Expected(renditions=2, duration_seconds=10, has_sound=True), _ignore)


def test_a_segment_that_cannot_be_decoded_is_noticed(playback_url: str, stream: Path) -> None:
    (stream / "large_0.ts").write_bytes(bytes(188 * 100))
    with pytest.raises(DemoError, match="decoding"):
        Player().play(playback_url, TWO_WITH_SOUND, _ignore)


def test_a_rendition_of_another_size_than_announced_is_noticed(playback_url: str, stream: Path) -> None:
    _replace(stream / "playlist.m3u8", "320x180", "1920x1080")
    with pytest.raises(DemoError, match="announced as 1920x1080 and decodes to 320x180"):
        Player().play(playback_url, TWO_WITH_SOUND, _ignore)


def test_a_page_instead_of_a_playlist_is_noticed(playback_url: str, stream: Path) -> None:
    (stream / "playlist.m3u8").write_text("<html>Not here</html>")
    with pytest.raises(DemoError, match="is not a playlist"):
        Player().play(playback_url, TWO_WITH_SOUND, _ignore)


def test_a_thumbnail_that_is_no_jpeg_is_noticed(playback_url: str, stream: Path) -> None:
    (stream / "thumbnail.jpg").write_text("<html>Not here</html>")
    with pytest.raises(DemoError, match="is not a JPEG"):
        Player().picture_bytes(playback_url.replace("playlist.m3u8", "thumbnail.jpg"))


def _replace(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def _ignore(_: PlayedRendition) -> None:
    pass
