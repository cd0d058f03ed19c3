"""What is accepted as a request, where no row is needed to decide."""

import json

import pytest
from pydantic import ValidationError

from webapi.schemas.requests import CreateVideo


def created(**changes: object) -> CreateVideo:
    body = {"title": "Cats", "filename": "cats.mp4", "content_type": "video/mp4", **changes}
    return CreateVideo.model_validate_json(json.dumps(body), strict=True)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        pytest.param("video/mp4", "video/mp4", id="plain"),
        pytest.param("Video/MP4", "video/mp4", id="in-capitals"),
        pytest.param("video/webm;codecs=vp9,opus", "video/webm", id="as-a-recorder-writes-it"),
        pytest.param('video/mp4; codecs="avc1.42E01E, mp4a.40.2"', "video/mp4", id="quoted-parameter"),
        pytest.param("video/mp4 ;a=b ; c=d", "video/mp4", id="blanks-around-parameters"),
        pytest.param("video/mp4;", "video/mp4", id="empty-parameter"),
        pytest.param("video/vnd.dlna.mpeg-tts", "video/vnd.dlna.mpeg-tts", id="vendor"),
        pytest.param("application/mp4", "application/mp4", id="registered-mp4"),
        pytest.param("application/MXF", "application/mxf", id="registered-mxf"),
        pytest.param("application/ogg", "application/ogg", id="registered-ogg"),
        pytest.param("application/vnd.ms-asf", "application/vnd.ms-asf", id="registered-asf"),
        pytest.param("Application/Octet-Stream; charset=binary", "application/octet-stream", id="unknown"),
    ],
)
def test_a_media_type_is_compared_without_case_and_parameters(sent: str, kept: str) -> None:
    assert created(content_type=sent).content_type == kept


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "video",
        "video/",
        "/mp4",
        "text/html",
        "text/video/mp4",
        "application/pdf",
        "xapplication/mp4",
        "video/mp4 x=y",
        "video /mp4",
        "video/ mp4",
        "video/mp4,text/html",
        "video/mp4;a=\r\nb",
        "video/mp4;\u202e",
        "video/mp4;" + "x" * 250,
    ],
)
def test_what_is_no_media_type_of_a_video_is_refused(sent: str) -> None:
    with pytest.raises(ValidationError):
        created(content_type=sent)
