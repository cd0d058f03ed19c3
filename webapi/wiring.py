"""Makes the API's dependencies from its settings. No other module of the API knows all of them."""

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from crds.client import UploadsClient
from crds.signature import Signatures
from database.catalogue import Catalogue
from database.commands import VideoCommands
from database.deliveries import Deliveries
from database.events import EventLog
from database.job_claims import Claims
from database.overview import Overviews
from database.pool import Database
from database.profiles import Profiles
from database.queries import VideoQueries
from database.rollouts import Rollouts
from database.webhook_endpoints import Endpoints
from domain.errors import RefusedError
from domain.playback import PlaybackTimes
from domain.policy import LifecyclePolicy
from domain.schedule import Timing
from domain.video import DesiredState
from runtime import logs
from runtime.bulkhead import Bulkhead, guard
from runtime.clock import Clocks
from runtime.clock_metrics import ClockSkewGauges
from runtime.heartbeat_metrics import HeartbeatGauges
from runtime.heartbeats import Heartbeats
from runtime.open_files import allow_open_files
from runtime.secret_files import SecretFiles
from runtime.settings import read_settings
from runtime.tracing import Tracing, TracingSettings, tracing_of
from runtime.upstream_breaker import UpstreamBreaker, UpstreamHealth
from storage.client import make_clients
from storage.multipart import Multipart
from storage.object_store import Storage
from storage.regions import read_stores
from storage.settings import StorageSettings
from storage.signing_clock import sign_by
from webapi.admin.bulk import BulkCosts
from webapi.admin.webhooks import Targets
from webapi.app import ApiDependencies, App, create_app
from webapi.change_feed import ChangeFeed
from webapi.health import Liveness, ProbeResponse, Readiness
from webapi.http import jwks
from webapi.http.auth import TokenVerifier
from webapi.http.call_limiter import CallLimiter
from webapi.http.change_limit import ChangeLimit
from webapi.http.country import CountryHeader
from webapi.http.jwks import KeySet
from webapi.http.playback_tokens import PlaybackTokens
from webapi.http.request_limit import RequestLimit
from webapi.http.viewer_tokens import ViewerTokens
from webapi.metrics import ApiMetrics
from webapi.publisher import QueuedPublisher
from webapi.settings import Settings
from webapi.site import NoPageError, SitePage, origin_of, read_page
from webapi.videos.embed_origins import EmbedOrigins
from webapi.videos.playback_links import PlaybackLinks
from webapi.videos.serializers import Serializer
from webapi.videos.source_urls import SourceUrls
from webapi.videos.stores import Store, Stores
from webapi.videos.videos import Policy
from webapi.waits import Waits

# About a minute of the busiest hour; the operator's resync finds what does not fit.
_PUBLISHER_CAPACITY = 1000
_PUBLISHER_THREADS = 2
# Must stay below gunicorn's graceful timeout together with draining and the requests under way.
_PUBLISHER_STOP_SECONDS = 5
# A call that waits for a slot occupies a thread, and calls that take longer than this hang.
_PATIENCE_SECONDS = 0.5
# Of clients, those that wait for a change apart. With the files below it stays under 1024, the usual limit.
CONNECTIONS_MAX = 512
# Log, metrics, pools and files that are served.
_OTHER_FILES = 256
WHO = "the API"
# These send no request.
_SIGNING = ("presign_upload", "presign_download", "presign_private")

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Service:
    """The running API: what gunicorn serves, and what must be closed when it stops."""

    app: App
    drain_seconds: float
    readiness: Readiness
    liveness: Liveness
    beats: Heartbeats
    publisher: QueuedPublisher
    database: Database
    metrics: ApiMetrics
    waits: Waits
    changes: ChangeFeed
    tracing: Tracing

    def probe(self, method: str, path: str) -> ProbeResponse:
        """Return the response to `/livez` or `/readyz`, from memory, and count it like a request."""
        health = self.readiness.health() if path == "/readyz" else self.liveness.health()
        self.metrics.request_seconds.labels(method, path, health.status[:3]).observe(0)
        return health

    def drain(self) -> None:
        """Report on `/readyz` that the process stops soon; requests are still answered."""
        self.readiness.drain()
        self.waits.close()

    def stop(self) -> None:
        """Publish what waits, then close the database connections."""
        self.readiness.stop()
        self.changes.stop()
        self.publisher.stop(within_seconds=_PUBLISHER_STOP_SECONDS)
        self.database.close()
        self.tracing.stop()


