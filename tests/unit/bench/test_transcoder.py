"""The files that the stub of Coconut writes for a job of either side."""

from bench.transcoder import files_of


def test_our_job_gets_the_tree_of_its_first_stream_and_one_picture() -> None:
    outputs = {
        "jpg": {"key": "thumbnails", "path": "/processed/v/1-a/thumbnails/thumb_%.2d.jpg", "number": 3},
        "httpstream": [{"hls": {"path": "/processed/v/1-a/hls"}}, {"hls": {"path": "/elsewhere"}}],
    }

    assert list(files_of({"outputs": outputs})) == [
        "processed/v/1-a/thumbnails/thumb_01.jpg",
        "processed/v/1-a/hls/360p/segment_0.ts",
        "processed/v/1-a/hls/360p/index.m3u8",
        "processed/v/1-a/hls/master.m3u8",
    ]


def test_the_peers_job_gets_the_same_at_its_own_paths() -> None:
    outputs = {"jpg:640x": {"path": "/videos/7/thumbnail.jpg"}, "httpstream": {"hls": {"path": "/videos/7/hls"}}}

    assert list(files_of({"outputs": outputs})) == [
        "videos/7/thumbnail.jpg",
        "videos/7/hls/360p/segment_0.ts",
        "videos/7/hls/360p/index.m3u8",
        "videos/7/hls/master.m3u8",
    ]
