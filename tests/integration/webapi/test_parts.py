"""Multipart uploads: created, sent, interrupted, resumed."""

from datetime import timedelta
from typing import Any

import pytest

from domain.errors import UnavailableError
from domain.video import Phase
from tests.integration.webapi.multipart_uploads import FILE_BYTES, confirm, get, parted, send, sign, with_small_parts
from tests.support.api import A_VIDEO, Api


@pytest.fixture
def api(api: Api) -> Api:
    return with_small_parts(api)


class TestAsking:
    @pytest.mark.parametrize(
        ("changes", "mode"),
        [
            pytest.param({"size_bytes": 30}, "single", id="small"),
            pytest.param({"size_bytes": 31}, "multipart", id="large"),
            pytest.param({"size_bytes": 1, "upload_mode": "multipart"}, "multipart", id="small-on-request"),
            pytest.param({"size_bytes": 31, "upload_mode": "single"}, "single", id="large-in-one-piece-on-request"),
            pytest.param({"size_bytes": 31, "upload_mode": None}, "multipart", id="no-preference"),
            pytest.param({}, "single", id="size-unknown"),
        ],
    )
    def test_the_mode_follows_from_the_size_unless_requested(
        self, api: Api, changes: dict[str, Any], mode: str
    ) -> None:
        answer = api.call("POST", "/api/v1/videos", json={**A_VIDEO, **changes}).json
        assert answer["upload"]["mode"] == mode
        assert api.row(answer["video_id"]).desired.upload_mode == mode

    def test_the_answer_has_the_part_plan_and_the_first_url(self, api: Api) -> None:
        answer = api.call("POST", "/api/v1/videos", json={**A_VIDEO, "size_bytes": 31})
        key = answer.json["storage_key"]
        assert answer.status_code == 201
        assert answer.json["upload"] == {"mode": "multipart", "part_size": 10, "part_count": 4}
        assert (answer.json["method"], answer.json["headers"]) == ("PUT", {})
        url = f"https://raw.storage.test/{key}?upload=upload-1&part=1&length=10&expires=900"
        assert answer.json["upload_url"] == url

    def test_a_multipart_upload_needs_its_size(self, api: Api) -> None:
        answer = api.call("POST", "/api/v1/videos", json={**A_VIDEO, "upload_mode": "multipart"})
        assert (answer.status_code, answer.json["code"]) == (422, "size_required")
        assert [error["field"] for error in answer.json["errors"]] == ["size_bytes"]
        assert not api.video_ids()
        assert not api.multipart.uploads

    def test_an_unknown_mode_is_refused(self, api: Api) -> None:
        answer = api.call("POST", "/api/v1/videos", json={**A_VIDEO, "upload_mode": "tus"})
        assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "upload_mode")

    def test_while_storage_is_unavailable_the_row_stays_and_the_upload_is_opened_later(self, api: Api) -> None:
        api.storage.error = UnavailableError("creating a multipart upload: no answer")
        answer = api.call("POST", "/api/v1/videos", json={**A_VIDEO, "size_bytes": 31})
        assert (answer.status_code, answer.json["code"]) == (503, "temporarily_unavailable")
        api.storage.error = None
        (video_id,) = api.video_ids()
        assert get(api, video_id).json["missing"] == [1, 2, 3, 4]
        assert sign(api, video_id, 2).status_code == 200
        assert api.row(video_id).upload_id == "upload-1"

    def test_the_first_parts_url_can_be_signed_again(self, api: Api) -> None:
        created = api.call("POST", "/api/v1/videos", json={**A_VIDEO, "size_bytes": 31}).json
        api.now += timedelta(hours=2)
        again = api.call("POST", f"/api/v1/videos/{created['video_id']}/upload_url").json
        assert again == {**created, "expires_at": "2026-03-01T14:15:00Z"}
        assert len(api.multipart.uploads) == 1