@dataclass(frozen=True)
class Environment:
    """The process's settings, and what is read from them before the fork."""

    settings: Settings
    # By region, the home region first.
    spaces: Mapping[str, StorageSettings]
    uploads: UploadsClient
    page: SitePage | None
    secret_files: SecretFiles | None
    tracing: TracingSettings


def read_environment() -> Environment:
    """Read all settings. Ends the process with one line if one is missing or malformed. Connects to no upstream."""
    secret_files = SecretFiles.from_environment(_read)
    settings, spaces = _read()
    if 0 < settings.upload_bytes_per_day < _home(spaces).max_file_bytes:
        sys.exit(f"{WHO} cannot start: UPLOAD_BYTES_PER_DAY: must be 0, or not below MAX_FILE_BYTES")
    try:
        uploads = UploadsClient.from_environment(
            namespace=settings.namespace,
            signatures=Signatures([key.get_secret_value() for key in settings.webhook_signing_keys]),
            kubeconfig=settings.kubeconfig,
        )
    except RefusedError as error:
        sys.exit(f"{WHO} cannot start: KUBECONFIG: {error}")
    tracing = read_settings(TracingSettings, process=WHO)
    return Environment(settings, spaces, uploads, _page(settings, spaces), secret_files, tracing)


def _read() -> tuple[Settings, Mapping[str, StorageSettings]]:
    settings = read_settings(Settings, process=WHO)
    spaces = read_stores(settings.region, settings.regions, process=WHO, plays_private=settings.has_private_playback)
    for name, regions in {
        "REGIONS_DOWN": settings.regions_down,
        "REGIONS_ELSEWHERE": settings.regions_elsewhere,
        "REGION_COUNTRIES": settings.countries.values(),
    }.items():
        unknown = sorted(set(regions) - spaces.keys())
        if unknown:
            sys.exit(f"{WHO} cannot start: {name}: {unknown[0]} is not one of the regions {', '.join(spaces)}")
    return settings, spaces


def _home(spaces: Mapping[str, StorageSettings]) -> StorageSettings:
    return next(iter(spaces.values()))


