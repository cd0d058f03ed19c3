"""/api/v1/admin/profiles: the transcode profiles and their rollouts as administrators see them."""

from database.profiles import Profiles
from database.rollouts import Rollouts
from domain.profiles import DEFAULT_PROFILE, ORIGINAL_HASH, ProfileRendition, ProfileSpec, ordered
from domain.rollouts import DeclaredRollout, RolloutSpec
from tests.support.api import Api, token

PATH = "/api/v1/admin/profiles"
SMALL = ordered("small", ProfileSpec((ProfileRendition(360, 800),)))


def listed(api: Api) -> list[dict[str, object]]:
    answer = api.client.simulate_get(PATH, headers={"Authorization": f"Bearer {token(scope='admin')}"})
    assert answer.status_code == 200, answer.text
    profiles: list[dict[str, object]] = answer.json["profiles"]
    return profiles


def test_the_default_is_always_there(api: Api) -> None:
    assert listed(api) == [{"name": DEFAULT_PROFILE, "hash": ORIGINAL_HASH, "is_offered": True, "rollout": None}]


def test_the_namespace_of_the_resources_is_named(api: Api) -> None:
    headers = {"Authorization": f"Bearer {token(scope='admin')}"}
    answer = api.rebuilt(namespace="videos").simulate_get(PATH, headers=headers)

    assert answer.json["namespace"] == "videos"


def test_a_rollout_shows_its_plan_before_and_after_it_is_counted(api: Api) -> None:
    rollouts = Rollouts(api.postgres)
    Profiles(api.postgres).replace([SMALL])
    rollouts.declare([DeclaredRollout(SMALL, RolloutSpec(), 0.01)])
    (plan,) = rollouts.current()
    before = listed(api)[1]["rollout"]
    assert isinstance(before, dict)
    assert (before["plan"], before["state"], before["outdated"]) == (plan.plan_id, "Planning", None)
    rollouts.count(plan, longest_seconds=60)
    after = listed(api)[1]["rollout"]
    assert isinstance(after, dict)
    assert (after["outdated"], after["planned"], after["dollars"], after["ends_at"]) == (0, 0, 0.0, None)


def test_a_deleted_profile_is_offered_no_more(api: Api) -> None:
    profiles = Profiles(api.postgres)
    profiles.replace([SMALL])
    profiles.replace([])
    assert [(one["name"], one["is_offered"]) for one in listed(api)] == [(DEFAULT_PROFILE, True), ("small", False)]
