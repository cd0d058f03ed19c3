"""An API that cuts files into small parts, and a client that sends them."""

from dataclasses import replace
from typing import Any

import falcon.testing

from tests.support.api import MAX_FILE_BYTES, Api
from webapi.app import create_app
from webapi.videos.videos import Policy

# Small parts, so that a test can send them all.
PARTS = {1: b"0123456789", 2: b"0123456789", 3: b"01234"}
FILE_BYTES = 25


def with_small_parts(api: Api) -> Api:
    """Return the API with parts of ten bytes, for files above thirty bytes and on request."""
    policy = Policy(10, 10, 10, MAX_FILE_BYTES, 900, 300, multipart_above_bytes=30, part_bytes=10)
    api.deps = replace(api.deps, policy=policy)
    api.client = falcon.testing.TestClient(create_app(api.deps))
    return api


def parted(api: Api, **changes: Any) -> str:
    return api.create(**{"upload_mode": "multipart", "size_bytes": FILE_BYTES, **changes})


def send(api: Api, video_id: str, *numbers: int) -> None:
    """Play the client: send these parts."""
    upload_id = api.row(video_id).upload_id
    assert upload_id is not None
    for number in numbers:
        api.multipart.send_part(upload_id, number, PARTS[number])


def get(api: Api, video_id: str, **kwargs: Any) -> falcon.testing.Result:
    return api.call("GET", f"/api/v1/videos/{video_id}/parts", **kwargs)


def sign(api: Api, video_id: str, *numbers: object, **kwargs: Any) -> falcon.testing.Result:
    return api.call("POST", f"/api/v1/videos/{video_id}/parts", json={"part_numbers": numbers}, **kwargs)


def confirm(api: Api, video_id: str) -> falcon.testing.Result:
    return api.call("POST", f"/api/v1/videos/{video_id}/upload_complete")
