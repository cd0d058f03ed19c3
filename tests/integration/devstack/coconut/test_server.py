"""The Coconut stand-in really transcodes: its streams play."""

from pathlib import Path
from typing import Any

import m3u8  # type: ignore[import-untyped]
import pytest

from devstack.s3 import S3Access, client_for
from tests.integration.devstack.coconut.server import CallbackReceiver, Json, StandInClient, a_job, listing, put
from tests.support.clips import a_clip, ffmpeg
from tests.support.eventually import eventually

WIDE = "{{ input.width }} >= 1080 AND {{ input.height }} >= 1080"
LADDER = [
    "mp4:0x360::quality=4,maxrate=1000k",
    "mp4:0x480::quality=4,maxrate=1500k",
    "mp4:0x720::quality=4,maxrate=2000k",
    "mp4:0x1080::quality=4,maxrate=4000k",
]


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return a_clip(tmp_path / "clip.mp4")


def hook(webhook: CallbackReceiver) -> str:
    return f"{webhook.url}?video=v1&attempt=1&sig=0abc"


def statuses(job: Json) -> dict[str, str]:
    return {output["key"]: output["status"] for output in job["outputs"]}


def download(s3: S3Access, folder: Path) -> None:
    """Copy everything below processed/ into a folder, as a player would fetch it."""
    for key in listing(s3):
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        client_for(s3).download_file(s3.processed_bucket, key, str(path))


def test_a_video_becomes_a_stream_of_four_renditions_and_thumbnails(
    client: StandInClient, webhook: CallbackReceiver, s3: S3Access, tmp_path: Path
) -> None:
    url = put(s3, a_clip(tmp_path / "full.mp4", size="1920x1080", seconds=4))
    outputs = {
        "jpg:640x": {"key": "thumbs", "path": "v1/1/thumb_%.2d.jpg", "number": 3},
        "httpstream": [
            {"key": "hd", "if": WIDE, "hls": {"path": "v1/1/hls"}, "variants": LADDER},
            {"key": "sd", "if": f"NOT ({WIDE})", "hls": {"path": "v1/1/hls"}, "variants": LADDER[:1]},
        ],
    }
    job = client.ended(client.submit(a_job(s3, url, hook(webhook), **outputs)))
    assert job["status"] == "job.completed"
    assert job["progress"] == "100%"
    assert statuses(job) == {"thumbs": "image.created", "hd": "httpstream.packaged", "sd": "httpstream.skipped"}

    download(s3, tmp_path)
    folder = tmp_path / "processed/v1/1/hls"
    master = m3u8.load(str(folder / "master.m3u8"))
    assert [variant.stream_info.resolution for variant in master.playlists] == [
        (640, 360),
        (854, 480),
        (1280, 720),
        (1920, 1080),
    ]
    for variant in master.playlists:
        assert variant.stream_info.bandwidth > 0
        assert variant.stream_info.codecs.startswith("avc1.")
        media = m3u8.load(str(folder / variant.uri))
        assert media.is_endlist
        assert media.playlist_type == "vod"
        assert sum(segment.duration for segment in media.segments) == pytest.approx(4, abs=0.2)
        assert all((folder / segment.uri).stat().st_size > 0 for segment in media.segments)
        ffmpeg("-xerror", "-t", "2", "-i", variant.uri, "-f", "null", "-", folder=folder)
    eventually(lambda: "job.completed" in webhook.events())
    assert webhook.events() == ["input.transferred", "output.completed", "output.completed", "job.completed"]


def test_objects_have_their_content_types_and_the_urls_lead_to_them(
    client: StandInClient, webhook: CallbackReceiver, s3: S3Access, clip: Path
) -> None:
    outputs: dict[str, Any] = {
        "jpg": {"key": "poster", "path": "v1/1/poster.jpg"},
        "httpstream": {"key": "hls", "hls": {"path": "/v1/1/hls/"}, "variants": ["mp4"]},
    }
    job = client.ended(client.submit(a_job(s3, put(s3, clip), hook(webhook), **outputs)))
    assert job["status"] == "job.completed"
    poster, stream = job["outputs"]
    prefix = f"{s3.endpoint}/{s3.processed_bucket}/processed/v1/1"
    assert poster["urls"] == [f"{prefix}/poster.jpg"]
    assert stream["urls"] == [{"format": "hls", "url": f"{prefix}/hls/master.m3u8"}]
    head = client_for(s3).head_object
    types = {key.partition(".")[2]: head(Bucket=s3.processed_bucket, Key=key)["ContentType"] for key in listing(s3)}
    assert types == {
        "jpg": "image/jpeg",
        "m3u8": "application/vnd.apple.mpegurl",
        "ts": "video/mp2t",
    }


