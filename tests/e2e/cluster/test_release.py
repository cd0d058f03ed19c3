"""The service in pods: upgraded, used, given new credentials, killed and removed, in this order."""

import json
import re
import secrets
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from devstack.demo import clip
from devstack.demo.player import Expected, Player
from devstack.node.configuration import PAUSE_IMAGE
from devstack.paths import PROJECT_DIR
from devstack.server import PartFailedError
from tests.e2e.cluster.batch import Batch, small_clip
from tests.e2e.cluster.helm import CURRENT, PREVIOUS, AnyNode
from tests.e2e.cluster.inventory import everything
from tests.e2e.cluster.release import API, NAME, OPERATOR, SECRET, HelmRelease, Installed, PodWatch, tag_of
from tests.e2e.cluster.traffic import Stream, Traffic, kept_connection, new_connections
from tests.e2e.cluster.upstreams import Upstreams
from tests.support.eventually import eventually
from videoupload import Uploader, UploadOptions, UploadStateStore

pytestmark = pytest.mark.usefixtures("names")

OK, CREATED = frozenset({200}), frozenset({201})
# The kubelet looks at a pod's Secrets every 60 to 90 seconds, both processes at their files every 5; then they start.
ROTATED_SECONDS_MAX = 120


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> clip.Clip:
    """A short real video."""
    return clip.made(tmp_path_factory.mktemp("clip"))


def uploaded(release: HelmRelease, file: Path, state: Path, *, user: str) -> str:
    """Upload a file as an app would, and return the video's id."""
    return Uploader(release.client(user), UploadStateStore(state)).upload(file, UploadOptions(title=user))


def is_video_ready(release: HelmRelease, video_id: str, *, user: str) -> bool:
    video = release.client(user).video(video_id)
    assert video.status != "errored", video.error
    return video.status == "ready"


def requests_to(release: HelmRelease, video_id: str) -> dict[str, Stream]:
    """Return the requests of clients, through new and persistent connections."""
    url = f"{release.api_url}/api/v1/videos"
    bearer = release.bearer("stream")
    video = {"title": "never sent", "filename": "a.mp4", "content_type": "video/mp4", "size_bytes": 1000}
    return {
        "GET list": Stream(new_connections("GET", url, bearer), OK),
        "GET list, kept connection": Stream(kept_connection("GET", url, bearer), OK),
        "GET video": Stream(new_connections("GET", f"{url}/{video_id}", bearer), OK),
        "POST": Stream(new_connections("POST", url, bearer, json=video), CREATED, pace_seconds=0.5),
    }


def test_a_pod_that_is_not_restricted_is_refused_where_the_release_runs(release: HelmRelease) -> None:
    with pytest.raises(PartFailedError, match=r'violates PodSecurity "restricted:latest"'):
        release.kubectl("run", "careless", f"--image={PAUSE_IMAGE}")
    assert {tag_of(pod) for pod in release.pods()} == {PREVIOUS}


