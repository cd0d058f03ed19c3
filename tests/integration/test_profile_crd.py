"""The kind TranscodeProfile on a real API server: what it refuses, and the operator's copy and status."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from controller.loop.profiles import ProfileMirror
from controller.loop.queue import WorkQueue
from crds.client import Cluster
from crds.profile_resources import ProfileResources
from crds.profiles import DeclaredProfileBody, ProfileSpecBody
from crds.spec import API_VERSION
from database.pool import Database
from database.profiles import Profiles
from database.rollouts import Rollouts
from devstack.cluster import ClusterAdmin
from devstack.paths import PROJECT_DIR
from domain.errors import RefusedError
from domain.profiles import ORIGINAL, ORIGINAL_HASH, ProfileRendition, ProfileSpec, ordered
from domain.rollouts import RolloutApproval, RolloutSpec
from domain.spending import Prices, SpendingLimits

EXAMPLE = PROJECT_DIR / "docs" / "examples" / "transcode-profile.yaml"
RENDITIONS: list[dict[str, Any]] = [
    {"height": 360, "maxRateKbps": 800},
    {"height": 720, "maxRateKbps": 2000, "codec": "h264"},
]
MANY = [{"height": 144 + 2 * number, "maxRateKbps": 800} for number in range(7)]


class Tried:
    """Profiles that are asked for without being stored."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._path = f"/apis/{API_VERSION}/namespaces/{cluster.namespace}/transcodeprofiles"

    def create(self, spec: dict[str, Any], *, name: str = "tried") -> dict[str, Any]:
        body = {"apiVersion": API_VERSION, "kind": "TranscodeProfile", "metadata": {"name": name}, "spec": spec}
        query = {"dryRun": "All", "fieldValidation": "Strict"}
        return self._cluster.request("POST", self._path, query=query, body=body)