class TestResuming:
    def test_the_parts_that_arrived_are_read_from_storage(self, api: Api) -> None:
        video_id = parted(api)
        send(api, video_id, 1, 3)
        answer = get(api, video_id)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "private, no-cache")
        assert {name: answer.json[name] for name in ("size_bytes", "part_size", "part_count", "missing")} == {
            "size_bytes": FILE_BYTES,
            "part_size": 10,
            "part_count": 3,
            "missing": [2],
        }
        shown = [(part["part_number"], part["size_bytes"]) for part in answer.json["parts"]]
        assert shown == [(1, 10), (3, 5)]
        assert all(part["etag"] for part in answer.json["parts"])

    def test_a_part_of_another_size_is_missing(self, api: Api) -> None:
        video_id = parted(api)
        send(api, video_id, 2)
        upload_id = api.row(video_id).upload_id
        assert upload_id is not None
        api.multipart.send_part(upload_id, 1, b"short")
        assert get(api, video_id).json["missing"] == [1, 3]

    def test_parts_are_signed_with_their_sizes_in_the_requested_order(self, api: Api) -> None:
        video_id = parted(api)
        answer = sign(api, video_id, 3, 1)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
        assert [(part["part_number"], part["size_bytes"]) for part in answer.json["parts"]] == [(3, 5), (1, 10)]
        assert "part=3&length=5&expires=900" in answer.json["parts"][0]["upload_url"]
        assert answer.json["parts"][0]["expires_at"] == "2026-03-01T12:15:00Z"

    def test_after_expiry_parts_are_signed_again_and_arrived_ones_stay(self, api: Api) -> None:
        video_id = parted(api)
        send(api, video_id, 1)
        api.now += timedelta(hours=5)
        answer = sign(api, video_id, 2)
        assert answer.json["parts"][0]["expires_at"] == "2026-03-01T17:15:00Z"
        assert get(api, video_id).json["missing"] == [2, 3]

    @pytest.mark.parametrize(
        "numbers",
        [
            pytest.param([], id="none"),
            pytest.param([0], id="zero"),
            pytest.param([-1], id="negative"),
            pytest.param([4], id="beyond-the-last"),
            pytest.param([1, 1], id="twice"),
            pytest.param(["1"], id="text"),
            pytest.param([1.0], id="fraction"),
            pytest.param([True], id="true"),
            pytest.param([10**30], id="huge"),
            pytest.param(list(range(1, 102)), id="too-many"),
        ],
    )
    def test_invalid_part_numbers_are_refused_by_field(self, api: Api, numbers: list[object]) -> None:
        answer = sign(api, parted(api), *numbers)
        assert (answer.status_code, answer.json["code"]) == (422, "invalid_request")
        assert answer.json["errors"][0]["field"].partition(".")[0] == "part_numbers"

    def test_a_hundred_parts_are_signed_at_once(self, api: Api) -> None:
        video_id = parted(api, size_bytes=1_001)
        assert len(sign(api, video_id, *range(2, 102)).json["parts"]) == 100

    def test_an_upload_aborted_by_storage_restarts_with_the_same_parts(self, api: Api) -> None:
        video_id = parted(api)
        send(api, video_id, 1, 2)
        api.multipart.uploads.clear()
        assert get(api, video_id).json["missing"] == [1, 2, 3]
        assert sign(api, video_id, 1).json["part_size"] == 10
        send(api, video_id, 1, 2, 3)
        assert confirm(api, video_id).status_code == 202

    def test_a_concurrently_opened_upload_is_used_and_ours_is_aborted(self, api: Api) -> None:
        video_id = parted(api)
        api.multipart.uploads.clear()
        create, key = api.multipart.create, api.row(video_id).desired.storage_key

        def create_late(key: str, *, content_type: str) -> str:
            theirs = create(key, content_type=content_type)
            api.commands.open_upload(video_id, upload_id=theirs, part_bytes=10, instead_of="upload-1")
            return create(key, content_type=content_type)

        api.multipart.create = create_late  # type: ignore[method-assign]
        answer = sign(api, video_id, 1)
        assert "upload=upload-2&" in answer.json["parts"][0]["upload_url"]
        assert [upload.upload_id for page in api.multipart.open_uploads(key) for upload in page] == ["upload-2"]

    def test_an_upload_opened_while_the_video_is_deleted_is_aborted(self, api: Api) -> None:
        video_id = parted(api)
        api.multipart.uploads.clear()
        create = api.multipart.create

        def create_late(key: str, *, content_type: str) -> str:
            api.commands.delete(video_id)
            return create(key, content_type=content_type)

        api.multipart.create = create_late  # type: ignore[method-assign]
        assert sign(api, video_id, 1).json["code"] == "upload_closed"
        assert not api.multipart.uploads


class TestOthers:
    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_another_users_upload_is_not_found(self, api: Api, method: str) -> None:
        video_id = parted(api)
        answer = api.call(method, f"/api/v1/videos/{video_id}/parts", user="eve", json={"part_numbers": [1]})
        assert (answer.status_code, answer.json["code"]) == (404, "not_found")

    @pytest.mark.parametrize("call", [get, lambda api, video_id: sign(api, video_id, 1)], ids=["get", "post"])
    def test_an_upload_in_one_piece_has_no_parts(self, api: Api, call: Any) -> None:
        assert call(api, api.create()).json["code"] == "not_multipart"

    @pytest.mark.parametrize("call", [get, lambda api, video_id: sign(api, video_id, 1)], ids=["get", "post"])
    def test_an_import_has_no_parts_to_change(self, api: Api, call: Any) -> None:
        video_id = parted(api)
        api.set_columns(video_id, origin="kubernetes")
        assert call(api, video_id).json["code"] == "managed_by_kubernetes"

    @pytest.mark.parametrize("phase", [Phase.UPLOADED, Phase.PROCESSING, Phase.READY, Phase.ERRORED])
    def test_after_uploading_no_part_is_signed(self, api: Api, phase: Phase) -> None:
        video_id = parted(api)
        api.observe(video_id, phase=phase)
        assert sign(api, video_id, 1).json["code"] == "upload_closed"
