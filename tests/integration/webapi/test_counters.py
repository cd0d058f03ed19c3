"""Videos whose counters are at their end: a clear refusal, and a deletion that still works."""

from typing import Any

import pytest
from falcon.testing import Result

from domain.failures import Failure, FailureCode
from domain.video import COUNTER_MAX, Phase, Reason
from tests.support.api import Api, token, verify_file

VIDEOS = "/api/v1/videos"
# The largest values of the columns: rows from before the counters were bounded may hold them.
BIGINT_MAX, INTEGER_MAX = 2**63 - 1, 2**31 - 1
FAILED = {
    "phase": Phase.ERRORED,
    "reason": Reason.FAILED,
    "deadline_at": None,
    "failure": Failure(FailureCode.JOB_LOST, "lost", 1),
}


def failed(api: Api) -> str:
    video_id = api.create()
    api.observe(video_id, **FAILED)
    return video_id


def playable(api: Api) -> str:
    video_id = api.create()
    verify_file(api, video_id)
    return video_id


def arrived(api: Api) -> str:
    video_id = api.create()
    api.store(video_id)
    return video_id


def deleted(api: Api) -> str:
    video_id = api.create()
    api.call("DELETE", f"{VIDEOS}/{video_id}")
    return video_id


CHANGES = [
    pytest.param(failed, "retry", id="retry"),
    pytest.param(playable, "retranscode", id="retranscode"),
    pytest.param(arrived, "upload_complete", id="upload_complete"),
    pytest.param(deleted, "restore", id="restore"),
]
ENDS = [
    pytest.param({"revision": COUNTER_MAX - 1}, id="the-schemas"),
    pytest.param({"revision": COUNTER_MAX}, id="beyond-the-schemas"),
    pytest.param({"revision": BIGINT_MAX}, id="the-columns"),
]


def is_refused(answer: Result) -> bool:
    return (answer.status_code, answer.json["code"], answer.json["retryable"]) == (409, "changes_exhausted", False)


@pytest.mark.parametrize("counters", ENDS)
@pytest.mark.parametrize(("begin", "change"), CHANGES)
def test_a_change_beyond_the_end_is_refused_and_changes_nothing(
    api: Api, begin: Any, change: str, counters: dict[str, int]
) -> None:
    video_id = begin(api)
    api.set_columns(video_id, **counters)
    before = api.row(video_id)
    assert is_refused(api.call("POST", f"{VIDEOS}/{video_id}/{change}"))
    assert api.row(video_id) == before


@pytest.mark.parametrize("last", [COUNTER_MAX, INTEGER_MAX])
@pytest.mark.parametrize(
    ("begin", "change", "counter"),
    [(failed, "retry", "retries"), (playable, "retranscode", "edition"), (arrived, "upload_complete", "confirmations")],
)
def test_so_is_one_whose_own_counter_is_at_its_end(api: Api, begin: Any, change: str, counter: str, last: int) -> None:
    video_id = begin(api)
    counters = {counter: last}
    if counter in {"edition", "retries"}:
        counters[f"observed_{counter}"] = last
    else:
        counters["confirmations_floor"] = last
    api.set_columns(video_id, **counters)
    assert is_refused(api.call("POST", f"{VIDEOS}/{video_id}/{change}"))


def test_an_administrators_retry_is_refused_likewise(api: Api) -> None:
    video_id = failed(api)
    api.set_columns(video_id, revision=COUNTER_MAX)
    headers = {"Authorization": f"Bearer {token(sub='root', scope='admin')}"}
    assert is_refused(api.client.simulate_post(f"/api/v1/admin/videos/{video_id}/retry", headers=headers))


@pytest.mark.parametrize("revision", [COUNTER_MAX - 2, COUNTER_MAX - 1, COUNTER_MAX])
def test_it_can_be_deleted(api: Api, revision: int) -> None:
    video_id = playable(api)
    api.set_columns(video_id, revision=revision)
    assert api.call("DELETE", f"{VIDEOS}/{video_id}").status_code == 204
    assert api.row(video_id).desired.deleted


def test_the_last_revision_that_its_resource_can_show_is_a_deletion(api: Api) -> None:
    video_id = failed(api)
    api.set_columns(video_id, revision=COUNTER_MAX - 2)
    assert api.call("POST", f"{VIDEOS}/{video_id}/retry").status_code == 202
    assert api.call("DELETE", f"{VIDEOS}/{video_id}").status_code == 204
    assert api.row(video_id).desired.revision == COUNTER_MAX


def test_reading_and_repeating_go_on(api: Api) -> None:
    video_id = playable(api)
    api.set_columns(video_id, revision=COUNTER_MAX)
    assert api.call("GET", f"{VIDEOS}/{video_id}").status_code == 200
    assert api.call("POST", f"{VIDEOS}/{video_id}/restore").status_code == 200
