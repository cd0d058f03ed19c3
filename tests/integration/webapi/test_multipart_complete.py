"""Multipart uploads: confirmed, joined, aborted."""

from datetime import timedelta

import pytest

from domain.errors import UnavailableError
from domain.video import Reason, Rejection
from tests.integration.webapi.multipart_uploads import PARTS, confirm, get, parted, send, sign, with_small_parts
from tests.support.api import Api


@pytest.fixture
def api(api: Api) -> Api:
    return with_small_parts(api)


class TestConfirming:
    def test_the_parts_become_the_file(self, api: Api) -> None:
        video_id = parted(api)
        send(api, video_id, 2, 1, 3)
        answer = confirm(api, video_id)
        row = api.row(video_id)
        assert (answer.status_code, answer.json) == (202, {"status": "processing_queued", "video_id": video_id})
        assert api.storage.raw[row.desired.storage_key].body == b"".join(PARTS.values())
        assert row.desired.confirmations == 1
        assert not api.multipart.uploads

    def test_confirming_again_changes_nothing(self, api: Api) -> None:
        video_id = parted(api)
        send(api, video_id, 1, 2, 3)
        first, row = confirm(api, video_id), api.row(video_id)
        assert (confirm(api, video_id).content, api.row(video_id)) == (first.content, row)

    def test_an_already_joined_file_is_confirmed(self, api: Api) -> None:
        video_id = parted(api)
        send(api, video_id, 1, 2, 3)
        row = api.row(video_id)
        assert row.upload_id is not None
        parts = api.multipart.parts(row.desired.storage_key, row.upload_id)
        api.multipart.complete(row.desired.storage_key, row.upload_id, parts or ())
        assert confirm(api, video_id).status_code == 202
        assert api.row(video_id).desired.confirmations == 1

    @pytest.mark.parametrize(
        ("size_bytes", "sent", "named"),
        [
            pytest.param(25, (1, 3), "part 2 has not arrived;", id="one"),
            pytest.param(25, (), "parts 1, 2, 3 have not arrived;", id="all"),
            pytest.param(95, (2,), "parts 1, 3, 4, 5, 6 and 4 more have not arrived;", id="many"),
        ],
    )
    def test_missing_parts_are_named_and_nothing_changes(
        self, api: Api, size_bytes: int, sent: tuple[int, ...], named: str
    ) -> None:
        video_id = parted(api, size_bytes=size_bytes)
        send(api, video_id, *sent)
        row = api.row(video_id)
        answer = confirm(api, video_id)
        assert (answer.status_code, answer.json["code"], answer.json["retryable"]) == (409, "parts_missing", True)
        assert named in answer.json["detail"]
        assert api.row(video_id) == row
        assert not api.storage.raw

    def test_while_storage_is_unavailable_nothing_changes(self, api: Api) -> None:
        video_id = parted(api)
        send(api, video_id, 1, 2, 3)
        row = api.row(video_id)
        api.storage.error = UnavailableError("listing the parts: no answer")
        assert confirm(api, video_id).json["code"] == "temporarily_unavailable"
        assert api.row(video_id) == row

    @pytest.mark.parametrize("is_confirmed", [True, False])
    def test_once_joined_no_part_is_signed(self, api: Api, is_confirmed: bool) -> None:
        video_id = parted(api)
        send(api, video_id, 1, 2, 3)
        confirm(api, video_id)
        if not is_confirmed:
            api.set_columns(video_id, confirmations=0)
        assert [call.json["code"] for call in (get(api, video_id), sign(api, video_id, 1))] == ["upload_closed"] * 2
        assert api.call("POST", f"/api/v1/videos/{video_id}/upload_url").json["code"] == "upload_closed"
        assert not api.multipart.uploads

    def test_after_a_rejection_another_file_is_sent_in_parts(self, api: Api) -> None:
        video_id = parted(api)
        send(api, video_id, 1, 2, 3)
        confirm(api, video_id)
        version = api.storage.raw[api.row(video_id).desired.storage_key].facts.version
        rejected = Rejection("not_a_video", "no video", version, confirmations=1)
        api.observe(video_id, reason=Reason.FILE_REJECTED, rejected=rejected)

        assert get(api, video_id).json["missing"] == [1, 2, 3]
        assert sign(api, video_id, 1, 2, 3).status_code == 200
        send(api, video_id, 1, 2)
        assert confirm(api, video_id).json["code"] == "parts_missing"
        api.now += timedelta(minutes=1)
        send(api, video_id, 3)
        assert confirm(api, video_id).status_code == 202
        assert api.row(video_id).desired.confirmations == 2


class TestGivingUp:
    def test_deleting_aborts_the_multipart_upload(self, api: Api) -> None:
        video_id = parted(api)
        send(api, video_id, 1)
        assert api.call("DELETE", f"/api/v1/videos/{video_id}").status_code == 204
        assert not api.multipart.uploads
        assert api.call("DELETE", f"/api/v1/videos/{video_id}").status_code == 204

    def test_the_video_is_deleted_even_while_storage_is_unavailable(self, api: Api) -> None:
        video_id = parted(api)
        api.storage.error = UnavailableError("aborting a multipart upload: no answer")
        assert api.call("DELETE", f"/api/v1/videos/{video_id}").status_code == 204
        assert api.row(video_id).desired.deleted

    def test_a_restored_upload_starts_over(self, api: Api) -> None:
        video_id = parted(api)
        send(api, video_id, 1)
        api.call("DELETE", f"/api/v1/videos/{video_id}")
        api.call("POST", f"/api/v1/videos/{video_id}/restore")
        assert get(api, video_id).json["missing"] == [1, 2, 3]
        assert sign(api, video_id, 1).status_code == 200