def start(environment: Environment) -> Service:
    """Open pools and threads, in the process that serves. Waits for no upstream."""
    settings, spaces, uploads = environment.settings, environment.spaces, environment.uploads
    logs.configure(settings.log_format, settings.log_level)
    clocks, tracing = Clocks.make(), tracing_of(environment.tracing, service="video-uploads-api")
    sign_by(clocks.storage)
    metrics, timing = ApiMetrics(), settings.timing
    if len(spaces) > 1:
        metrics.expect_operators(region for region in spaces if region not in settings.regions_elsewhere)
    database = Database(
        settings.database_url.get_secret_value(),
        # The other threads answer calls that need no Postgres while it hangs, and refuse those that do.
        max_size=max(1, settings.threads - max(1, settings.threads // 4)),
        timeout_seconds=settings.database_timeout_seconds,
        clock=clocks.postgres,
    )
    stores = _stores(settings, spaces, clocks)
    beats = Heartbeats()
    metrics.samplers.append(HeartbeatGauges(beats, metrics.registry).sample)
    metrics.samplers.append(ClockSkewGauges(clocks.by_name(), metrics.registry).sample)

    def publish(desired: DesiredState) -> None:
        with tracing.span("publish", desired.video_id, revision=desired.revision):
            uploads.apply(desired)

    publisher = QueuedPublisher(
        publish,
        metrics,
        capacity=_PUBLISHER_CAPACITY,
        threads=_PUBLISHER_THREADS,
        beats=beats,
        elsewhere=settings.regions_elsewhere,
    )
    liveness, readiness = Liveness(beats), Readiness(database, time.monotonic, beats)
    readiness.start()
    queries, waits = VideoQueries(database), _waits(settings, metrics)
    playback_keys = [key.get_secret_value() for key in settings.playback_signing_keys]
    playback_tokens = PlaybackTokens(playback_keys, clocks.postgres)
    changes = ChangeFeed(settings.database_url.get_secret_value(), queries, waits, metrics)
    changes.start(beats)
    app = create_app(
        ApiDependencies(
            queries=queries,
            catalogue=Catalogue(database),
            commands=VideoCommands(database, timing),
            profiles=Profiles(database),
            rollouts=Rollouts(database),
            history=EventLog(database),
            overviews=Overviews(database),
            claims=Claims(database),
            stores=stores,
            publisher=publisher,
            readiness=readiness,
            liveness=liveness,
            metrics=metrics,
            tokens=_tokens(settings, clocks.postgres),
            playback_tokens=playback_tokens,
            callback_keys=[key.get_secret_value() for key in settings.webhook_signing_keys],
            policy=_policy(settings, _home(spaces), timing),
            serializer=Serializer(
                stores.playback_base,
                LifecyclePolicy(timing, settings.max_submissions),
                _links(settings, playback_tokens),
            ),
            clock=clocks.postgres,
            endpoints=Endpoints(database),
            deliveries=Deliveries(database),
            targets=Targets(settings.webhooks_allow_private_targets),
            source_urls=SourceUrls(settings.source_fetches > 0, settings.source_networks),
            change_limit=ChangeLimit(
                CallLimiter(settings.changes_per_minute, time.monotonic), count_refused=metrics.count_refused
            ),
            request_limit=_request_limit(settings, metrics),
            costs=BulkCosts(settings.list_prices(), settings.max_duration_seconds),
            namespace=settings.namespace,
            cors_origins=settings.cors_origins,
            page=environment.page,
            country=CountryHeader(settings.country_header, settings.trusted_proxy_hops or 0)
            if settings.country_header
            else None,
            tracing=tracing,
            watch_base_url=settings.watch_base_url,
            viewer_tokens=_viewer_tokens(settings, clocks.postgres),
            trusted_proxy_hops=settings.trusted_proxy_hops,
        )
    )
    return Service(
        app=app,
        drain_seconds=settings.drain_seconds,
        readiness=readiness,
        liveness=liveness,
        beats=beats,
        publisher=publisher,
        database=database,
        metrics=metrics,
        waits=waits,
        changes=changes,
        tracing=tracing,
    )


def _links(settings: Settings, tokens: PlaybackTokens) -> PlaybackLinks | None:
    return (
        None
        if settings.api_base_url is None
        else PlaybackLinks(settings.api_base_url, tokens, PlaybackTimes(settings.time_scale))
    )


def _viewer_tokens(settings: Settings, clock: Callable[[], datetime]) -> ViewerTokens | None:
    keys = {name: key.get_secret_value() for name, key in settings.playback_viewer_keys}
    lifetime_max = timedelta(seconds=settings.playback_viewer_seconds_max)
    return ViewerTokens(keys, clock, lifetime_max=lifetime_max) if keys else None


def _waits(settings: Settings, metrics: ApiMetrics) -> Waits:
    """Return the register of waiting clients, each of which is an open file."""
    others = CONNECTIONS_MAX + _OTHER_FILES
    at_most = min(settings.waits, allow_open_files(others + settings.waits) - others)
    if at_most < settings.waits:
        _log.warning("waits_limited", waits=max(0, at_most), setting=settings.waits, reason="limit of open files")
    return Waits(metrics, at_most=max(0, at_most), per_owner=settings.waits_per_owner)


def _request_limit(settings: Settings, metrics: ApiMetrics) -> RequestLimit:
    users, addresses = (
        CallLimiter(per_minute, time.monotonic) if per_minute else None
        for per_minute in (settings.calls_per_minute, settings.calls_per_minute_of_address)
    )
    return RequestLimit(users, addresses, hops=settings.trusted_proxy_hops, count_refused=metrics.count_refused)


def _stores(settings: Settings, spaces: Mapping[str, StorageSettings], clocks: Clocks) -> Stores:
    """Return the stores. Whichever upstream hangs, Postgres or one store, the threads of the others continue."""
    at_most, stores = max(1, settings.threads // (1 + len(spaces))), dict[str, Store]()
    for region, own in spaces.items():
        name = "S3" if len(spaces) == 1 else f"S3 in {region}"
        bulkhead = Bulkhead(name, at_most=at_most, patience_seconds=_PATIENCE_SECONDS)
        # With another region to send uploads to, it matters whether this one answers.
        breaker = None if len(spaces) == 1 else UpstreamBreaker(name, bulkhead=bulkhead)
        s3 = breaker or bulkhead
        # One clock for all signatures, so that one store sets it.
        clients = make_clients(own, None if stores else clocks.storage)
        stores[region] = Store(
            guard(s3, Storage(own, clients), unguarded=_SIGNING),
            guard(s3, Multipart(own, clients), unguarded=("presign_part",)),
            own.public_base_url,
            is_down=region in settings.regions_down,
            health=_always_available if breaker is None else breaker.health,
        )
    return Stores(stores, countries=settings.countries)


def _always_available() -> UpstreamHealth:
    return UpstreamHealth.AVAILABLE


def _page(settings: Settings, spaces: Mapping[str, StorageSettings]) -> SitePage | None:
    if settings.web_dir is None:
        return None
    # Signing needs no request, and shows which hosts browsers will be sent to.
    stores = [Storage(own, make_clients(own)) for own in spaces.values()]
    uploads = [
        store.presign_upload("uploads/example", content_type="video/mp4", declared_bytes=None, expires_seconds=1).url
        for store in stores
    ]
    private = [] if settings.api_base_url is None else [settings.api_base_url, *map(_private_file, stores)]
    try:
        return read_page(
            settings.web_dir,
            upload_urls=uploads,
            playback_urls=[own.public_base_url for own in spaces.values()],
            private_urls=private,
        )
    except NoPageError as error:
        sys.exit(f"{WHO} cannot start: WEB_DIR: {error}")


def _private_file(storage: Storage) -> str:
    signed_at = datetime.now(UTC)
    return storage.presign_private("example", "example", signed_at=signed_at, ends_at=signed_at + timedelta(seconds=1))


def _tokens(settings: Settings, clock: Callable[[], datetime]) -> TokenVerifier:
    return TokenVerifier(
        settings.jwt_signing_key.get_secret_value() if settings.jwt_signing_key else None,
        issuer=settings.jwt_issuer,
        audience=settings.jwt_audience,
        key_set=_key_set(settings),
        trusts_unmarked_email=settings.jwt_email_without_verified,
        clock=clock,
    )


def _key_set(settings: Settings) -> KeySet | None:
    if settings.jwt_jwks_url is not None:
        return KeySet(jwks.from_url(settings.jwt_jwks_url), time.monotonic)
    if settings.jwt_jwks_file is not None:
        return KeySet(jwks.from_file(settings.jwt_jwks_file), time.monotonic)
    return None


def _policy(settings: Settings, spaces: StorageSettings, timing: Timing) -> Policy:
    return Policy(
        uploads_per_hour=settings.uploads_per_hour,
        retranscodes_per_day=settings.retranscodes_per_day,
        retries_per_day=settings.retries_per_day,
        max_file_bytes=spaces.max_file_bytes,
        # Not scaled: real clients use a signed URL, and tests cannot make those faster.
        upload_url_seconds=round(timing.upload_url_seconds),
        download_url_seconds=round(timing.download_url_seconds),
        multipart_above_bytes=spaces.multipart_above_bytes,
        part_bytes=spaces.part_bytes,
        upload_bytes_per_day=settings.upload_bytes_per_day,
        visibility=settings.default_visibility,
        has_private_playback=settings.has_private_playback,
        embed_origins=EmbedOrigins(
            settings.embed_origins,
            settings.cors_origins,
            own=[origin_of(url) for url in (settings.api_base_url, settings.watch_base_url) if url is not None],
        ),
        playback_times=PlaybackTimes(settings.time_scale),
    )
