"""The whole service in pods: installed, used, upgraded, with pods that die, and removed. In the order of the file."""

from pathlib import Path

import pytest

from devstack.demo import clip
from devstack.demo.player import Expected, Player
from tests.cluster.release import NAME, Release
from tests.eventually import eventually
from videoupload import Memory, Uploader, Wanted

pytestmark = pytest.mark.usefixtures("names")


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> clip.Clip:
    """A short real video."""
    return clip.made(tmp_path_factory.mktemp("clip"))


def uploaded(release: Release, file: Path, state: Path, *, user: str) -> str:
    """Send a file as an app would; returns the video's id."""
    return Uploader(release.client(user), Memory(state)).upload(file, Wanted(title=user))


def is_ready(release: Release, video_id: str, *, user: str) -> bool:
    video = release.client(user).video(video_id)
    assert video.status != "errored", video.error
    return video.status == "ready"


def test_helms_own_test_is_green(release: Release) -> None:
    assert "Succeeded" in release.helm("test", NAME)


def test_a_real_video_is_uploaded_through_the_service_and_plays(
    release: Release, made: clip.Clip, tmp_path: Path
) -> None:
    video_id = uploaded(release, made.path, tmp_path, user="ann")
    eventually(lambda: is_ready(release, video_id, user="ann"), within_seconds=240)
    played = Player().play(
        str(release.client("ann").video(video_id).playback_url),
        Expected(made.renditions, made.duration_seconds, made.has_sound),
        lambda _rendition: None,
    )
    assert len(played) == made.renditions


def test_every_pod_of_ours_may_be_killed(release: Release, made: clip.Clip, tmp_path: Path) -> None:
    video_id = uploaded(release, made.path, tmp_path, user="bob")
    release.kubectl("delete", "pods", "--selector=app.kubernetes.io/instance=demo", "--grace-period=0", "--force")
    for name in ("demo-api", "demo-operator"):
        release.kubectl("rollout", "status", f"deployment/{name}", "--timeout=120s")
    eventually(lambda: is_ready(release, video_id, user="bob"), within_seconds=240)


def test_uninstalling_leaves_the_kind_and_the_uploads(release: Release) -> None:
    uploads = {found["metadata"]["name"] for found in release.get("videouploads")}
    assert uploads
    release.helm("uninstall", NAME, "--wait")
    assert {found["metadata"]["name"] for found in release.get("videouploads")} == uploads
    assert release.get("deployments") == release.get("roles") == release.get("poddisruptionbudgets") == []