@pytest.fixture(scope="module")
def tried(api_server: ClusterAdmin) -> Tried:
    return Tried(Cluster.from_environment(namespace=api_server.namespace, kubeconfig=api_server.admin_kubeconfig))


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({}, id="renditions-alone"),
        pytest.param(
            {"renditions": [{"height": 360, "maxRateKbps": 800, "codec": "hevc"}], "segments": "fmp4"}, id="hevc"
        ),
        pytest.param({"audio": {"mode": "none"}}, id="without-sound"),
        pytest.param({"audio": {"rateKbps": 96}}, id="with-a-rate-of-sound"),
        pytest.param(
            {"mp4Heights": [360, 720], "storyboard": {}, "posterSeconds": 3}, id="everything-beside-the-stream"
        ),
    ],
)
def test_a_valid_profile_is_taken(tried: Tried, more: dict[str, Any]) -> None:
    created = tried.create({"renditions": RENDITIONS, **more})
    assert ProfileSpecBody.model_validate(created["spec"]).value.renditions
    assert created["status"] == {"observedGeneration": -1}


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        pytest.param({"renditions": []}, "spec.renditions", id="no-rendition"),
        pytest.param({"renditions": MANY}, "spec.renditions", id="too-many"),
        pytest.param({"renditions": RENDITIONS[::-1]}, "begin with the smallest", id="largest-first"),
        pytest.param({"renditions": [RENDITIONS[0]] * 2}, "spec.renditions[1]", id="one-height-twice"),
        pytest.param({"renditions": [{"height": 361, "maxRateKbps": 800}]}, "height", id="odd"),
        pytest.param({"renditions": [{"height": 142, "maxRateKbps": 800}]}, "height", id="too-small"),
        pytest.param({"renditions": [{"height": 2162, "maxRateKbps": 800}]}, "height", id="too-large"),
        pytest.param({"renditions": [{"height": 360, "maxRateKbps": 49}]}, "maxRateKbps", id="rate-too-low"),
        pytest.param({"renditions": [{"height": 360, "maxRateKbps": 100_001}]}, "maxRateKbps", id="rate-too-high"),
        pytest.param({"renditions": [{"height": 360}]}, "maxRateKbps", id="no-rate"),
        pytest.param({"renditions": [{**RENDITIONS[0], "codec": "vp9"}]}, "codec", id="another-codec"),
        pytest.param({"renditions": [{**RENDITIONS[0], "codec": "hevc"}]}, "fmp4 segments only", id="hevc-in-ts"),
        pytest.param({"quality": 6}, "quality", id="quality"),
        pytest.param({"segments": "webm"}, "segments", id="segments"),
        pytest.param({"audio": {"mode": "none", "rateKbps": 64}}, "without sound", id="a-rate-of-no-sound"),
        pytest.param({"audio": {"rateKbps": 31}}, "rateKbps", id="sound-too-low"),
        pytest.param({"storyboard": {"intervalSeconds": 0}}, "intervalSeconds", id="interval"),
        pytest.param({"storyboard": {"width": 641}}, "width", id="storyboard-too-wide"),
        pytest.param({"posterSeconds": -1}, "posterSeconds", id="poster-before-the-start"),
        pytest.param({"mp4Heights": [480]}, "has the height of a rendition", id="mp4-without-a-rendition"),
        pytest.param({"mp4Heights": [360, 360]}, "mp4Heights", id="mp4-twice"),
        pytest.param(
            {"renditions": MANY[:6], "mp4Heights": [144, 146]}, "at most 30 outputs", id="more-outputs-than-a-job-has"
        ),
        pytest.param({"colour": "red"}, "colour", id="unknown-field"),
        pytest.param({"rollout": {"generation": -1}}, "generation", id="rollout-generation-below"),
        pytest.param({"rollout": {"generation": 1_000_001}}, "generation", id="rollout-generation-above"),
        pytest.param({"rollout": {"approve": "yes"}}, "approve", id="rollout-approval"),
        pytest.param({"rollout": {"pause": "yes"}}, "pause", id="rollout-pause"),
        pytest.param({"rollout": {"maxRunning": 0}}, "maxRunning", id="rollout-none-running"),
        pytest.param({"rollout": {"maxRunning": 1_001}}, "maxRunning", id="rollout-too-many-running"),
        pytest.param({"rollout": {"jobsPerHour": 0}}, "jobsPerHour", id="rollout-none-an-hour"),
        pytest.param({"rollout": {"jobsPerHour": 10_001}}, "jobsPerHour", id="rollout-too-many-an-hour"),
        pytest.param({"rollout": {"dollarsPerDay": 0}}, "dollarsPerDay", id="rollout-no-dollars"),
        pytest.param({"rollout": {"dollarsPerDay": 1_000_001}}, "dollarsPerDay", id="rollout-too-many-dollars"),
        pytest.param({"rollout": {"order": "views"}}, "order", id="rollout-order"),
        pytest.param({"rollout": {"maxFailureRate": 101}}, "maxFailureRate", id="rollout-failure-rate"),
        pytest.param({"rollout": {"speed": 1}}, "speed", id="rollout-unknown-field"),
    ],
)
def test_an_invalid_profile_is_refused_and_named(tried: Tried, change: dict[str, Any], refusal: str) -> None:
    with pytest.raises(RefusedError) as refused:
        tried.create({"renditions": RENDITIONS, **change})
    assert refusal in str(refused.value)


def _beyond(about: dict[str, Any]) -> Iterator[Any]:
    """Yield values that a field of `rollout` must not take: beyond both bounds, and of other types."""
    match about["type"]:
        case "integer":
            yield from (about["minimum"] - 1, about["maximum"] + 1, about["minimum"] + 0.5, str(about["minimum"]), True)
        case "string":
            yield from ("", about["enum"][0].upper(), f"{about['enum'][0]} ", 1)
        case "boolean":
            yield from ("true", 1)
        case other:
            raise AssertionError(f"no value is known that is beyond {other}")
    yield from ([], {})


