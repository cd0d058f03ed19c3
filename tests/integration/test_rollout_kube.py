"""A rollout as people run it: kubectl, an API server with the operator's rights, Postgres, and canned transcodes."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from controller.loop.profiles import ProfileMirror
from controller.loop.queue import WorkQueue
from crds.client import Cluster
from crds.profile_resources import ProfileResources
from crds.spec import API_VERSION
from database.pool import Database
from database.profiles import Profiles
from database.rollouts import Rollouts, Room
from devstack.cluster import ClusterAdmin
from domain.spending import Prices, SpendingLimits
from tests.integration.canned import CannedLibrary

PRICES = Prices(hd=0.02, sd=0.01, uhd=0.04)


class Scene:
    """One profile, its library, and the operator's two parts, run by hand."""

    def __init__(self, cluster: ClusterAdmin, kubeconfig: Path, database: Database, url: str, folder: Path) -> None:
        self._admin, self._folder = cluster, folder
        self.rollouts, self.canned = Rollouts(database), CannedLibrary(url)
        resources = ProfileResources(Cluster.from_environment(namespace=cluster.namespace, kubeconfig=kubeconfig))
        self._mirror = ProfileMirror(
            resources,
            Profiles(database),
            self.rollouts,
            WorkQueue(lambda: 0.0),
            clock=lambda: datetime.now(UTC),
            prices=PRICES,
            limits=SpendingLimits(),
            scale=0.0,
        )

    def apply(self, rate: int = 800, **rollout: object) -> None:
        """Apply the profile with a rollout, as GitOps would."""
        manifest = {
            "apiVersion": API_VERSION,
            "kind": "TranscodeProfile",
            "metadata": {"name": "modern"},
            "spec": {"renditions": [{"height": 720, "maxRateKbps": rate}], "rollout": rollout},
        }
        file = self._folder / "modern.yaml"
        file.write_text(yaml.safe_dump(manifest))
        self._admin.kubectl("apply", f"--filename={file}")

    def work(self, places: int = 100) -> int:
        """Let the operator do its rounds; return how many videos it started."""
        self._mirror.mirror()
        self.rollouts.settle()
        room = Room(places, None, 3600.0)
        started = sum(self.rollouts.advance(plan, room, datetime.now(UTC)) for plan in self.rollouts.open_plans())
        self._mirror.mirror()
        return started

    def get(self, path: str) -> str:
        """Return one field of the profile, as kubectl prints it."""
        return self._admin.kubectl("get", "tp", "modern", f"--output=jsonpath={{{path}}}")

    def annotate(self, annotation: str) -> None:
        self._admin.kubectl("annotate", "tp", "modern", "--overwrite", annotation)

    def wait(self, condition: str) -> None:
        self._admin.kubectl("wait", f"--for=condition={condition}", "tp/modern", "--timeout=5s")

    def row(self) -> list[str]:
        return self._admin.kubectl("get", "tp", "modern", "--no-headers").split()


@pytest.fixture
def scene(
    api_server: ClusterAdmin, operator_kubeconfig: Path, database: Database, database_url: str, tmp_path: Path
) -> Iterator[Scene]:
    yield Scene(api_server, operator_kubeconfig, database, database_url, tmp_path)
    api_server.kubectl("delete", "tp", "--all", "--wait=true")


def test_a_plan_is_shown_approved_paused_and_carried_out(scene: Scene) -> None:
    scene.canned.fill(20, profile="modern")
    scene.apply(maxRunning=5)
    assert scene.work() == 0
    plan_id = scene.get(".status.plan.id")
    assert (scene.get(".status.plan.count"), scene.get(".status.plan.minutes")) == ("20", "20")
    assert scene.get(".status.plan.cost") == "$0.40"
    scene.wait("RolledOut=False")
    assert scene.get('.status.conditions[?(@.type=="RolledOut")].reason') == "AwaitingApproval"

    scene.annotate("video.uploads.dev/approved-plan=1-0000000000000000")
    assert scene.work() == 0
    scene.annotate(f"video.uploads.dev/approved-plan={plan_id}")
    assert scene.work() == 5
    scene.wait("Reconciling")

    scene.apply(maxRunning=5, pause=True)
    scene.canned.finish()
    assert scene.work() == 0
    assert scene.row()[3:7] == ["15", "5", "0", "$0.10"]

    scene.apply(maxRunning=5)
    while scene.work() > 0:
        scene.canned.finish()
    scene.wait("RolledOut")
    scene.wait("Reconciling=False")
    assert scene.row()[3:7] == ["0", "20", "0", "$0.40"]
    assert scene.canned.bought() == {1: 20}


def test_the_approval_of_an_old_plan_buys_nothing_and_going_back_needs_its_own(scene: Scene) -> None:
    scene.canned.fill(4, profile="modern")
    scene.apply(maxRunning=2)
    scene.work()
    first = scene.get(".status.plan.id")
    scene.annotate(f"video.uploads.dev/approved-plan={first}")
    assert scene.work() == 2
    scene.canned.finish()

    scene.apply(900, maxRunning=2)
    assert scene.work() == 0
    assert scene.get(".status.plan.count") == "4"
    scene.apply(800, maxRunning=2)
    assert scene.work() == 0
    again = scene.get(".status.plan.id")
    assert (again != first, again.partition("-")[2]) == (True, first.partition("-")[2])
    assert scene.get(".status.plan.count") == "2", "those that were made with it already are left alone"