def test_an_upgrade_during_twenty_uploads_loses_none_of_them_and_fails_no_request(
    release: HelmRelease, upstreams: Upstreams, state: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    client, small = release.client("twenty"), small_clip(tmp_path)
    video_id = uploaded(release, small, state / "stream", user="stream")
    eventually(lambda: is_video_ready(release, video_id, user="stream"), within_seconds=120)
    leader, bought = release.lease()["holderIdentity"], upstreams.jobs()
    # Long enough that the jobs from before the upgrade still run when the new pods serve.
    upstreams.slow_down(60)
    at_the_change: Counter[str] = Counter()

    def statuses() -> Counter[str]:
        return Counter(video.status for video in client.page().videos)

    with Batch(client, small, state, at_once=10, held=10) as batch:
        batch.wait_until_half()
        eventually(lambda: statuses() == {"uploading": 10, "processing": 10}, within_seconds=60)
        upstreams.slow_down(0)

        def go_on() -> None:
            at_the_change.update(statuses())
            batch.gate.set()

        with Traffic(requests_to(release, video_id)) as traffic, PodWatch(release, go_on):
            release.upgrade(PROJECT_DIR, tag=CURRENT)
            eventually(lambda: {tag_of(pod) for pod in release.pods()} == {CURRENT}, within_seconds=60)
        videos = batch.video_ids()

    with capsys.disabled():
        print(f"upgraded: {traffic.answered.total()} requests answered meanwhile, {len(traffic.failed)} failed")
    # On a slow machine some of the others may be ready by now.
    assert at_the_change["uploading"] == 10
    assert at_the_change["processing"]
    assert traffic.failed == []
    assert min(traffic.answered[name] for name in requests_to(release, video_id)) >= 10, traffic.answered
    eventually(lambda: all(is_video_ready(release, one, user="twenty") for one in videos), within_seconds=180)
    assert len(videos) == 20
    assert upstreams.jobs() - bought == Counter(videos)
    eventually(lambda: leads(release, "operator") and release.lease()["holderIdentity"] != leader)


def leads(release: HelmRelease, component: str) -> bool:
    """Return whether one of the current pods holds the Lease."""
    pods = tuple(pod["metadata"]["name"] for pod in release.pods(component))
    return str(release.lease().get("holderIdentity")).startswith(pods)


def test_helms_own_test_is_green(release: HelmRelease) -> None:
    assert "Succeeded" in release.run("test", NAME)


def test_a_real_video_is_uploaded_through_the_service_and_plays(
    release: HelmRelease, made: clip.Clip, state: Path
) -> None:
    video_id = uploaded(release, made.path, state, user="ann")
    eventually(lambda: is_video_ready(release, video_id, user="ann"), within_seconds=240)
    played = Player().play(
        str(release.client("ann").video(video_id).playback_url),
        Expected(made.renditions, made.duration_seconds, made.has_sound),
        lambda _rendition: None,
    )
    assert len(played) == made.renditions


def restarts(release: HelmRelease) -> list[tuple[int, int | None]]:
    """Return each operator's restart count and last exit code."""
    states = [pod["status"]["containerStatuses"][0] for pod in release.pods("operator")]
    return [(one["restartCount"], one["lastState"].get("terminated", {}).get("exitCode")) for one in states]


def test_rotated_credentials_are_in_use_within_two_minutes_and_fail_no_request(
    release: HelmRelease, capsys: pytest.CaptureFixture[str]
) -> None:
    url, old, new = f"{release.api_url}/api/v1/videos", release.jwt_key, secrets.token_hex(32)
    changed = {"JWT_SIGNING_KEY": new, "WEBHOOK_SIGNING_KEYS": f"{secrets.token_hex(32)},{release.callback_keys}"}
    answered = frozenset({200, 401})
    streams = {
        f"GET list, {which} key": Stream(new_connections("GET", url, release.bearer("stream", key=key)), answered)
        for which, key in (("old", old), ("new", new))
    }
    streams["GET kept"] = Stream(kept_connection("GET", f"{release.api_url}/openapi.json", {}), OK)
    addresses = [pod["status"]["podIP"] for pod in release.pods("api")]

    def accepted(key: str) -> set[int]:
        header = release.bearer("ann", key=key)
        calls = [new_connections("GET", f"http://{one}:8000/api/v1/videos", header) for one in addresses]
        return {call().status_code for call in calls}

    def is_in_use() -> bool:
        # Repeated, because for some seconds a replica has two workers, and each connection reaches one of them.
        return all(accepted(new) == {200} and accepted(old) == {401} for _ in range(10))

    assert (accepted(old), accepted(new)) == ({200}, {401})
    with Traffic(streams) as traffic:
        release.kubectl("patch", "secret", SECRET, f"--patch={json.dumps({'stringData': changed})}")
        began = time.monotonic()
        eventually(is_in_use, within_seconds=ROTATED_SECONDS_MAX, every_seconds=0.5)
        api_seconds = time.monotonic() - began
        left = ROTATED_SECONDS_MAX - api_seconds
        eventually(lambda: restarts(release) == [(1, 0), (1, 0)], within_seconds=left, every_seconds=0.5)
        operator_seconds = time.monotonic() - began
    with capsys.disabled():
        print(f"rotated: in use by the API after {api_seconds:.0f} s, by the operators after {operator_seconds:.0f} s")
    release.jwt_key = new
    assert traffic.failed == []
    assert all(traffic.answered[name] > 10 for name in streams), traffic.answered
    eventually(lambda: leads(release, "operator"))


def names_of(pods: list[dict[str, Any]]) -> set[str]:
    return {str(pod["metadata"]["name"]) for pod in pods}


def test_a_drained_node_keeps_a_serving_pod_of_each_kind_until_there_is_room_elsewhere(
    release: HelmRelease, node: AnyNode, made: clip.Clip, state: Path
) -> None:
    bearer, video_id = release.bearer("stream"), uploaded(release, made.path, state / "before", user="eve")
    url, before = f"{release.api_url}/api/v1/videos", names_of(release.pods())
    (name,) = names_of(json.loads(node.servers.kubectl("get", "nodes", "--output=json"))["items"])
    drain = [
        "drain", name, f"--pod-selector=app.kubernetes.io/instance={NAME}",
        "--delete-emptydir-data", "--timeout=240s",
    ]  # fmt: skip

    def waiting() -> set[str]:
        pods = [pod for pod in release.pods() if "nodeName" not in pod["spec"]]
        return {str(pod["metadata"]["labels"]["app.kubernetes.io/component"]) for pod in pods}

    with ThreadPoolExecutor(1) as pool, Traffic({"GET": Stream(new_connections("GET", url, bearer), OK)}) as traffic:
        try:
            draining = pool.submit(node.servers.kubectl, *drain, timeout_seconds=300)
            # The budgets let one pod of each kind go; what replaces it finds no node.
            eventually(lambda: waiting() == {"api", "operator"}, within_seconds=120)
            eventually(lambda: is_video_ready(release, video_id, user="eve"), within_seconds=240)
            assert not draining.done()
        finally:
            # Room for the pods that wait, as another node would be.
            node.servers.kubectl("uncordon", name)
        draining.result()
        eventually(lambda: not before & names_of(release.pods()), within_seconds=120)
        for deployment in (API, OPERATOR):
            release.kubectl("rollout", "status", f"deployment/{deployment}", "--timeout=120s")
    assert traffic.failed == []
    assert traffic.answered["GET"] > 10
    eventually(lambda: leads(release, "operator"), within_seconds=60)


def test_an_upload_survives_when_all_pods_are_killed(release: HelmRelease, made: clip.Clip, state: Path) -> None:
    video_id = uploaded(release, made.path, state, user="bob")
    release.kubectl("delete", "pods", f"--selector=app.kubernetes.io/instance={NAME}", "--grace-period=0", "--force")
    for name in (API, OPERATOR):
        release.kubectl("rollout", "status", f"deployment/{name}", "--timeout=120s")
    eventually(lambda: is_video_ready(release, video_id, user="bob"), within_seconds=240)


def test_uninstalling_leaves_what_the_notes_list_and_how_to_remove_it(
    installed: Installed, release: HelmRelease, node: AnyNode
) -> None:
    uploads = {f"videoupload.video.uploads.dev/{one['metadata']['name']}" for one in release.get("videouploads")}
    notes = release.run("get", "notes", NAME)
    assert uploads

    def is_left(expected: set[str]) -> bool:
        assert everything(node, release.namespace) - installed.found_before == expected
        return True

    release.uninstall()
    kept = {
        "customresourcedefinition.apiextensions.k8s.io/videouploads.video.uploads.dev",
        "customresourcedefinition.apiextensions.k8s.io/transcodeprofiles.video.uploads.dev",
        # The API server creates it for the kinds and deletes it with them.
        "apiservice.apiregistration.k8s.io/v1alpha1.video.uploads.dev",
        f"lease.coordination.k8s.io/{OPERATOR}",
    }
    # Kubernetes' controllers delete owned objects a little later.
    eventually(lambda: is_left(uploads | kept), within_seconds=60, every_seconds=1)

    commands = re.findall(r"^ +kubectl (.*\bdelete .*)$", notes, re.MULTILINE)
    assert commands, notes
    for command in commands:
        node.servers.kubectl(*command.split())
    eventually(lambda: is_left(set()), within_seconds=60, every_seconds=1)