ROLLOUT: dict[str, Any] = yaml.safe_load((PROJECT_DIR / "crds" / "transcodeprofiles.yaml").read_text())["spec"][
    "versions"
][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["rollout"]["properties"]


@pytest.mark.parametrize(("field", "value"), [(name, value) for name, one in ROLLOUT.items() for value in _beyond(one)])
def test_every_field_of_a_rollout_is_bounded_at_admission(tried: Tried, field: str, value: Any) -> None:
    with pytest.raises(RefusedError, match=rf"spec\.rollout\.{field}"):
        tried.create({"renditions": RENDITIONS, "rollout": {field: value}})


@pytest.mark.parametrize("bound", ["minimum", "maximum"])
def test_the_bounds_of_a_rollout_themselves_are_taken(tried: Tried, bound: str) -> None:
    rollout = {name: about[bound] for name, about in ROLLOUT.items() if bound in about}
    created = tried.create({"renditions": RENDITIONS, "rollout": rollout})
    body = DeclaredProfileBody.model_validate(created["spec"]).rollout
    assert body is not None
    assert len(rollout) == sum(about["type"] == "integer" for about in ROLLOUT.values())


@pytest.mark.parametrize("name", ["a.b", "x" * 64])
def test_a_name_is_what_a_video_can_say(tried: Tried, name: str) -> None:
    with pytest.raises(RefusedError, match=r"metadata\.name"):
        tried.create({"renditions": RENDITIONS}, name=name)


def test_a_rollout_waits_for_a_person_unless_it_says_otherwise(tried: Tried) -> None:
    created = tried.create({"renditions": RENDITIONS, "rollout": {}})
    body = DeclaredProfileBody.model_validate(created["spec"]).rollout
    assert body is not None
    assert body.value == RolloutSpec()
    assert body.value.approve is RolloutApproval.MANUAL


def test_the_example_is_the_original_specification(tried: Tried) -> None:
    created = tried.create(yaml.safe_load(EXAMPLE.read_text())["spec"])
    assert ProfileSpecBody.model_validate(created["spec"]).value == ORIGINAL


@pytest.fixture
def applied(api_server: ClusterAdmin, tmp_path: Path) -> Iterator[ClusterAdmin]:
    """An API server with one profile."""
    manifest = yaml.safe_load(EXAMPLE.read_text())
    manifest["metadata"]["name"] = "small"
    manifest["spec"]["renditions"] = RENDITIONS[:1]
    file = tmp_path / "profile.yaml"
    file.write_text(yaml.safe_dump(manifest))
    api_server.kubectl("apply", f"--filename={file}")
    yield api_server
    api_server.kubectl("delete", "tp", "--all", "--wait=true")


def test_the_operator_takes_a_profile_over_and_kubectl_can_wait_for_that(
    applied: ClusterAdmin, operator_kubeconfig: Path, database: Database
) -> None:
    cluster = Cluster.from_environment(namespace=applied.namespace, kubeconfig=operator_kubeconfig)
    profiles, queue = Profiles(database), WorkQueue(lambda: 0.0)
    mirror = ProfileMirror(
        ProfileResources(cluster),
        profiles,
        Rollouts(database),
        queue,
        clock=lambda: datetime.now(UTC),
        prices=Prices(hd=0.015, sd=0.0075, uhd=0.03),
        limits=SpendingLimits(),
    )
    assert (mirror.mirror(), mirror.mirror()) == (1, 0)
    small = ProfileSpec((ProfileRendition(360, 800),))
    assert profiles.get("small") == ordered("small", small)
    applied.kubectl("wait", "--for=condition=Ready", "tp/small", "--timeout=5s")
    columns = applied.kubectl("get", "tp", "small", "--no-headers").split()
    assert columns[:3] == ["small", "True", small.hash]
    assert small.hash != ORIGINAL_HASH

    applied.kubectl("delete", "tp", "small", "--wait=true")
    mirror.mirror()
    assert (profiles.is_offered("small"), profiles.get("small")) == (False, ordered("small", small))
