"""One row for each call of the API."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import falcon.inspect
from pydantic import BaseModel

from domain.bulk import BulkAction
from tests.support.builders.pictures import PICTURE
from webapi.app import App
from webapi.coconut_callback import BODY_BYTES_MAX, CallbackBody
from webapi.http.parsing import JSON_BYTES_MAX
from webapi.http.playback_tokens import Use
from webapi.http.routing import Router
from webapi.schemas.requests import (
    ApplyPlan,
    ChangeVideo,
    CreateVideo,
    ListCatalogue,
    ListVideos,
    OpenPlayback,
    PlanRetranscodes,
    PlanRetries,
    PutCaptions,
    ShowVideo,
    SignParts,
)
from webapi.schemas.webhooks import ChangeWebhook, CreateWebhook, ListDeliveries, ReplayWebhook


@dataclass(frozen=True)
class CallBody:
    """The JSON that a call takes, and a good one."""

    model: type[BaseModel]
    sample: Mapping[str, Any]
    bytes_max: int = JSON_BYTES_MAX
    # Whether only `application/json` is read: callbacks come as they come.
    is_typed: bool = True

    @property
    def is_closed(self) -> bool:
        """Tell whether fields that are not in the model are refused."""
        return self.model.model_config.get("extra") == "forbid"


@dataclass(frozen=True)
class Query:
    """The parameters that a call takes, and good ones."""

    model: type[BaseModel]
    sample: Mapping[str, str]


@dataclass(frozen=True)
class Call:
    """One call. A row says who may make it and what it reads; its faults follow from that."""

    method: str
    template: str
    success: int = 200
    # Needs a token.
    is_private: bool = True
    # Needs a signature in its query.
    is_signed: bool = False
    body: CallBody | None = None
    # What a token in its query must open.
    opens: Use | None = None
    # A good body of a call that takes WebVTT.
    text: str = ""
    # A good body of a call that takes a JPEG.
    picture: bytes = b""
    query: Query | None = None
    # The word that the token needs.
    scope: str | None = None
    # Can be repeated under a key of the client's own.
    is_keyed: bool = False
    # What the plan in its body requests.
    plans: BulkAction | None = None
    # Which of the caller's videos or other things it is about, so that it succeeds again: see `Facts`.
    about: str = "own"

    def __str__(self) -> str:
        return f"{self.method} {self.template}"

    @property
    def reads_body(self) -> bool:
        """Tell whether it reads what is sent with it."""
        return self.body is not None or bool(self.text or self.picture)

    @property
    def has_id(self) -> bool:
        """Tell whether it is about one thing that the caller knows."""
        return "{" in self.template


_NEW_VIDEO = {
    "title": "Cats",
    "filename": "cats.mp4",
    "content_type": "video/mp4",
    "size_bytes": 9,
    "content_md5": "XUFAKrxLKna5cZ2REBfFkg==",
    "metadata": {"album": "1"},
    "upload_mode": "single",
    "region": "tor1",
    "visibility": "public",
    "embed_origins": ["https://www.example.com"],
    "profile": "hls-1080p",
}
_CALLBACK = {"job_id": "S9BkOufdntiPR9", "event": "job.completed", "data": {}}
_ADMIN = "/api/v1/admin"
_WEBHOOK = {
    "url": "https://93.184.216.34/hooks",
    "description": "ours",
    "kinds": ["video.ready"],
    "format": "cloudevents",
}


def _playback(name: str, opens: Use, success: int = 200) -> Call:
    template, query = f"/api/v1/playback/{{video_id}}/{name}", Query(OpenPlayback, {})
    return Call("GET", template, success, is_private=False, opens=opens, query=query, about="private")


def _bulk(action: BulkAction, about: str) -> Call:
    body = CallBody(ApplyPlan, {"plan": "x"})
    return Call("POST", f"{_ADMIN}/videos/{action}", 202, scope="admin", body=body, plans=action, about=about)


_FILTERS = {
    "owner": "ann",
    "profile": "hls-1080p",
    "region": "tor1",
    "created_after": "2026-01-01T00:00:00Z",
    "created_before": "2026-01-02T00:00:00+00:00",
    "title": "cats",
}

CALLS = (
    Call("POST", "/api/v1/videos", 201, body=CallBody(CreateVideo, _NEW_VIDEO), is_keyed=True),
    Call("GET", "/api/v1/videos", query=Query(ListVideos, {"status": "errored", "deleted": "false", "page_size": "5"})),
    Call("GET", "/api/v1/videos/{video_id}", query=Query(ShowVideo, {"wait": "1", "since": "0.0"})),
    Call(
        "PATCH",
        "/api/v1/videos/{video_id}",
        body=CallBody(
            ChangeVideo,
            {
                "title": "Dogs",
                "metadata": {"album": "2"},
                "visibility": "private",
                "embed_origins": ["https://www.example.com"],
            },
        ),
    ),
    Call("DELETE", "/api/v1/videos/{video_id}", 204, about="deleted"),
    Call("POST", "/api/v1/videos/{video_id}/upload_url", about="waiting"),
    Call("POST", "/api/v1/videos/{video_id}/upload_complete", 202),
    Call("GET", "/api/v1/videos/{video_id}/parts", about="parted"),
    Call("POST", "/api/v1/videos/{video_id}/parts", about="parted", body=CallBody(SignParts, {"part_numbers": [1]})),
    Call("POST", "/api/v1/videos/{video_id}/retry", 202, about="failed"),
    Call("POST", "/api/v1/videos/{video_id}/retranscode", 202, about="requested"),
    Call("POST", "/api/v1/videos/{video_id}/restore", about="waiting"),
    Call("GET", "/api/v1/videos/{video_id}/original", about="verified"),
    Call("GET", "/api/v1/videos/{video_id}/captions"),
    Call(
        "PUT",
        "/api/v1/videos/{video_id}/captions/{language}",
        text="WEBVTT\n\n00:01.000 --> 00:02.000\nHello\n",
        query=Query(PutCaptions, {"label": "English", "default": "true"}),
    ),
    Call("DELETE", "/api/v1/videos/{video_id}/captions/{language}", 204),
    Call("PUT", "/api/v1/videos/{video_id}/poster", picture=PICTURE),
    Call("DELETE", "/api/v1/videos/{video_id}/poster", 204),
    Call("GET", "/api/v1/videos/{video_id}/events"),
    Call("GET", "/api/v1/videos/{video_id}/events/stream"),
    _playback("playlist.m3u8", Use.WATCH),
    _playback("media.m3u8", Use.MEDIA),
    _playback("file", Use.FILE, 302),
    Call("GET", "/api/v1/admin/overview", scope="admin"),
    Call("GET", "/api/v1/admin/profiles", scope="admin"),
    Call(
        "GET",
        "/api/v1/admin/videos",
        scope="admin",
        query=Query(
            ListCatalogue,
            {
                "owner": "ann",
                "status": "errored",
                "profile": "hls-1080p",
                "region": "tor1",
                "error_code": "job_lost",
                "created_after": "2026-01-01T00:00:00Z",
                "created_before": "2026-01-02T00:00:00+00:00",
                "title": "cats",
                "deleted": "false",
                "page_size": "5",
            },
        ),
    ),
    Call("POST", "/api/v1/admin/videos/{video_id}/retry", 202, scope="admin", about="failed"),
    Call(
        "GET", f"{_ADMIN}/videos/retry", scope="admin", query=Query(PlanRetries, {**_FILTERS, "error_code": "job_lost"})
    ),
    _bulk(BulkAction.RETRY, "failed"),
    Call("GET", f"{_ADMIN}/videos/retranscode", scope="admin", query=Query(PlanRetranscodes, _FILTERS)),
    _bulk(BulkAction.RETRANSCODE, "requested"),
    Call("GET", f"{_ADMIN}/webhooks", scope="admin"),
    Call("POST", f"{_ADMIN}/webhooks", 201, scope="admin", body=CallBody(CreateWebhook, _WEBHOOK)),
    Call("GET", f"{_ADMIN}/webhooks/{{endpoint_id}}", scope="admin", about="endpoint"),
    Call(
        "PATCH",
        f"{_ADMIN}/webhooks/{{endpoint_id}}",
        scope="admin",
        about="endpoint",
        body=CallBody(ChangeWebhook, {**_WEBHOOK, "enabled": True}),
    ),
    Call("DELETE", f"{_ADMIN}/webhooks/{{endpoint_id}}", 204, scope="admin", about="endpoint"),
    Call("POST", f"{_ADMIN}/webhooks/{{endpoint_id}}/secrets", 201, scope="admin", about="endpoint"),
    Call("DELETE", f"{_ADMIN}/webhooks/{{endpoint_id}}/secrets/{{secret_id}}", 204, scope="admin", about="secret"),
    Call("POST", f"{_ADMIN}/webhooks/{{endpoint_id}}/test", 202, scope="admin", about="endpoint"),
    Call(
        "POST",
        f"{_ADMIN}/webhooks/{{endpoint_id}}/replay",
        202,
        scope="admin",
        about="endpoint",
        body=CallBody(ReplayWebhook, {"since": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00+00:00"}),
    ),
    Call(
        "GET",
        f"{_ADMIN}/deliveries",
        scope="admin",
        query=Query(ListDeliveries, {"video_id": "a", "endpoint_id": str(UUID(int=1)), "state": "failed"}),
    ),
    Call("POST", f"{_ADMIN}/deliveries/{{delivery_id}}/replay", 202, scope="admin", about="delivery"),
    Call(
        "POST",
        "/webhooks/coconut",
        204,
        is_private=False,
        is_signed=True,
        body=CallBody(CallbackBody, _CALLBACK, bytes_max=BODY_BYTES_MAX, is_typed=False),
    ),
    Call("GET", "/livez", is_private=False),
    Call("GET", "/readyz", is_private=False),
    Call("GET", "/metrics", is_private=False),
    Call("GET", "/openapi.json", is_private=False),
    Call("GET", "/docs", is_private=False),
)


falcon.inspect.register_router(Router)(falcon.inspect.inspect_compiled_router)


def routes_of(app: App) -> set[tuple[str, str]]:
    """Return the method and the template of everything that the application answers by itself; HEAD comes with GET."""
    return {
        (method.method, route.path)
        for route in falcon.inspect.inspect_routes(app)
        for method in route.methods
        if not method.internal and method.method != "HEAD"
    }


def methods_of(template: str) -> set[str]:
    """Return the methods that a template is known with."""
    methods = {call.method for call in CALLS if call.template == template}
    return methods | {"HEAD"} if "GET" in methods else methods