@pytest.mark.parametrize(
    ("options", "size"),
    [
        pytest.param({"size": "640x360", "sound": False}, (640, 360), id="without-sound"),
        pytest.param({"size": "361x641", "options": ["-pix_fmt", "yuv444p"]}, (360, 640), id="odd-and-portrait"),
        pytest.param({"size": "16x16"}, (16, 16), id="tiny"),
        pytest.param({"size": "320x180", "seconds": 0.04, "sound": False}, (320, 180), id="one-frame"),
        pytest.param({"name": "clip.mkv", "size": "320x180"}, (320, 180), id="matroska"),
        pytest.param({"size": "320x180", "turned": True}, (180, 320), id="turned-by-the-phone"),
    ],
)
def test_unusual_videos_are_streamed_in_their_own_size(
    client: StandInClient, webhook: CallbackReceiver, s3: S3Access, tmp_path: Path, options: Json, size: tuple[int, int]
) -> None:
    path = a_clip(
        tmp_path / options.get("name", "clip.mp4"),
        *options.get("options", []),
        size=options["size"],
        seconds=options.get("seconds", 1),
        sound=options.get("sound", True),
    )
    if options.get("turned"):
        ffmpeg("-display_rotation", "90", "-i", path.name, "-c", "copy", "turned.mp4", folder=tmp_path)
        path = tmp_path / "turned.mp4"
    outputs: dict[str, Any] = {
        "httpstream": {"key": "hls", "hls": {"path": "v1/1/hls"}, "variants": ["mp4:::quality=4,maxrate=1000k"]},
        "jpg": {"key": "poster", "path": "v1/1/poster_%d.jpg", "number": 2},
    }
    job = client.ended(client.submit(a_job(s3, put(s3, path), hook(webhook), **outputs)))
    assert statuses(job) == {"hls": "httpstream.packaged", "poster": "image.created"}
    download(s3, tmp_path)
    master = m3u8.load(str(tmp_path / "processed/v1/1/hls/master.m3u8"))
    assert [variant.stream_info.resolution for variant in master.playlists] == [size]
    ffmpeg("-xerror", "-i", "master.m3u8", "-f", "null", "-", folder=tmp_path / "processed/v1/1/hls")


def test_a_recording_without_a_duration_is_measured(
    client: StandInClient, webhook: CallbackReceiver, s3: S3Access, tmp_path: Path
) -> None:
    # A browser's recorder writes a stream that is never closed.
    path = a_clip(tmp_path / "clip.webm", "-c:v", "libvpx", "-deadline", "realtime", "-live", "1", sound=False)
    job_id = client.submit(a_job(s3, put(s3, path), hook(webhook)))
    assert client.ended(job_id)["status"] == "job.completed"
    described = client.get(f"metadata/jobs/{job_id}/")["metadata"]["input"]
    assert float(described["format"]["duration"]) == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"this is not a video\n" * 100, id="text"),
        pytest.param(b"", id="empty"),
        pytest.param(b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nother.ts\n#EXT-X-ENDLIST\n", id="playlist"),
        pytest.param(b"ffconcat version 1.0\nfile other.ts\n", id="concat-script"),
        pytest.param(b"\x00\x00\x00\x18ftypmp42" + b"\x00" * 5000, id="mp4-without-content"),
    ],
)
def test_a_file_that_is_not_a_video_fails_as_input(
    client: StandInClient, webhook: CallbackReceiver, s3: S3Access, tmp_path: Path, content: bytes
) -> None:
    # A real video of this machine, which the input names and must not show.
    other = a_clip(tmp_path / "other.ts", "-c:v", "mpeg2video")
    path = tmp_path / "bad"
    path.write_bytes(content.replace(b"other.ts", str(other).encode()))
    job = client.ended(client.submit(a_job(s3, put(s3, path), hook(webhook))))
    assert job["status"] == "job.failed"
    assert job["input"]["status"] == "input.failed"
    assert "error" in job["input"]
    assert statuses(job) == {"hls": "httpstream.aborted"}
    assert eventually(webhook.events) == ["job.failed"]
    assert listing(s3) == {}


def test_a_missing_input_fails_without_its_url_in_the_error(
    client: StandInClient, webhook: CallbackReceiver, s3: S3Access, clip: Path
) -> None:
    url = put(s3, clip).replace("original", "nothing")
    job = client.ended(client.submit(a_job(s3, url, hook(webhook))))
    assert job["input"] == {"status": "input.failed", "error": "The input file couldn't be downloaded: HTTP 403."}


def test_one_failed_output_fails_the_job_and_leaves_the_others(
    client: StandInClient, webhook: CallbackReceiver, s3: S3Access, tmp_path: Path
) -> None:
    outputs: dict[str, Any] = {
        "jpg": {"key": "poster", "path": "v1/1/poster.jpg"},
        "httpstream": {"key": "hls", "hls": {"path": "v1/1/hls"}, "variants": ["mp4"]},
    }
    sound = tmp_path / "sound.m4a"
    ffmpeg("-f", "lavfi", "-i", "sine=frequency=440:duration=2", "-c:a", "aac", sound.name, folder=tmp_path)
    job = client.ended(client.submit(a_job(s3, put(s3, sound), hook(webhook), **outputs)))
    assert job["status"] == "job.failed"
    assert statuses(job) == {"poster": "image.failed", "hls": "httpstream.packaged"}
    assert job["outputs"][0]["error"] == "The input file has no video stream."
    assert "processed/v1/1/hls/master.m3u8" in listing(s3)
    eventually(lambda: "job.failed" in webhook.events())
    assert webhook.events() == ["input.transferred", "output.failed", "output.completed", "job.failed"]


def test_a_key_that_may_not_write_fails_the_output_and_is_not_shown(
    client: StandInClient, webhook: CallbackReceiver, s3: S3Access, clip: Path
) -> None:
    job = a_job(s3, put(s3, clip), hook(webhook))
    job["storage"]["credentials"]["secret_access_key"] = "wrong-and-secret"
    ended = client.ended(client.submit(job))
    assert statuses(ended) == {"hls": "httpstream.failed"}
    assert "SignatureDoesNotMatch" in ended["outputs"][0]["error"]
    assert "wrong-and-secret" not in str(ended)
