"""A new edition of a playable video: requested by the owner, limited, while the old one stays playable."""

from collections.abc import Callable
from typing import Any

import pytest

from domain.errors import UnavailableError
from domain.video import Phase, Published, Reason
from tests.support.api import RETRANSCODES_PER_DAY, Api, verify_file

PUBLISHED = Published(1, 1, 3.0, (), has_poster=False)


def _ready(api: Api, **changes: Any) -> str:
    """Create a video that can be played, with its original in storage."""
    video_id = api.create()
    verify_file(api, video_id, reason=Reason.PUBLISHED, published=PUBLISHED, **changes)
    api.offers.commands.clear()
    return video_id


def _request_edition(api: Api, video_id: str, user: str = "ann") -> tuple[int, str]:
    answer = api.call("POST", f"/api/v1/videos/{video_id}/retranscode", user=user)
    return answer.status_code, answer.json.get("code", "")


def test_a_new_edition_is_recorded_and_the_old_one_stays_playable(api: Api) -> None:
    video_id = _ready(api)
    answer = api.call("POST", f"/api/v1/videos/{video_id}/retranscode")

    assert (answer.status_code, answer.headers["Retry-After"]) == (202, "2")
    assert answer.json == api.call("GET", f"/api/v1/videos/{video_id}").json
    assert answer.json["waiting_for"] == "the operator to start the requested work"
    assert (answer.json["status"], answer.json["is_playable"], answer.json["edition"]) == ("ready", True, 1)
    assert answer.json["playback_url"]
    assert api.row(video_id).desired.edition == 2
    assert api.offers.commands == [api.row(video_id).desired]


def test_a_repeated_request_counts_once(api: Api) -> None:
    video_id = _ready(api)
    assert [_request_edition(api, video_id)[0] for _ in range(RETRANSCODES_PER_DAY + 2)] == [202] * (
        RETRANSCODES_PER_DAY + 2
    )

    assert api.row(video_id).desired.edition == 2
    assert [row["owner"] for row in api.sql("SELECT owner FROM retranscodes")] == ["ann"]


def test_a_request_while_an_edition_is_made_is_refused(api: Api) -> None:
    video_id = _ready(api)
    _request_edition(api, video_id)
    for phase in (Phase.UPLOADED, Phase.PROCESSING):
        api.observe(video_id, phase=phase, edition=2)
        row = api.row(video_id)

        assert _request_edition(api, video_id) == (409, "not_retranscodable")
        assert api.row(video_id) == row

    api.observe(video_id, phase=Phase.READY, edition=2)
    assert _request_edition(api, video_id) == (202, "")
    assert api.row(video_id).desired.edition == 3


def test_an_unplayable_video_is_not_transcoded_again(api: Api) -> None:
    words = set()
    for phase in Phase:
        video_id = _ready(api, phase=phase, is_playable=False)
        answer = api.call("POST", f"/api/v1/videos/{video_id}/retranscode")
        assert (answer.status_code, answer.json["code"]) == (409, "not_retranscodable"), phase
        words.add(answer.json["detail"])

    assert words == {
        "the newest edition failed; retry it instead",
        "the newest edition is still in progress",
        "the stream is being restored; ask again when the video is playable",
    }


def test_a_playable_dead_letter_is_retried_instead(api: Api) -> None:
    video_id = _ready(api)
    _request_edition(api, video_id)
    api.observe(video_id, phase=Phase.ERRORED, reason=Reason.FAILED, edition=2)

    assert _request_edition(api, video_id) == (409, "not_retranscodable")
    (shown,) = api.call("GET", "/api/v1/videos?status=errored").json["videos"]
    assert (shown["id"], shown["status"], shown["edition_status"]) == (video_id, "ready", "errored")
    assert (shown["is_playable"], shown["error"]["code"]) == (True, "transcode_failed")
    assert api.call("POST", f"/api/v1/videos/{video_id}/retry").status_code == 202


def test_a_deleted_video_must_be_restored_first(api: Api) -> None:
    video_id = _ready(api)
    api.commands.delete(video_id)
    answer = api.call("POST", f"/api/v1/videos/{video_id}/retranscode")

    assert (answer.status_code, answer.json["code"]) == (409, "not_retranscodable")
    assert "restore" in answer.json["detail"]


def _lose(api: Api, key: str) -> None:
    del api.storage.raw[key]


def _replace(api: Api, key: str) -> None:
    api.storage.put_raw(key, b"another one")


@pytest.mark.parametrize("change", [_lose, _replace], ids=["gone", "another"])
def test_without_the_verified_original_there_is_nothing_to_transcode(
    api: Api, change: Callable[[Api, str], None]
) -> None:
    video_id = _ready(api)
    row = api.row(video_id)
    change(api, row.desired.storage_key)

    assert _request_edition(api, video_id) == (409, "original_unavailable")
    assert api.row(video_id) == row


def test_while_storage_is_unavailable_no_edition_is_recorded(api: Api) -> None:
    video_id = _ready(api)
    row = api.row(video_id)
    api.storage.error = UnavailableError("no answer")

    assert _request_edition(api, video_id) == (503, "temporarily_unavailable")
    assert api.row(video_id) == row


def test_each_owner_has_a_daily_limit(api: Api) -> None:
    for _ in range(RETRANSCODES_PER_DAY):
        assert _request_edition(api, _ready(api)) == (202, "")
    video_id = _ready(api)
    row = api.row(video_id)
    answer = api.call("POST", f"/api/v1/videos/{video_id}/retranscode")

    assert (answer.status_code, answer.json["code"]) == (429, "retranscode_limit_reached")
    assert (answer.headers["Retry-After"], answer.json["retryable"]) == ("86400", True)
    assert api.row(video_id) == row
    assert not api.offers.commands


def test_another_users_video_is_unknown(api: Api) -> None:
    assert _request_edition(api, _ready(api), user="eve") == (404, "not_found")
