"""The operations of the OpenAPI document: request, response and problems of each call.

A test compares them with the routes of webapi/app.py in both directions.
"""

from dataclasses import dataclass

from pydantic import BaseModel, Field

from webapi.coconut_callback import CallbackBody
from webapi.http.problems import ProblemCode
from webapi.schemas import requests, responses, webhooks

VIDEO_ID, LANGUAGE = "{video_id}", "{language}"
VIDEOS = "/api/v1/videos"
VIDEO = f"{VIDEOS}/{VIDEO_ID}"


@dataclass(frozen=True)
class Operation:
    """One call. ``problems`` omits those that follow from the other fields (document.py)."""

    method: str
    path: str
    summary: str
    status: int = 200
    response: type[BaseModel] | None = None
    other_response: type[BaseModel] | None = None
    # Of a response that is no model.
    media_type: str | None = None
    body: type[BaseModel] | None = None
    # Of a body that is text, and no model.
    text_types: tuple[str, ...] = ()
    # Of a body that is a picture.
    picture_types: tuple[str, ...] = ()
    query: type[BaseModel] | None = None
    problems: tuple[ProblemCode, ...] = ()
    # Of the successful response.
    headers: tuple[str, ...] = ()
    other_statuses: tuple[int, ...] = ()
    is_private: bool = True
    scope: str | None = None
    is_keyed: bool = False
    is_conditional: bool = False
    needs_upstreams: bool = True
    needs_storage: bool = False
    signs_downloads: bool = False

    @property
    def ids(self) -> tuple[str, ...]:
        """Return the names of the parameters in the path, in order."""
        return tuple(part.strip("{}") for part in self.path.split("/") if part.startswith("{"))

    @property
    def tag(self) -> str:
        """Return the group of calls that this one belongs to."""
        if self.path.startswith("/api/v1/admin/"):
            return "administration"
        if self.path.startswith("/api/v1/playback/"):
            return "playback"
        if not self.path.startswith(VIDEOS):
            return "service"
        return next((tag for word, tag in _TAGS_BY_WORD.items() if f"/{word}" in self.path), "videos")


# Of the calls below a video; the others are about the video itself.
_TAGS_BY_WORD = {"upload": "uploading", "parts": "uploading", "captions": "captions"}


class SignedQuery(BaseModel):
    """The query of a callback URL; `sig` signs the rest."""

    video: str = Field(description="the video's id")
    attempt: str = Field(description="the number of the attempt")
    sig: str = Field(description="HMAC-SHA256 of the other two, in hex")


class State(BaseModel):
    """The response of a probe."""

    status: str
    checked_seconds_ago: float | None = None
    parts: tuple[str, ...] | None = None


def _public(path: str, summary: str, **fields: object) -> Operation:
    return Operation("GET", path, summary, is_private=False, needs_upstreams=False, **fields)  # type: ignore[arg-type]


_PLAYLIST = "application/vnd.apple.mpegurl"


def _playback(path: str, summary: str, **fields: object) -> Operation:
    return Operation(
        "GET",
        f"/api/v1/playback/{VIDEO_ID}/{path}",
        summary,
        query=requests.OpenPlayback,
        problems=(ProblemCode.PLAYBACK_DENIED,),
        is_private=False,
        **fields,  # type: ignore[arg-type]
    )


def _admin(method: str, path: str, summary: str, status: int = 200, **fields: object) -> Operation:
    return Operation(method, f"/api/v1/admin/{path}", summary, status, scope="admin", **fields)  # type: ignore[arg-type]


WEBHOOK_OPERATIONS = (
    _admin("GET", "webhooks", "List the webhook endpoints", response=webhooks.WebhookList),
    _admin(
        "POST",
        "webhooks",
        "Register an endpoint",
        201,
        response=webhooks.NewWebhookBody,
        body=webhooks.CreateWebhook,
        problems=(ProblemCode.TOO_MANY,),
        headers=("Location",),
    ),
    _admin("GET", "webhooks/{endpoint_id}", "Show an endpoint", response=webhooks.WebhookBody),
    _admin(
        "PATCH",
        "webhooks/{endpoint_id}",
        "Change, disable or enable an endpoint",
        response=webhooks.WebhookBody,
        body=webhooks.ChangeWebhook,
    ),
    _admin("DELETE", "webhooks/{endpoint_id}", "Delete an endpoint with its secrets and deliveries", 204),
    _admin(
        "POST",
        "webhooks/{endpoint_id}/secrets",
        "Create another signing secret",
        201,
        response=webhooks.NewSecretBody,
        problems=(ProblemCode.TOO_MANY,),
    ),
    _admin(
        "DELETE",
        "webhooks/{endpoint_id}/secrets/{secret_id}",
        "Delete a secret",
        204,
        problems=(ProblemCode.LAST_SECRET,),
    ),
    _admin("POST", "webhooks/{endpoint_id}/test", "Send a test message", 202, response=webhooks.DeliveryBody),
    _admin(
        "POST",
        "webhooks/{endpoint_id}/replay",
        "Send the messages of a time range again",
        202,
        response=webhooks.ReplayedBody,
        body=webhooks.ReplayWebhook,
    ),
    _admin("GET", "deliveries", "List deliveries", response=webhooks.DeliveryList, query=webhooks.ListDeliveries),
    _admin("POST", "deliveries/{delivery_id}/replay", "Repeat a delivery", 202, response=webhooks.DeliveryBody),
)

