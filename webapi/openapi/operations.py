"""Every call, for the OpenAPI document: what it takes, what it answers, which problems it can end in.

A test compares these rows with the routes of webapi/app.py both ways.
"""

from dataclasses import dataclass

from pydantic import BaseModel

from webapi.coconut_callback import CallbackBody
from webapi.http.problems import ProblemCode
from webapi.schemas import requests, responses, webhooks

VIDEO_ID = "{video_id}"
VIDEOS = "/api/v1/videos"
VIDEO = f"{VIDEOS}/{VIDEO_ID}"


@dataclass(frozen=True)
class Operation:
    """One call. What follows from its kind (a token, an id, a body, a query) is not repeated in ``problems``."""

    method: str
    path: str
    summary: str
    status: int = 200
    answer: type[BaseModel] | None = None
    # What the answer is when it is no model of ours.
    media_type: str | None = None
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    problems: tuple[ProblemCode, ...] = ()
    # Of the successful answer.
    headers: tuple[str, ...] = ()
    other_statuses: tuple[int, ...] = ()
    is_private: bool = True
    scope: str | None = None
    is_keyed: bool = False
    is_conditional: bool = False
    asks_neighbours: bool = True
    asks_storage: bool = False

    @property
    def ids(self) -> tuple[str, ...]:
        """Return the names of what it is about, in the order of the path."""
        return tuple(part.strip("{}") for part in self.path.split("/") if part.startswith("{"))


class SignedQuery(BaseModel):
    """The query of a callback URL, as it was signed."""

    video: str
    attempt: str
    sig: str


class State(BaseModel):
    """What a probe is told."""

    status: str


def _public(path: str, summary: str, **known: object) -> Operation:
    return Operation("GET", path, summary, is_private=False, asks_neighbours=False, **known)  # type: ignore[arg-type]


def _admin(method: str, path: str, summary: str, status: int = 200, **known: object) -> Operation:
    return Operation(method, f"/api/v1/admin/{path}", summary, status, scope="admin", **known)  # type: ignore[arg-type]


WEBHOOK_OPERATIONS = (
    _admin("GET", "webhooks", "List the endpoints that are told by webhook", answer=webhooks.WebhookList),
    _admin(
        "POST",
        "webhooks",
        "Register an endpoint",
        201,
        answer=webhooks.NewWebhookBody,
        body=webhooks.CreateWebhook,
        problems=(ProblemCode.TOO_MANY,),
        headers=("Location",),
    ),
    _admin("GET", "webhooks/{endpoint_id}", "Look at an endpoint", answer=webhooks.WebhookBody),
    _admin(
        "PATCH",
        "webhooks/{endpoint_id}",
        "Change an endpoint, close it or open it again",
        answer=webhooks.WebhookBody,
        body=webhooks.ChangeWebhook,
    ),
    _admin("DELETE", "webhooks/{endpoint_id}", "Forget an endpoint with its deliveries", 204),
    _admin(
        "POST",
        "webhooks/{endpoint_id}/secrets",
        "Make one more secret that signs",
        201,
        answer=webhooks.NewSecretBody,
        problems=(ProblemCode.TOO_MANY,),
    ),
    _admin(
        "DELETE",
        "webhooks/{endpoint_id}/secrets/{secret_id}",
        "Let a secret sign no more",
        204,
        problems=(ProblemCode.LAST_SECRET,),
    ),
    _admin("POST", "webhooks/{endpoint_id}/test", "Send a test message", 202, answer=webhooks.DeliveryBody),
    _admin(
        "POST",
        "webhooks/{endpoint_id}/replay",
        "Tell again what was told in some time",
        202,
        answer=webhooks.ReplayedBody,
        body=webhooks.ReplayWebhook,
    ),
    _admin(
        "GET", "deliveries", "See what was sent to whom", answer=webhooks.DeliveryList, query=webhooks.ListDeliveries
    ),
    _admin("POST", "deliveries/{delivery_id}/replay", "Send a message once more", 202, answer=webhooks.DeliveryBody),
)

_AGAIN = ("Retry-After",)
_OF_PARTS = (ProblemCode.NOT_MULTIPART, ProblemCode.UPLOAD_CLOSED, ProblemCode.MANAGED_BY_KUBERNETES)

