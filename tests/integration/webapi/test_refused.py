"""Storage refuses our key: the problem says that a retry is worthwhile, and what an administrator does first."""

import pytest
from structlog.testing import capture_logs

from domain.errors import RefusedError
from domain.video import Phase
from tests.support.api import Api, verify_file
from tests.support.builders.videos import in_phase

VIDEOS = "/api/v1/videos"
REFUSED = RefusedError("looking for the original at the object store: HTTP 403 AccessDenied")


@pytest.mark.parametrize("suffix", ["upload_complete", "original", "retranscode"])
def test_a_call_refused_by_storage_is_marked_retryable(api: Api, suffix: str) -> None:
    video_id = api.create()
    verify_file(api, video_id, **in_phase(Phase.UPLOADING if suffix == "upload_complete" else Phase.READY))
    row = api.row(video_id)
    api.storage.error = REFUSED
    with capture_logs() as lines:
        answer = api.call("GET" if suffix == "original" else "POST", f"{VIDEOS}/{video_id}/{suffix}")

    assert (answer.status_code, answer.json["code"], answer.json["retryable"]) == (503, "storage_refused", True)
    assert int(answer.headers["Retry-After"]) >= 1
    assert "key" in answer.json["what_to_do"]
    assert "AccessDenied" not in answer.text
    (line,) = [line for line in lines if line["event"] == "upstream_refused"]
    assert (line["log_level"], line["error"]) == ("error", str(REFUSED))
    assert api.row(video_id) == row
