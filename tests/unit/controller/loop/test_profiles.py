"""The copy of the TranscodeProfiles in Postgres, and what their status says."""

from dataclasses import replace
from typing import Any, cast

import pytest

from controller.loop.profiles import PROFILES_MAX, ProfileMirror
from controller.loop.queue import WorkQueue
from crds.profile_resources import ProfileResource, ProfileResources
from database.profiles import Profiles
from database.rollouts import Rollouts
from domain.errors import ConflictError
from domain.profiles import DEFAULT_PROFILE, ORIGINAL, ProfileRendition, ProfileSpec, ordered
from domain.rollouts import RolloutState
from domain.spending import Prices, SpendingLimits
from domain.video import APPROVED_PLAN_ANNOTATION, ROLLOUT_RESUMED_ANNOTATION
from tests.support.fakes.profiles import FakeProfiles
from tests.support.fakes.rollouts import FakeRollouts
from tests.support.world.clock import FakeClock

SPEC = {"renditions": [{"height": 360, "maxRateKbps": 800}]}
PROFILE = ProfileSpec((ProfileRendition(360, 800),))


class FakeProfileResources:
    """Stands in for `ProfileResources`: a status that is written is listed the next time."""

    def __init__(self) -> None:
        self.listed: dict[str, ProfileResource] | None = {}
        self.writes: list[tuple[str, dict[str, Any]]] = []
        self.is_changed_meanwhile = False

    def apply(self, name: str, spec: dict[str, Any] = SPEC) -> None:
        assert self.listed is not None
        before = self.listed.get(name)
        generation = before.generation + 1 if before else 1
        self.listed[name] = ProfileResource(name, generation, "1", spec, before.status if before else {})

    def list(self) -> list[ProfileResource] | None:
        return None if self.listed is None else [*self.listed.values()]

    def write_status(self, resource: ProfileResource, status: dict[str, Any]) -> None:
        assert self.listed is not None
        if self.is_changed_meanwhile:
            raise ConflictError("changed")
        self.writes.append((resource.name, status))
        self.listed[resource.name] = ProfileResource(resource.name, resource.generation, "2", resource.spec, status)

    def ready(self, name: str) -> tuple[str, str, str | None]:
        assert self.listed is not None
        status = self.listed[name].status
        (condition,) = status["conditions"]
        return condition["status"], condition["reason"], status.get("hash")


class Scene:
    def __init__(self) -> None:
        self.resources, self.profiles, self.clock = FakeProfileResources(), FakeProfiles(), FakeClock()
        self.rollouts = FakeRollouts(self.clock.now)
        queue = WorkQueue(self.clock.monotonic)
        self.mirror = ProfileMirror(
            cast("ProfileResources", self.resources),
            cast("Profiles", self.profiles),
            cast("Rollouts", self.rollouts),
            queue,
            clock=self.clock.now,
            prices=Prices(hd=0.02, sd=0.01, uhd=0.04),
            limits=SpendingLimits(),
        ).mirror


def test_a_profile_is_taken_over_and_its_status_says_so_once() -> None:
    scene = Scene()
    scene.resources.apply("small")
    assert (scene.mirror(), scene.mirror()) == (1, 0)
    assert scene.profiles.by_name == {DEFAULT_PROFILE: ORIGINAL, "small": PROFILE}
    assert scene.resources.ready("small") == ("True", "InUse", PROFILE.hash)


def test_a_change_keeps_the_time_of_its_condition_and_shows_the_new_hash() -> None:
    scene = Scene()
    scene.resources.apply("small")
    scene.mirror()
    since = scene.resources.writes[0][1]["conditions"][0]["lastTransitionTime"]
    scene.clock.advance(60)
    scene.resources.apply("small", {"renditions": [{"height": 480, "maxRateKbps": 800}]})
    assert scene.mirror() == 1
    status = scene.resources.writes[1][1]
    assert (status["observedGeneration"], status["conditions"][0]["lastTransitionTime"]) == (2, since)
    assert status["hash"] != PROFILE.hash


def test_what_this_release_cannot_read_means_what_it_meant_before() -> None:
    scene = Scene()
    scene.resources.apply("small")
    scene.mirror()
    scene.resources.apply("small", {**SPEC, "colour": "red"})
    scene.mirror()
    assert scene.profiles.by_name["small"] == PROFILE
    assert scene.resources.ready("small") == ("False", "Invalid", None)


def states(scene: Scene, name: str = "small") -> dict[str, tuple[str, str]]:
    assert scene.resources.listed is not None
    conditions = scene.resources.listed[name].status["conditions"]
    return {one["type"]: (one["status"], one["reason"]) for one in conditions}


def figures(scene: Scene, name: str = "small") -> Any:
    assert scene.resources.listed is not None
    return scene.resources.listed[name].status["rollout"]


def test_a_profile_without_a_rollout_is_not_counted_and_shows_no_plan() -> None:
    scene = Scene()
    scene.resources.apply("small")
    scene.mirror()
    assert (scene.rollouts.counts, set(states(scene))) == (0, {"Ready"})