OPERATIONS = (
    Operation(
        "POST",
        VIDEOS,
        "Ask for an upload",
        201,
        responses.UploadTarget,
        body=requests.CreateVideo,
        problems=(
            ProblemCode.FILE_TOO_LARGE,
            ProblemCode.SIZE_REQUIRED,
            ProblemCode.UPLOAD_CLOSED,
            ProblemCode.IDEMPOTENCY_KEY_IN_USE,
            ProblemCode.IDEMPOTENCY_KEY_REUSED,
            ProblemCode.UPLOAD_LIMIT_REACHED,
        ),
        headers=("Location", "RateLimit", "RateLimit-Policy"),
        is_keyed=True,
        asks_storage=True,
    ),
    Operation("GET", VIDEOS, "List your videos, newest first", answer=responses.VideoList, query=requests.ListVideos),
    Operation(
        "GET",
        VIDEO,
        "Look at a video",
        answer=responses.VideoBody,
        headers=("ETag", *_AGAIN),
        is_conditional=True,
    ),
    Operation(
        "DELETE",
        VIDEO,
        "Delete a video, or give up its upload; it can be restored for a while",
        204,
        problems=(ProblemCode.MANAGED_BY_KUBERNETES,),
    ),
    Operation(
        "POST",
        f"{VIDEO}/upload_url",
        "Get another URL to send the file to",
        answer=responses.UploadTarget,
        problems=(ProblemCode.UPLOAD_CLOSED, ProblemCode.MANAGED_BY_KUBERNETES),
        asks_storage=True,
    ),
    Operation(
        "POST",
        f"{VIDEO}/upload_complete",
        "Confirm that the file was sent",
        202,
        responses.ConfirmedVideo,
        problems=(
            ProblemCode.OBJECT_MISSING,
            ProblemCode.PARTS_MISSING,
            ProblemCode.UPLOAD_CLOSED,
            ProblemCode.MANAGED_BY_KUBERNETES,
        ),
        asks_storage=True,
    ),
    Operation(
        "GET",
        f"{VIDEO}/parts",
        "See which parts of the file have arrived",
        answer=responses.PartList,
        problems=_OF_PARTS,
        asks_storage=True,
    ),
    Operation(
        "POST",
        f"{VIDEO}/parts",
        "Get URLs to send parts to",
        answer=responses.SignedParts,
        body=requests.SignParts,
        problems=_OF_PARTS,
        asks_storage=True,
    ),
    Operation(
        "POST",
        f"{VIDEO}/retry",
        "Try again what failed",
        202,
        responses.VideoBody,
        problems=(ProblemCode.NOT_RETRYABLE, ProblemCode.MANAGED_BY_KUBERNETES),
        headers=_AGAIN,
    ),
    Operation(
        "POST",
        f"{VIDEO}/retranscode",
        "Transcode a playable video again; it plays on meanwhile",
        202,
        responses.VideoBody,
        problems=(
            ProblemCode.NOT_RETRANSCODABLE,
            ProblemCode.ORIGINAL_UNAVAILABLE,
            ProblemCode.MANAGED_BY_KUBERNETES,
            ProblemCode.RETRANSCODE_LIMIT_REACHED,
        ),
        headers=_AGAIN,
        asks_storage=True,
    ),
    Operation(
        "POST",
        f"{VIDEO}/restore",
        "Take a deletion back",
        answer=responses.VideoBody,
        problems=(ProblemCode.NOT_RESTORABLE, ProblemCode.MANAGED_BY_KUBERNETES),
        headers=_AGAIN,
        other_statuses=(202,),
    ),
    Operation(
        "GET",
        f"{VIDEO}/original",
        "Get a URL to download the file as it was sent",
        answer=responses.OriginalDownload,
        problems=(ProblemCode.ORIGINAL_UNAVAILABLE,),
        asks_storage=True,
    ),
    Operation("GET", f"{VIDEO}/events", "See what has happened to a video", answer=responses.EventList),
    Operation(
        "GET",
        "/api/v1/admin/overview",
        "See the working set at a glance",
        answer=responses.AdminOverview,
        scope="admin",
    ),
    Operation(
        "GET",
        "/api/v1/admin/videos",
        "List the dead letters of all owners",
        answer=responses.AdminVideoList,
        query=requests.ListDeadLetters,
        scope="admin",
    ),
    Operation(
        "POST",
        f"/api/v1/admin/videos/{VIDEO_ID}/retry",
        "Try again anybody's video",
        202,
        responses.AdminVideoBody,
        problems=(ProblemCode.NOT_RETRYABLE, ProblemCode.MANAGED_BY_KUBERNETES),
        headers=_AGAIN,
        scope="admin",
    ),
    *WEBHOOK_OPERATIONS,
    Operation(
        "POST",
        "/webhooks/coconut",
        "Hear from the transcoding service",
        204,
        body=CallbackBody,
        query=SignedQuery,
        problems=(ProblemCode.INVALID_SIGNATURE,),
        is_private=False,
    ),
    _public("/livez", "Tell that the process answers", answer=State),
    _public("/readyz", "Tell whether requests can be answered", answer=State, other_statuses=(503,)),
    _public("/metrics", "Measurements for Prometheus", media_type="text/plain"),
    _public("/openapi.json", "This document", media_type="application/json"),
    _public("/docs", "This document, to be read", media_type="text/html"),
)
