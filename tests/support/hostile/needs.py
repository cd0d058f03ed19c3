"""Which calls of the table need an upstream to be there."""

from tests.support.hostile.calls import Call
from webapi.openapi.operations import OPERATIONS

NEEDS_POSTGRES = {(one.method, one.path) for one in OPERATIONS if one.needs_upstreams}
# The state that the table's calls need: a file in one piece, and a requested new edition.
NEEDS_STORAGE = {
    ("POST", "/api/v1/videos/{video_id}/upload_complete"),
    ("GET", "/api/v1/videos/{video_id}/parts"),
    ("POST", "/api/v1/videos/{video_id}/parts"),
    ("GET", "/api/v1/videos/{video_id}/original"),
    ("GET", "/api/v1/playback/{video_id}/media.m3u8"),
}


def key(call: Call) -> tuple[str, str]:
    """Return how both tables name a call."""
    return call.method, call.template
