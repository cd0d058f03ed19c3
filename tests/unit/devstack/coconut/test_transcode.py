"""What is uploaded after an encoding, and in which order."""

from pathlib import Path

from devstack.coconut.facts import AudioFacts, Facts, VideoFacts
from devstack.coconut.request import parse_request
from devstack.coconut.transcode import collect
from tests.unit.devstack.coconut.jobs import a_job

FACTS = Facts("mp4", 4.0, 1000, VideoFacts(0, "h264", 1280, 720, (1280, 720), 30.0), AudioFacts(1, "aac", 44100, 2))
MEDIA = "#EXTM3U\n#EXTINF:2.500000,\na.ts\n#EXTINF:1.500000,\nb.ts\n#EXT-X-ENDLIST\n"


def test_a_playlist_is_written_after_what_it_names(tmp_path: Path) -> None:
    for name in ("640x360_00000.ts", "1280x720_00000.ts", "640x360.m3u8", "1280x720.m3u8", "master.m3u8"):
        (tmp_path / name).write_text(MEDIA)
    _, stream, _ = parse_request(a_job()).outputs
    made = collect(stream, FACTS, tmp_path)
    assert [file.path for file in made.files] == [
        "o/hls/1280x720_00000.ts",
        "o/hls/640x360_00000.ts",
        "o/hls/1280x720.m3u8",
        "o/hls/640x360.m3u8",
        "o/hls/master.m3u8",
    ]
    assert made.entries == ("o/hls/master.m3u8",)
    assert '"duration": "4.000000"' in str(made.metadata).replace("'", '"')


def test_images_are_numbered_in_their_order(tmp_path: Path) -> None:
    for name in ("00002.jpg", "00001.jpg"):
        (tmp_path / name).write_bytes(b"jpg")
    thumbs, _, _ = parse_request(a_job()).outputs
    made = collect(thumbs, FACTS, tmp_path)
    assert [(file.local.name, file.path) for file in made.files] == [
        ("00001.jpg", "/o/thumb_01.jpg"),
        ("00002.jpg", "/o/thumb_02.jpg"),
    ]
    assert made.entries == ("/o/thumb_01.jpg", "/o/thumb_02.jpg")
