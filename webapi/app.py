"""The routes. `create_app` joins resources and middleware without I/O; wiring.py makes their dependencies."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import falcon

from database.catalogue import Catalogue
from database.commands import VideoCommands
from database.deliveries import Deliveries
from database.events import EventLog
from database.job_claims import Claims
from database.overview import Overviews
from database.profiles import Profiles
from database.queries import VideoQueries
from database.rollouts import Rollouts
from database.webhook_endpoints import Endpoints
from domain.bulk import BulkAction
from domain.callback_url import CALLBACK_PATH
from runtime.tracing import UNTRACED, Tracing
from webapi.admin.bulk import BulkApplier, BulkCosts, BulkPlanner, BulkResource, BulkTerms
from webapi.admin.bulk_plans import BulkPlans
from webapi.admin.deliveries import DeliveryLog, DeliveryReplay
from webapi.admin.overview import AdminOverviewPage
from webapi.admin.profiles import AdminProfiles
from webapi.admin.videos import AdminRetry, AdminVideos
from webapi.admin.webhooks import (
    Targets,
    WebhookReplay,
    WebhookResource,
    WebhookSecret,
    WebhookSecrets,
    WebhooksResource,
    WebhookTest,
)
from webapi.coconut_callback import CoconutCallback
from webapi.health import Liveness, Livez, MetricsPage, Readiness, Readyz
from webapi.http.auth import Authentication, TokenVerifier
from webapi.http.change_limit import ChangeLimit
from webapi.http.cors import Cors
from webapi.http.country import CountryHeader
from webapi.http.error_handlers import handle_errors
from webapi.http.playback_access import PlaybackAccess
from webapi.http.playback_tokens import PlaybackTokens
from webapi.http.request_limit import RequestLimit
from webapi.http.request_log import RequestLog
from webapi.http.request_traces import RequestTraces
from webapi.http.routing import ExactPaths, Router
from webapi.http.viewer_tokens import ViewerTokens
from webapi.metrics import ApiMetrics
from webapi.openapi.document import openapi_document
from webapi.openapi.page import NoDocs, OpenApi
from webapi.ports import Publisher
from webapi.site import DOCS_ROUTE, SitePage, page_routes
from webapi.videos.actions import Retries, VideoRestore, VideoRetry
from webapi.videos.captions import VideoCaption, VideoCaptions
from webapi.videos.events import VideoEvents
from webapi.videos.listing import Lists
from webapi.videos.multipart import Multiparts
from webapi.videos.original import Originals, VideoOriginal
from webapi.videos.parts import VideoParts
from webapi.videos.placement import Placement
from webapi.videos.playback import MasterPlaylist, MediaPlaylist, PlaybackFile, PlaybackGate, SignedPlaylists
from webapi.videos.playback_links import PLAYBACK_PATH
from webapi.videos.poster import VideoPoster
from webapi.videos.responder import Responder
from webapi.videos.retranscode import Retranscodes, VideoRetranscode
from webapi.videos.serializers import Serializer
from webapi.videos.source_urls import SourceUrls
from webapi.videos.stores import Stores
from webapi.videos.stream import VideoStream
from webapi.videos.uploads import UploadComplete, UploadUrl, UploadUrls
from webapi.videos.videos import Choices, Policy, VideoResource, VideosResource
from webapi.videos.watch import OEmbed, PublicVideos, WatchOptions, WatchPage

App = falcon.App[Any, Any]


@dataclass(frozen=True)
class ApiDependencies:
    """Everything that the resources need."""

    queries: VideoQueries
    catalogue: Catalogue
    commands: VideoCommands
    profiles: Profiles
    rollouts: Rollouts
    history: EventLog
    overviews: Overviews
    claims: Claims
    stores: Stores
    publisher: Publisher
    readiness: Readiness
    liveness: Liveness
    metrics: ApiMetrics
    tokens: TokenVerifier
    playback_tokens: PlaybackTokens
    callback_keys: Sequence[str]
    policy: Policy
    serializer: Serializer
    clock: Callable[[], datetime]
    endpoints: Endpoints
    deliveries: Deliveries
    targets: Targets
    source_urls: SourceUrls
    change_limit: ChangeLimit
    request_limit: RequestLimit
    costs: BulkCosts
    # Where the service's resources are in Kubernetes.
    namespace: str = "default"
    cors_origins: Sequence[str] = ()
    page: SitePage | None = None
    country: CountryHeader | None = None
    tracing: Tracing = UNTRACED
    # Where pages for viewers are; without an address there are none. Which origins may frame them is in the policy.
    watch_base_url: str | None = None
    # By which apps open private videos to viewers; None if none may.
    viewer_tokens: ViewerTokens | None = None
    # Proxies in front of the API; None if that is not known.
    trusted_proxy_hops: int | None = None


def create_app(deps: ApiDependencies) -> App:
    """Return the WSGI application."""
    app: App = falcon.App(
        router=Router(),
        middleware=[
            RequestLog(deps.metrics),
            *([] if deps.tracing is UNTRACED else [RequestTraces(deps.tracing, deps.clock)]),
            Cors(deps.cors_origins),
            Authentication(deps.tokens),
            deps.request_limit,
            deps.change_limit,
            ExactPaths(),
        ],
    )
    handle_errors(app)
    _add_videos(app, deps)
    _add_playback(app, deps)
    _add_webhooks(app, deps)
    app.add_route(CALLBACK_PATH, CoconutCallback(deps.claims, deps.callback_keys, deps.metrics, deps.clock))
    app.add_route("/livez", Livez(deps.liveness))
    app.add_route("/readyz", Readyz(deps.readiness))
    app.add_route("/metrics", MetricsPage(deps.metrics))
    app.add_route("/openapi.json", OpenApi(openapi_document()))
    _add_watch_pages(app, deps)
    for route, resource in {DOCS_ROUTE: NoDocs(), **page_routes(deps.page)}.items():
        app.add_route(route, resource)
    return app


def _add_videos(app: App, deps: ApiDependencies) -> None:
    queries, commands, publisher = deps.queries, deps.commands, deps.publisher
    responder = Responder(deps.serializer, deps.clock)
    policy = deps.policy
    multiparts = Multiparts(commands, deps.stores, part_bytes=policy.part_bytes, url_seconds=policy.upload_url_seconds)
    urls = UploadUrls(deps.stores, multiparts, expires_seconds=policy.upload_url_seconds)
    lists, retries = (
        Lists(queries, deps.catalogue, deps.serializer, deps.clock),
        Retries(commands, publisher, per_day=policy.retries_per_day),
    )
    videos, video = "/api/v1/videos", "/api/v1/videos/{video_id}"
    choices = Choices(Placement(deps.stores, deps.country), deps.profiles, deps.source_urls)
    app.add_route(videos, VideosResource(commands, publisher, urls, lists, choices, policy))
    app.add_route(video, VideoResource(queries, commands, multiparts, publisher, responder, policy))
    app.add_route(f"{video}/upload_url", UploadUrl(queries, urls))
    complete = UploadComplete(queries, commands, deps.stores, multiparts, publisher)
    app.add_route(f"{video}/upload_complete", complete)
    app.add_route(f"{video}/parts", VideoParts(queries, multiparts))
    app.add_route(f"{video}/retry", VideoRetry(queries, retries, responder))
    originals = Originals(deps.stores)
    app.add_route(
        f"{video}/original", VideoOriginal(queries, originals, deps.stores, url_seconds=policy.download_url_seconds)
    )
    retranscodes = Retranscodes(commands, originals, publisher, per_day=policy.retranscodes_per_day)
    app.add_route(f"{video}/retranscode", VideoRetranscode(queries, retranscodes, responder))
    app.add_route(f"{video}/restore", VideoRestore(queries, commands, publisher, responder))
    app.add_route(f"{video}/captions", VideoCaptions(queries, deps.serializer, deps.clock))
    caption = VideoCaption(queries, commands, publisher, deps.serializer, deps.clock)
    app.add_route(f"{video}/captions/{{language}}", caption)
    app.add_route(f"{video}/poster", VideoPoster(queries, commands, publisher, responder))
    app.add_route(f"{video}/events", VideoEvents(queries, deps.history))
    app.add_route(f"{video}/events/stream", VideoStream(queries, deps.serializer, deps.clock))
    app.add_route("/api/v1/admin/overview", AdminOverviewPage(deps.overviews, deps.clock))
    app.add_route(
        "/api/v1/admin/profiles", AdminProfiles(deps.profiles, deps.rollouts, deps.clock, namespace=deps.namespace)
    )
    app.add_route("/api/v1/admin/videos", AdminVideos(lists))
    app.add_route("/api/v1/admin/videos/{video_id}/retry", AdminRetry(queries, retries, responder))
    terms, plans = BulkTerms(deps.profiles, deps.costs), BulkPlans(deps.callback_keys, deps.clock)
    planner = BulkPlanner(deps.catalogue, terms, plans, deps.clock)
    applier = BulkApplier(queries, retries, retranscodes, terms, plans)
    for action in BulkAction:
        app.add_route(f"/api/v1/admin/videos/{action}", BulkResource(planner, applier, action))


def _add_playback(app: App, deps: ApiDependencies) -> None:
    queries, video = deps.queries, f"{PLAYBACK_PATH}/{{video_id}}"
    access = PlaybackAccess(deps.playback_tokens, deps.viewer_tokens, deps.trusted_proxy_hops)
    gate = PlaybackGate(access, deps.policy.embed_origins, deps.policy.playback_times)
    playlists = SignedPlaylists(deps.stores, deps.policy.playback_times)
    app.add_route(f"{video}/playlist.m3u8", MasterPlaylist(queries, gate, deps.clock))
    app.add_route(f"{video}/media.m3u8", MediaPlaylist(queries, gate, playlists, deps.clock))
    app.add_route(f"{video}/file", PlaybackFile(queries, gate, deps.stores, deps.clock))


def _add_watch_pages(app: App, deps: ApiDependencies) -> None:
    if deps.page is None or not deps.page.template or deps.watch_base_url is None:
        return
    options = WatchOptions(
        deps.watch_base_url, deps.policy.embed_origins, deps.page.template, headers=deps.page.viewer_headers
    )
    videos = PublicVideos(deps.queries, deps.serializer, deps.clock)
    app.add_route("/watch/{video_id}", WatchPage(videos, options, is_embedded=False))
    app.add_route("/oembed", OEmbed(videos, options))
    if deps.policy.embed_origins.framing:
        app.add_route("/embed/{video_id}", WatchPage(videos, options, is_embedded=True))


def _add_webhooks(app: App, deps: ApiDependencies) -> None:
    endpoints, deliveries, targets = deps.endpoints, deps.deliveries, deps.targets
    webhooks, webhook = "/api/v1/admin/webhooks", "/api/v1/admin/webhooks/{endpoint_id}"
    app.add_route(webhooks, WebhooksResource(endpoints, targets))
    app.add_route(webhook, WebhookResource(endpoints, targets))
    app.add_route(f"{webhook}/secrets", WebhookSecrets(endpoints))
    app.add_route(f"{webhook}/secrets/{{secret_id}}", WebhookSecret(endpoints))
    app.add_route(f"{webhook}/test", WebhookTest(deliveries))
    app.add_route(f"{webhook}/replay", WebhookReplay(deliveries))
    app.add_route("/api/v1/admin/deliveries", DeliveryLog(deliveries))
    app.add_route("/api/v1/admin/deliveries/{delivery_id}/replay", DeliveryReplay(deliveries))
