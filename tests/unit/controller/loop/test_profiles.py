"""The copy of the TranscodeProfiles in Postgres, and what their status says."""

from typing import Any, cast

from controller.loop.profiles import PROFILES_MAX, ProfileMirror
from controller.loop.queue import WorkQueue
from crds.profile_resources import ProfileResource, ProfileResources
from database.profiles import Profiles
from domain.errors import ConflictError
from domain.profiles import DEFAULT_PROFILE, ORIGINAL, ProfileRendition, ProfileSpec
from tests.support.fakes.profiles import FakeProfiles
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
        queue = WorkQueue(self.clock.monotonic)
        self.mirror = ProfileMirror(
            cast("ProfileResources", self.resources), cast("Profiles", self.profiles), queue, clock=self.clock.now
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
