"""The routes. `create_app` joins resources and middleware without I/O; wiring.py gives it the real neighbours."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import falcon

from domain.callback_url import CALLBACK_PATH
from webapi.admin.deliveries import DeliveryLog, DeliveryReplay
from webapi.admin.overview import AdminOverviewPage
from webapi.admin.videos import AdminRetry, AdminVideos
from webapi.admin.webhooks import Targets, Webhook, WebhookReplay, Webhooks, WebhookSecret, WebhookSecrets, WebhookTest
from webapi.coconut_callback import CoconutWebhook
from webapi.health import Livez, MetricsPage, Readiness, Readyz
from webapi.http.auth import Authentication, Tokens
from webapi.http.cors import Cors
from webapi.http.error_handlers import handle_errors
from webapi.http.request_log import Observing
from webapi.metrics import ApiMetrics
from webapi.openapi.document import openapi_document
from webapi.openapi.page import Docs, OpenApi
from webapi.ports import (
    Catalogue,
    Claims,
    Deliveries,
    Endpoints,
    History,
    Overviews,
    Parts,
    Publisher,
    Storage,
    Wishes,
)
from webapi.site import Page, page_routes
from webapi.videos.actions import Restore, Retry, Retrying
from webapi.videos.events import VideoEvents
from webapi.videos.listing import Lists
from webapi.videos.multipart import Multiparts
from webapi.videos.original import Originals, VideoOriginal
from webapi.videos.parts import VideoParts
from webapi.videos.responder import Showing
from webapi.videos.retranscode import Retranscode, Retranscoding
from webapi.videos.serializers import View
from webapi.videos.uploads import UploadComplete, UploadUrl, UploadUrls
from webapi.videos.videos import Policy, Video, Videos

App = falcon.App[Any, Any]


@dataclass(frozen=True)
class Dependencies:
    """Everything the resources are made from."""

    catalogue: Catalogue
    wishes: Wishes
    history: History
    overviews: Overviews
    claims: Claims
    storage: Storage
    parts: Parts
    publisher: Publisher
    readiness: Readiness
    metrics: ApiMetrics
    tokens: Tokens
    callback_keys: Sequence[str]
    policy: Policy
    view: View
    clock: Callable[[], datetime]
    endpoints: Endpoints
    deliveries: Deliveries
    targets: Targets
    cors_origins: Sequence[str] = ()
    page: Page | None = None


def create_app(needs: Dependencies) -> App:
    """Return the WSGI application."""
    app: App = falcon.App(middleware=[Observing(needs.metrics), Cors(needs.cors_origins), Authentication(needs.tokens)])
    handle_errors(app)
    _add_videos(app, needs)
    _add_webhooks(app, needs)
    app.add_route(CALLBACK_PATH, CoconutWebhook(needs.claims, needs.callback_keys, needs.metrics, needs.clock))
    app.add_route("/livez", Livez())
    app.add_route("/readyz", Readyz(needs.readiness))
    app.add_route("/metrics", MetricsPage(needs.metrics))
    document = openapi_document()
    app.add_route("/openapi.json", OpenApi(document))
    app.add_route("/docs", Docs(document))
    for route, resource in page_routes(needs.page) if needs.page else ():
        app.add_route(route, resource)
    return app


def _add_videos(app: App, needs: Dependencies) -> None:
    catalogue, wishes, publisher = needs.catalogue, needs.wishes, needs.publisher
    showing = Showing(needs.view, needs.clock)
    policy = needs.policy
    multiparts = Multiparts(
        wishes, needs.parts, needs.storage, part_bytes=policy.part_bytes, url_seconds=policy.upload_url_seconds
    )
    urls = UploadUrls(needs.storage, multiparts, expires_seconds=policy.upload_url_seconds)
    lists, retrying = Lists(catalogue, needs.view, needs.clock), Retrying(wishes, publisher)
    videos, video = "/api/v1/videos", "/api/v1/videos/{video_id}"
    app.add_route(videos, Videos(wishes, publisher, urls, lists, policy))
    app.add_route(video, Video(catalogue, wishes, multiparts, publisher, showing))
    app.add_route(f"{video}/upload_url", UploadUrl(catalogue, urls))
    confirming = UploadComplete(catalogue, wishes, needs.storage, multiparts, publisher)
    app.add_route(f"{video}/upload_complete", confirming)
    app.add_route(f"{video}/parts", VideoParts(catalogue, multiparts))
    app.add_route(f"{video}/retry", Retry(catalogue, retrying, showing))
    originals = Originals(needs.storage)
    app.add_route(f"{video}/original", VideoOriginal(catalogue, originals, needs.storage))
    retranscoding = Retranscoding(wishes, originals, publisher, per_day=policy.retranscodes_per_day)
    app.add_route(f"{video}/retranscode", Retranscode(catalogue, retranscoding, showing))
    app.add_route(f"{video}/restore", Restore(catalogue, wishes, publisher, showing))
    app.add_route(f"{video}/events", VideoEvents(catalogue, needs.history))
    app.add_route("/api/v1/admin/overview", AdminOverviewPage(needs.overviews, needs.clock))
    app.add_route("/api/v1/admin/videos", AdminVideos(lists))
    app.add_route("/api/v1/admin/videos/{video_id}/retry", AdminRetry(catalogue, retrying, showing))


def _add_webhooks(app: App, needs: Dependencies) -> None:
    endpoints, deliveries, targets = needs.endpoints, needs.deliveries, needs.targets
    webhooks, webhook = "/api/v1/admin/webhooks", "/api/v1/admin/webhooks/{endpoint_id}"
    app.add_route(webhooks, Webhooks(endpoints, targets))
    app.add_route(webhook, Webhook(endpoints, targets))
    app.add_route(f"{webhook}/secrets", WebhookSecrets(endpoints))
    app.add_route(f"{webhook}/secrets/{{secret_id}}", WebhookSecret(endpoints))
    app.add_route(f"{webhook}/test", WebhookTest(deliveries))
    app.add_route(f"{webhook}/replay", WebhookReplay(deliveries))
    app.add_route("/api/v1/admin/deliveries", DeliveryLog(deliveries))
    app.add_route("/api/v1/admin/deliveries/{delivery_id}/replay", DeliveryReplay(deliveries))