def test_a_rollout_shows_its_plan_before_anything_is_bought() -> None:
    scene = Scene()
    scene.resources.apply("small", {**SPEC, "rollout": {}})
    scene.rollouts.state = RolloutState.AWAITING_APPROVAL
    scene.mirror()
    assert scene.resources.listed is not None
    status = scene.resources.listed["small"].status
    assert status["plan"] == {"id": f"1-{PROFILE.hash}", "count": 3, "minutes": 6, "cost": "$0.25"}
    assert status["rollout"] == {"outdated": 3, "running": 0, "done": 0, "failed": 0, "spent": "$0.00"}
    assert states(scene) == {
        "Ready": ("True", "InUse"),
        "RolledOut": ("False", "AwaitingApproval"),
        "Reconciling": ("False", "AwaitingApproval"),
        "Stalled": ("False", "AwaitingApproval"),
    }


@pytest.mark.parametrize(
    ("state", "true"),
    [
        (RolloutState.PLANNING, {"Reconciling"}),
        (RolloutState.AWAITING_APPROVAL, set()),
        (RolloutState.PAUSED, set()),
        (RolloutState.FAILURE_RATE_EXCEEDED, {"Stalled"}),
        (RolloutState.DAY_SPENT, {"Reconciling"}),
        (RolloutState.IN_PROGRESS, {"Reconciling"}),
        (RolloutState.UP_TO_DATE, {"RolledOut"}),
    ],
)
def test_each_state_reads_right_for_kubectl_wait_and_kstatus(state: RolloutState, true: set[str]) -> None:
    scene = Scene()
    scene.resources.apply("small", {**SPEC, "rollout": {}})
    scene.rollouts.state = state
    scene.mirror()
    shown = states(scene)
    assert {kind for kind, (status, _) in shown.items() if status == "True"} == {"Ready", *true}
    assert shown["RolledOut"][1] == state


def test_the_annotations_of_people_reach_the_plan() -> None:
    scene = Scene()
    scene.resources.apply("small", {**SPEC, "rollout": {"generation": 2}})
    assert scene.resources.listed is not None
    scene.resources.listed["small"] = replace(
        scene.resources.listed["small"],
        annotations={APPROVED_PLAN_ANNOTATION: "x" * 200, ROLLOUT_RESUMED_ANNOTATION: "today"},
    )
    scene.mirror()
    (declared,) = scene.rollouts.declared
    assert (declared.approved_plan, declared.resume_token) == ("x" * 128, "today")
    assert declared.profile == ordered("small", PROFILE, generation=2)
    assert declared.dollars_per_minute == 0.01  # one variant, below 720 lines


def test_a_plan_is_counted_once_a_minute_while_it_moves_and_rarely_at_rest() -> None:
    scene = Scene()
    scene.resources.apply("small", {**SPEC, "rollout": {}})
    counts = []
    for state, passes in ((RolloutState.IN_PROGRESS, 24), (RolloutState.AWAITING_APPROVAL, 120)):
        scene.rollouts.state = state
        before = scene.rollouts.counts
        for _ in range(passes):
            scene.mirror()
            scene.clock.advance(5)
        counts.append(scene.rollouts.counts - before)
    assert counts == [2, 1]


def test_figures_that_move_are_written_once_a_minute_and_a_condition_at_once() -> None:
    scene = Scene()
    scene.resources.apply("small", {**SPEC, "rollout": {}})
    scene.rollouts.state = RolloutState.IN_PROGRESS
    scene.mirror()
    before = len(scene.resources.writes)
    for done in range(1, 25):
        scene.clock.advance(5)
        scene.rollouts.done = done
        scene.mirror()
    assert len(scene.resources.writes) - before == 2
    assert figures(scene)["done"] == 24
    scene.rollouts.state = RolloutState.PAUSED
    assert scene.mirror() == 1


def test_what_cannot_be_read_keeps_its_plan() -> None:
    scene = Scene()
    scene.resources.apply("small", {**SPEC, "rollout": {}})
    scene.mirror()
    scene.resources.apply("small", {**SPEC, "rollout": {"speed": 1}})
    scene.mirror()
    assert [plan.profile for plan in scene.rollouts.current()] == ["small"]


def test_a_profile_that_is_gone_is_gone_from_the_copy() -> None:
    scene = Scene()
    scene.resources.apply("small")
    scene.mirror()
    scene.resources.listed = {}
    scene.mirror()
    assert scene.profiles.by_name == {DEFAULT_PROFILE: ORIGINAL}


def test_where_the_kind_is_not_served_the_copy_stays() -> None:
    scene = Scene()
    scene.resources.apply("small")
    scene.mirror()
    scene.resources.listed = None
    assert scene.mirror() == 0
    assert "small" in scene.profiles.by_name


def test_more_than_an_installation_may_have_are_refused_by_their_status() -> None:
    scene = Scene()
    for number in range(PROFILES_MAX + 1):
        scene.resources.apply(f"p{number:03}")
    scene.mirror()
    assert len(scene.profiles.by_name) == PROFILES_MAX + 1  # with the default
    assert scene.resources.ready(f"p{PROFILES_MAX:03}") == ("False", "TooMany", None)


def test_a_profile_that_changed_meanwhile_gets_its_status_the_next_time() -> None:
    scene = Scene()
    scene.resources.apply("small")
    scene.resources.is_changed_meanwhile = True
    assert scene.mirror() == 0
    scene.resources.is_changed_meanwhile = False
    assert scene.mirror() == 1