_RETRY_AFTER = ("Retry-After",)
_PARTS_PROBLEMS = (ProblemCode.NOT_MULTIPART, ProblemCode.UPLOAD_CLOSED, ProblemCode.MANAGED_BY_KUBERNETES)

_FILES_PROBLEMS = (
    ProblemCode.CHANGES_EXHAUSTED,
    ProblemCode.VIDEO_DELETED,
    ProblemCode.MANAGED_BY_KUBERNETES,
)

OPERATIONS = (
    Operation(
        "POST",
        VIDEOS,
        "Create a video and get its upload URL, or have its file fetched",
        201,
        responses.UploadTarget,
        responses.FetchedVideo,
        body=requests.CreateVideo,
        problems=(
            ProblemCode.FILE_TOO_LARGE,
            ProblemCode.SIZE_REQUIRED,
            ProblemCode.UPLOAD_CLOSED,
            ProblemCode.IDEMPOTENCY_KEY_IN_USE,
            ProblemCode.IDEMPOTENCY_KEY_REUSED,
            ProblemCode.UPLOAD_LIMIT_REACHED,
            ProblemCode.BYTE_LIMIT_REACHED,
        ),
        headers=("Location",),
        is_keyed=True,
        needs_storage=True,
    ),
    Operation("GET", VIDEOS, "List your videos, newest first", response=responses.VideoList, query=requests.ListVideos),
    Operation(
        "GET",
        VIDEO,
        "Show a video; wait until it has changed, if you like",
        response=responses.VideoBody,
        query=requests.ShowVideo,
        headers=("ETag", *_RETRY_AFTER),
        is_conditional=True,
    ),
    Operation(
        "PATCH",
        VIDEO,
        "Change the title and the metadata of a video",
        response=responses.VideoBody,
        body=requests.ChangeVideo,
        problems=(ProblemCode.CHANGES_EXHAUSTED, ProblemCode.MANAGED_BY_KUBERNETES),
        headers=_RETRY_AFTER,
    ),
    Operation(
        "DELETE",
        VIDEO,
        "Delete a video or abort its upload; it can be restored for a while",
        204,
        problems=(
            ProblemCode.CHANGES_EXHAUSTED,
            ProblemCode.MANAGED_BY_KUBERNETES,
        ),
    ),
    Operation(
        "POST",
        f"{VIDEO}/upload_url",
        "Get another upload URL",
        response=responses.UploadTarget,
        problems=(ProblemCode.UPLOAD_CLOSED, ProblemCode.MANAGED_BY_KUBERNETES),
        needs_storage=True,
    ),
    Operation(
        "POST",
        f"{VIDEO}/upload_complete",
        "Confirm that the file was sent",
        202,
        responses.ConfirmedVideo,
        problems=(
            ProblemCode.CHANGES_EXHAUSTED,
            ProblemCode.OBJECT_MISSING,
            ProblemCode.PARTS_MISSING,
            ProblemCode.UPLOAD_CLOSED,
            ProblemCode.MANAGED_BY_KUBERNETES,
        ),
        needs_storage=True,
    ),
    Operation(
        "GET",
        f"{VIDEO}/parts",
        "List the parts that have arrived",
        response=responses.PartList,
        problems=_PARTS_PROBLEMS,
        needs_storage=True,
    ),
    Operation(
        "POST",
        f"{VIDEO}/parts",
        "Get upload URLs for some parts",
        response=responses.SignedParts,
        body=requests.SignParts,
        problems=_PARTS_PROBLEMS,
        needs_storage=True,
    ),
    Operation(
        "POST",
        f"{VIDEO}/retry",
        "Retry a failed video",
        202,
        responses.VideoBody,
        problems=(
            ProblemCode.CHANGES_EXHAUSTED,
            ProblemCode.NOT_RETRYABLE,
            ProblemCode.MANAGED_BY_KUBERNETES,
            ProblemCode.RETRY_LIMIT_REACHED,
        ),
        headers=_RETRY_AFTER,
    ),
    Operation(
        "POST",
        f"{VIDEO}/retranscode",
        "Transcode a playable video again; it stays playable",
        202,
        responses.VideoBody,
        problems=(
            ProblemCode.CHANGES_EXHAUSTED,
            ProblemCode.NOT_RETRANSCODABLE,
            ProblemCode.ORIGINAL_UNAVAILABLE,
            ProblemCode.MANAGED_BY_KUBERNETES,
            ProblemCode.RETRANSCODE_LIMIT_REACHED,
        ),
        headers=_RETRY_AFTER,
        needs_storage=True,
    ),
    Operation(
        "POST",
        f"{VIDEO}/restore",
        "Restore a deleted video",
        response=responses.VideoBody,
        problems=(ProblemCode.CHANGES_EXHAUSTED, ProblemCode.NOT_RESTORABLE, ProblemCode.MANAGED_BY_KUBERNETES),
        headers=_RETRY_AFTER,
        other_statuses=(202,),
    ),
    Operation(
        "GET",
        f"{VIDEO}/original",
        "Get a download URL for the original file",
        response=responses.OriginalDownload,
        problems=(ProblemCode.ORIGINAL_UNAVAILABLE,),
        needs_storage=True,
        signs_downloads=True,
    ),
    Operation("GET", f"{VIDEO}/captions", "List the captions of a video", response=responses.CaptionList),
    Operation(
        "PUT",
        f"{VIDEO}/captions/{LANGUAGE}",
        "Add captions, or replace those in a language",
        response=responses.CaptionBody,
        query=requests.PutCaptions,
        text_types=requests.CAPTION_TYPES,
        problems=(ProblemCode.INVALID_CAPTIONS, ProblemCode.TOO_MANY, *_FILES_PROBLEMS),
    ),
    Operation(
        "DELETE",
        f"{VIDEO}/captions/{LANGUAGE}",
        "Remove the captions in a language",
        204,
        problems=(ProblemCode.INVALID_REQUEST, *_FILES_PROBLEMS),
    ),
    Operation(
        "PUT",
        f"{VIDEO}/poster",
        "Choose a picture as the poster of a video",
        response=responses.VideoBody,
        picture_types=requests.POSTER_TYPES,
        problems=(ProblemCode.INVALID_POSTER, *_FILES_PROBLEMS),
        headers=_RETRY_AFTER,
    ),
    Operation(
        "DELETE",
        f"{VIDEO}/poster",
        "Go back to the poster that the transcode made",
        204,
        problems=_FILES_PROBLEMS,
    ),
    Operation("GET", f"{VIDEO}/events", "List the history of a video", response=responses.EventList),
    Operation(
        "GET",
        f"{VIDEO}/events/stream",
        "Follow a video as Server-Sent Events, each of which is the whole video",
        media_type="text/event-stream",
    ),
    _playback("playlist.m3u8", "Open a private video: the master playlist", media_type=_PLAYLIST),
    _playback(
        "media.m3u8",
        "Read a quality, or captions, of a private video: a media playlist",
        media_type=_PLAYLIST,
        needs_storage=True,
    ),
    _playback("file", "Read the picture or the captions of a private video", status=302, headers=("Location",)),
    Operation(
        "GET",
        "/api/v1/admin/overview",
        "Show counts of the working set",
        response=responses.AdminOverview,
        scope="admin",
    ),
    Operation(
        "GET",
        "/api/v1/admin/profiles",
        "List the transcode profiles and how far their rollouts are",
        response=responses.AdminProfileList,
        scope="admin",
    ),
    Operation(
        "GET",
        "/api/v1/admin/videos",
        "List the videos of all owners, or the failed ones",
        response=responses.AdminVideoList,
        query=requests.ListCatalogue,
        scope="admin",
    ),
    Operation(
        "POST",
        f"/api/v1/admin/videos/{VIDEO_ID}/retry",
        "Retry any owner's video",
        202,
        responses.AdminVideoBody,
        problems=(ProblemCode.CHANGES_EXHAUSTED, ProblemCode.NOT_RETRYABLE, ProblemCode.MANAGED_BY_KUBERNETES),
        headers=_RETRY_AFTER,
        scope="admin",
    ),
    _admin(
        "GET",
        "videos/retry",
        "Plan a retry of all failed videos that match: how many, and for how much",
        response=responses.BulkPlanBody,
        query=requests.PlanRetries,
    ),
    _admin(
        "POST",
        "videos/retry",
        "Retry the videos of a plan",
        202,
        response=responses.BulkResultBody,
        body=requests.ApplyPlan,
    ),
    _admin(
        "GET",
        "videos/retranscode",
        "Plan to transcode all ready videos that match again: how many, and for how much",
        response=responses.BulkPlanBody,
        query=requests.PlanRetranscodes,
    ),
    _admin(
        "POST",
        "videos/retranscode",
        "Transcode the videos of a plan again; they stay playable",
        202,
        response=responses.BulkResultBody,
        body=requests.ApplyPlan,
        needs_storage=True,
    ),
    *WEBHOOK_OPERATIONS,
    Operation(
        "POST",
        "/webhooks/coconut",
        "Receive a callback of the transcoding service",
        204,
        body=CallbackBody,
        query=SignedQuery,
        problems=(ProblemCode.INVALID_SIGNATURE,),
        is_private=False,
    ),
    _public("/livez", "Check that no part of the process is stuck", response=State, other_statuses=(503,)),
    _public("/readyz", "Check that requests can be answered", response=State, other_statuses=(503,)),
    _public("/metrics", "Show the metrics for Prometheus", media_type="text/plain"),
    _public("/openapi.json", "Show this document", media_type="application/json"),
    _public("/docs", "Show this document as a page, in which calls can be tried", media_type="text/html"),
)
