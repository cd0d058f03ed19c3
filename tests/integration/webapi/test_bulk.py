"""/api/v1/admin/videos/retry and …/retranscode: what many videos would cost is shown first, and only that is done."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from psycopg.types.json import Jsonb
from structlog.testing import capture_logs

from domain.bulk import EXPLAINED, PLAN_LASTS, PLANNED_MAX, BulkAction, BulkPlan, LeftOut, left_out, planned
from domain.errors import UnavailableError
from domain.failures import Failure, FailureCode
from domain.profiles import ProfileRendition, ProfileSpec, ordered
from domain.spending import Prices
from domain.video import COUNTER_MAX, Phase, Published, Reason, Rendition
from tests.support.api import CALLBACK_KEYS, PRICES, Api, token, verify_file
from webapi.admin import bulk
from webapi.admin.bulk import BulkCosts
from webapi.admin.bulk_plans import BulkPlans

RETRY, RETRANSCODE = "/api/v1/admin/videos/retry", "/api/v1/admin/videos/retranscode"
BOTH = pytest.mark.parametrize("path", [RETRY, RETRANSCODE])
STREAM = Published(1, 1, 120.0, (Rendition("1/hls/360p.m3u8", 800_000),), has_poster=True)


def plan(api: Api, path: str, query: str = "") -> dict[str, Any]:
    answer = api.admin("GET", f"{path}?{query}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    body: dict[str, Any] = answer.json
    assert body["matched"] == body["planned"] + sum(one["videos"] for one in body["left_out"])
    return body


def apply(api: Api, path: str, shown: dict[str, Any]) -> dict[str, Any]:
    answer = api.admin("POST", path, json={"plan": shown["plan"]})
    assert answer.status_code == 202, answer.text
    body: dict[str, Any] = answer.json
    kept = sum(one["videos"] for one in body["left_out"])
    assert body["planned"] == body["requested"] + body["already_requested"] + kept + body["remaining"]
    return body


def reasons(body: dict[str, Any]) -> dict[str, list[str]]:
    assert all(one["detail"] == EXPLAINED[LeftOut(one["reason"])] for one in body["left_out"])
    return {one["reason"]: one["first"] for one in body["left_out"]}


def ready(api: Api, user: str = "ann", **changes: Any) -> str:
    video_id = api.create(user=user, **changes)
    api.now += timedelta(seconds=1)
    verify_file(api, video_id, reason=Reason.PUBLISHED, published=STREAM)
    return video_id


def failed(api: Api, user: str = "ann", *, code: FailureCode = FailureCode.JOB_LOST, **changes: Any) -> str:
    video_id = api.create(user=user, **changes)
    api.now += timedelta(seconds=1)
    failure = Failure(code, "it failed", 1)
    verify_file(
        api, video_id, phase=Phase.ERRORED, reason=Reason.FAILED, failure=failure, published=STREAM, phase_since=api.now
    )
    return video_id


def matching(api: Api, path: str, **changes: Any) -> str:
    return failed(api, **changes) if path == RETRY else ready(api, **changes)


def number(api: Api, path: str, video_id: str) -> int:
    """Return how many retries, or further editions, were requested."""
    desired = api.row(video_id).desired
    return desired.retries if path == RETRY else desired.edition - 1


def test_a_plan_says_how_much_and_changes_nothing(api: Api) -> None:
    videos = [ready(api), ready(api, "bob"), failed(api)]
    rows = [api.row(video_id) for video_id in videos]
    api.offers.commands.clear()
    shown = plan(api, RETRANSCODE)

    # Of two minutes each: four variants, two of them HD.
    assert (shown["matched"], shown["planned"], shown["minutes"], shown["billed_minutes"]) == (3, 2, 4.0, 16.0)
    assert shown["dollars"] == pytest.approx(2 * 2 * (2 * PRICES.hd + 2 * PRICES.sd))
    assert (shown["action"], shown["without_estimate"], shown["next_page_token"]) == ("retranscode", 0, None)
    # It plays, but its newest edition failed.
    assert reasons(shown) == {"not_retranscodable": [videos[2]]}
    assert shown["expires_at"] == (api.now + PLAN_LASTS).isoformat().replace("+00:00", "Z")
    assert [api.row(video_id) for video_id in videos] == rows
    assert not api.offers.commands


def test_where_there_is_nothing_to_do_there_is_no_plan(api: Api) -> None:
    shown = plan(api, RETRY)

    assert (shown["matched"], shown["dollars"], shown["left_out"], shown["plan"]) == (0, 0.0, [], None)


def test_what_cannot_be_estimated_is_counted_apart(api: Api) -> None:
    failed(api)
    unverified, no_profile = failed(api), failed(api)
    api.set_columns(unverified, source=None)
    api.set_columns(no_profile, profile="gone")
    shown = plan(api, RETRY)

    assert (shown["planned"], shown["without_estimate"], shown["minutes"]) == (3, 2, 2.0)


def test_the_estimate_is_that_of_the_profile_and_ends_at_the_longest_video(api: Api) -> None:
    spec = ProfileSpec(renditions=(ProfileRendition(2160, 12_000), ProfileRendition(360, 800)))
    api.deps.profiles.replace([ordered("uhd", spec)])
    video_id = ready(api, profile="uhd")
    api.set_columns(video_id, published=Jsonb({**_stored(api, video_id), "duration_seconds": 90_000.0}))
    shown = plan(api, RETRANSCODE, "profile=uhd")

    assert (shown["minutes"], shown["billed_minutes"]) == (240.0, 480.0)
    assert shown["dollars"] == pytest.approx(240 * (PRICES.uhd + PRICES.sd))


def _stored(api: Api, video_id: str) -> dict[str, Any]:
    (row,) = api.sql("SELECT published FROM videos WHERE video_id = %s", video_id)
    stored: dict[str, Any] = row["published"]
    return stored


@BOTH
def test_a_plan_is_applied_to_every_video_and_only_once(api: Api, path: str) -> None:
    videos = [matching(api, path, user=user) for user in ("ann", "bob", "ann")]
    shown = plan(api, path)
    api.offers.commands.clear()
    with capture_logs() as logs:
        first = apply(api, path, shown)
    after = [api.row(video_id) for video_id in videos]

    assert (first["requested"], first["already_requested"], first["left_out"]) == (3, 0, [])
    assert [number(api, path, video_id) for video_id in videos] == [1, 1, 1]
    assert {one.video_id for one in api.offers.commands} == set(videos), "each is published"
    requested = [line["video_id"] for line in logs if line["event"] == "bulk_requested" and line["by"] == "ann"]
    assert set(requested) == set(videos)
    (applied,) = (line for line in logs if line["event"] == "bulk_applied")
    assert (applied["by"], applied["requested"], applied["filters"]["status"]) == (
        "ann",
        3,
        "errored" if path == RETRY else "ready",
    )

    # Its answer was lost on the way.
    again = apply(api, path, shown)
    assert (again["requested"], again["already_requested"], again["remaining"]) == (0, 3, 0)
    assert [api.row(video_id) for video_id in videos] == after


@BOTH
def test_what_was_done_by_a_plan_is_not_done_by_it_once_a_pass_has_ended_it(api: Api, path: str) -> None:
    video_id = matching(api, path)
    shown = plan(api, path)
    apply(api, path, shown)
    row = api.row(video_id).desired
    # The retry failed again, or the new edition is there: both could be requested anew.
    phase = Phase.ERRORED if path == RETRY else Phase.READY
    api.observe(video_id, phase=phase, retries=row.retries, edition=row.edition)

    assert apply(api, path, shown)["already_requested"] == 1
    assert number(api, path, video_id) == 1


@BOTH
def test_only_what_is_still_as_it_was_shown_is_changed(api: Api, path: str) -> None:
    same, renamed, deleted, purged, done = (matching(api, path) for _ in range(5))
    shown = plan(api, path)
    api.commands.describe(renamed, title="Dogs", metadata={}, metadata_bytes_max=2000)
    api.commands.delete(deleted)
    api.purge(purged)
    if path == RETRY:
        api.commands.retry(done)
    else:
        api.commands.retranscode(done)
    result = apply(api, path, shown)

    assert (result["requested"], result["already_requested"]) == (1, 1)
    assert {reason: set(ids) for reason, ids in reasons(result).items()} == {
        "changed": {renamed, deleted},
        "not_found": {purged},
    }
    assert [number(api, path, video_id) for video_id in (same, renamed, deleted, done)] == [1, 0, 0, 1]


def test_what_changes_between_the_look_and_the_request_is_left_alone(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    video_id = failed(api)
    shown = plan(api, RETRY)
    looked = type(api.queries).get

    def get_and_change(queries: Any, wanted: str) -> Any:
        row = looked(queries, wanted)
        monkeypatch.undo()
        api.commands.describe(video_id, title="Dogs", metadata={}, metadata_bytes_max=2000)
        return row

    monkeypatch.setattr(type(api.queries), "get", get_and_change)
    result = apply(api, RETRY, shown)

    assert reasons(result) == {"changed": [video_id]}
    assert api.row(video_id).desired.retries == 0


@BOTH
def test_another_price_or_profile_than_was_shown_buys_nothing(api: Api, path: str) -> None:
    spec = ProfileSpec(renditions=(ProfileRendition(360, 800),))
    api.deps.profiles.replace([ordered("small", spec)])
    small, other = matching(api, path, profile="small"), matching(api, path)
    shown = plan(api, path)
    api.deps.profiles.replace([ordered("small", replace(spec, quality=5))])

    assert reasons(apply(api, path, shown)) == {"profile_changed": [small]}
    assert [number(api, path, video_id) for video_id in (small, other)] == [0, 1]

    shown = plan(api, path, "profile=small")
    api.client = api.rebuilt(costs=BulkCosts(Prices(hd=1, sd=1, uhd=1), 14_400))
    assert reasons(apply(api, path, shown)) == {"profile_changed": [small]}
    assert number(api, path, small) == 0


def test_failures_that_the_same_file_repeats_are_retried_only_by_name(api: Api) -> None:
    lost, undecodable = failed(api), failed(api, code=FailureCode.VIDEO_UNDECODABLE)

    shown = plan(api, RETRY)
    assert (shown["planned"], reasons(shown)) == (1, {"permanent_failure": [undecodable]})
    apply(api, RETRY, plan(api, RETRY, "error_code=video_undecodable"))
    assert [api.row(video_id).desired.retries for video_id in (lost, undecodable)] == [0, 1]


@pytest.mark.parametrize("filtered", ["owner=bob", "region=fra1", "title=DOGS", "created_after=2026-03-01T13:00:00Z"])
@BOTH
def test_only_what_a_filter_wants_is_planned(api: Api, path: str, filtered: str) -> None:
    matching(api, path)
    api.now += timedelta(hours=2)
    wanted = matching(api, path, user="bob", title="Some dogs", region="fra1")
    api.elsewhere.put_raw(api.row(wanted).desired.storage_key, b"video")
    shown = plan(api, path, filtered)

    assert (shown["matched"], shown["planned"]) == (1, 1)
    apply(api, path, shown)
    assert number(api, path, wanted) == 1


@BOTH
def test_what_is_being_done_already_is_not_planned(api: Api, path: str) -> None:
    video_id = matching(api, path)
    apply(api, path, plan(api, path))

    shown = plan(api, path)
    assert (reasons(shown), shown["plan"]) == ({"already_requested": [video_id]}, None)


@BOTH
def test_an_import_and_spent_counters_are_left_out(api: Api, path: str) -> None:
    imported, spent = matching(api, path), matching(api, path)
    api.set_columns(imported, origin="kubernetes")
    api.set_columns(spent, revision=COUNTER_MAX - 1)

    assert reasons(plan(api, path)) == {"managed_by_kubernetes": [imported], "changes_exhausted": [spent]}


SITUATIONS: dict[str, dict[str, Any]] = {
    "ready": {"retired": True},
    "retranscode-requested": {"edition": 2},
    "in-progress": {"phase": "processing", "reason": "Transcoding", "deadline_at": "2026-03-01T20:00:00Z"},
    "failed": {"phase": "errored", "failure": Jsonb({"code": "job_lost", "message": "lost", "attempt": 1})},
    "failed-with-a-retry-requested": {
        "phase": "errored",
        "failure": Jsonb({"code": "job_lost", "message": "lost", "attempt": 1}),
        "retries": 1,
    },
    "being-restored": {"is_playable": False},
    "never-verified": {"source": None},
    "of-kubernetes": {"origin": "kubernetes"},
    "at-the-end-of-its-counters": {"revision": COUNTER_MAX - 1},
}
# What a plan leaves out, though the call would take it: it says that there is nothing new to do.
ACCEPTED = LeftOut.ALREADY_REQUESTED


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("action", BulkAction)
def test_a_plan_refuses_what_the_call_about_one_video_refuses(api: Api, action: BulkAction, situation: str) -> None:
    video_id = ready(api)
    api.set_columns(video_id, **SITUATIONS[situation])
    reason = left_out(api.row(video_id), action)
    answer = api.call("POST", f"/api/v1/videos/{video_id}/{action}")

    if reason in (None, ACCEPTED):
        assert answer.status_code == 202, answer.text
    else:
        assert (answer.status_code, answer.json["code"]) == (409, reason)


def test_a_lost_original_is_found_out_when_the_plan_is_applied(api: Api) -> None:
    lost, kept = ready(api), ready(api)
    del api.storage.raw[api.row(lost).desired.storage_key]
    result = apply(api, RETRANSCODE, plan(api, RETRANSCODE))

    assert (result["requested"], reasons(result)) == (1, {"original_unavailable": [lost]})
    assert [api.row(video_id).desired.edition for video_id in (lost, kept)] == [1, 2]


def test_a_region_that_was_taken_away_is_left_out(api: Api) -> None:
    video_id = ready(api)
    shown = plan(api, RETRANSCODE)
    api.set_columns(video_id, region="gone")

    assert reasons(apply(api, RETRANSCODE, shown)) == {"region_unavailable": [video_id]}


def test_what_an_administrator_requests_counts_against_no_owner(api: Api) -> None:
    videos = [ready(api) for _ in range(3)]  # one more than the owner may request
    apply(api, RETRANSCODE, plan(api, RETRANSCODE))

    assert api.sql("SELECT * FROM retranscodes") == []
    for video_id in videos:
        api.observe(video_id, phase=Phase.UPLOADED, edition=2)
        assert (api.row(video_id).counted_owner, api.row(video_id).is_of_administrators) == (None, True)
        assert not api.deps.profiles.is_rollout_held("hls-1080p", video_id, 2)


def test_while_storage_is_away_nothing_is_said_to_be_done(api: Api) -> None:
    videos = [ready(api) for _ in range(2)]
    shown = plan(api, RETRANSCODE)
    api.storage.error = UnavailableError("no answer")
    answer = api.admin("POST", RETRANSCODE, json={"plan": shown["plan"]})
    assert (answer.status_code, answer.json["code"]) == (503, "temporarily_unavailable")

    # One was done before.
    api.commands.retranscode(videos[1])
    assert reasons(apply(api, RETRANSCODE, shown)) == {"temporarily_unavailable": [videos[0]]}
    api.storage.error = None
    assert apply(api, RETRANSCODE, shown)["requested"] == 1


def test_what_does_not_fit_into_the_time_is_done_by_sending_the_plan_again(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    videos = [failed(api) for _ in range(4)]
    shown = plan(api, RETRY)
    monkeypatch.setattr(bulk, "_APPLY_SECONDS", -1.0)
    results = [apply(api, RETRY, shown) for _ in range(2)]

    assert [(one["requested"], one["already_requested"], one["remaining"]) for one in results] == [(1, 0, 3), (0, 1, 3)]
    monkeypatch.undo()
    last = apply(api, RETRY, shown)
    assert (last["requested"], last["already_requested"], last["remaining"]) == (3, 1, 0)
    assert [api.row(video_id).desired.retries for video_id in videos] == [1] * 4


def test_more_than_a_plan_may_name_is_planned_page_by_page(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "PLANNED_MAX", 2)
    videos = [failed(api, user="ann") for _ in range(5)]
    page, numbers = "", []
    while True:
        shown = plan(api, RETRY, f"owner=ann{page}")
        numbers.append(shown["planned"])
        apply(api, RETRY, shown)
        if shown["next_page_token"] is None:
            break
        page = f"&page_token={shown['next_page_token']}"

    assert numbers == [2, 2, 1]
    assert [api.row(video_id).desired.retries for video_id in videos] == [1] * 5
    other = api.admin("GET", f"{RETRY}?owner=bob{page}")
    assert [error["field"] for error in other.json["errors"]] == ["page_token"]


def test_a_plan_of_as_many_videos_as_there_may_be_can_be_sent_back(api: Api) -> None:
    video_id = failed(api)
    row = api.row(video_id)
    longest = replace(row, desired=replace(row.desired, revision=COUNTER_MAX - 2, retries=COUNTER_MAX - 1))
    filters = dict.fromkeys(("owner", "title", "region"), "€" * 255)
    one = planned(longest, BulkAction.RETRY)
    made = BulkPlan(BulkAction.RETRY, api.now, (one,) * PLANNED_MAX, {"x" * 63: "y" * 40}, filters)
    answer = api.admin("POST", RETRY, json={"plan": BulkPlans(CALLBACK_KEYS, lambda: api.now).text_of(made)})

    assert (answer.status_code, answer.json["planned"]) == (202, PLANNED_MAX)


def _flipped(text: str) -> str:
    return ("B" if text[0] == "A" else "A") + text[1:]


@pytest.mark.parametrize(
    ("spoil", "detail"),
    [
        pytest.param(lambda _api, text: text[:-4], "send it whole", id="cut-off"),
        pytest.param(lambda _api, text: _flipped(text), "send it whole", id="forged"),
        pytest.param(lambda api, _text: plan(api, RETRANSCODE)["plan"], "another call", id="of-the-other-action"),
        pytest.param(lambda _api, _text: "x", "send it whole", id="no-plan"),
    ],
)
def test_what_was_not_shown_is_refused_by_name(api: Api, spoil: Any, detail: str) -> None:
    video_id = failed(api)
    ready(api)
    text = spoil(api, plan(api, RETRY)["plan"])
    answer = api.admin("POST", RETRY, json={"plan": text})

    assert (answer.status_code, [error["field"] for error in answer.json["errors"]]) == (422, ["plan"])
    assert detail in answer.json["errors"][0]["detail"]
    assert api.row(video_id).desired.retries == 0


def test_a_plan_expires(api: Api) -> None:
    failed(api)
    shown = plan(api, RETRY)
    api.now += PLAN_LASTS + timedelta(seconds=1)
    answer = api.admin("POST", RETRY, json={"plan": shown["plan"]})

    assert (answer.status_code, answer.json["errors"][0]["detail"]) == (422, "has expired; plan again")


def test_a_plan_signed_by_the_older_key_is_applied(api: Api) -> None:
    failed(api)
    older = api.rebuilt(callback_keys=CALLBACK_KEYS[1:])
    admin = {"Authorization": f"Bearer {token(scope='admin')}"}
    shown = older.simulate_get(RETRY, headers=admin).json

    assert apply(api, RETRY, shown)["requested"] == 1


@BOTH
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_without_the_scope_nothing_is_shown_or_changed(api: Api, method: str, path: str) -> None:
    video_id = matching(api, path)
    shown = plan(api, path)
    sent: dict[str, Any] = {"json": {"plan": shown["plan"]}} if method == "POST" else {}
    answer = api.call(method, path, **sent)

    assert (answer.status_code, answer.json["code"]) == (403, "insufficient_scope")
    assert number(api, path, video_id) == 0
