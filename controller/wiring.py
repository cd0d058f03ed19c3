"""Builds the operator from its settings. The only module that knows every class."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from controller.actions import source_fetch
from controller.audit.dependencies import AuditDependencies
from controller.audit.runner import Audit
from controller.coconut.client import Coconut
from controller.coconut.limiter import SubmissionLimiter, SubmissionLimits
from controller.coconut.unknown_jobs import UnknownJobs
from controller.dependencies import Dependencies
from controller.failpoints import (
    crash_at,
    deliveries_with_failpoints,
    rollouts_with_failpoints,
    with_failpoints,
)
from controller.loop.fetch_pool import FetchPool
from controller.metrics.recorder import MetricsRecorder
from controller.metrics.registry import OperatorMetrics
from controller.notify.backoff import Backoff
from controller.notify.deliver import Channels
from controller.notify.dispatcher import Dispatcher
from controller.notify.email import MailSender, smtp_server_of
from controller.notify.webhook import WebhookSender
from controller.rules.steps import FetchSource
from controller.settings import OperatorSettings
from controller.sources.reader import HttpSources
from crds.client import Cluster, UploadsClient
from crds.events import EventRecorder
from crds.signature import Signatures
from database.adoption import Adoption
from database.attempts import Attempts
from database.audit import AuditedRows
from database.captions import CaptionRows
from database.job_claims import Claims
from database.observations import Observations
from database.outbox import Outbox
from database.pool import Database
from database.posters import PosterRows
from database.profiles import Profiles
from database.retention import Retention
from database.rollouts import Rollouts
from database.source_fetches import SourceFetches
from database.stats import StatsQueries
from domain.callback_url import callback_url
from domain.part_plan import plan_for
from domain.policy import LifecyclePolicy
from domain.spending import SubmissionLoad
from runtime.bulkhead import Bulkhead, guard
from runtime.clock import Clocks, SharedClock, elapsed
from runtime.heartbeats import Heartbeats
from runtime.tracing import Tracing
from runtime.upstream_breaker import UpstreamBreaker
from storage.client import Clients, make_clients
from storage.listing import Inventory
from storage.multipart import Multipart
from storage.object_store import Storage
from storage.settings import StorageSettings
from storage.signing_clock import sign_by

log = structlog.get_logger(__name__)

_OUTBOX_CONNECTIONS = 4
_FETCH_PART_BYTES = 8 * 1024**2


@dataclass(frozen=True)
class Wiring:
    """Everything the process runs, and the connections to close at its end.

    ``clock`` is Postgres' time. ``fetch`` fetches the file of one video on a thread of the pool (`FetchPool.start`).
    ``collect_stats`` refreshes the metrics that are queried from Postgres; a task that repairs nothing returns 0.
    """

    dependencies: Dependencies
    rollouts: Rollouts
    audit: Audit
    dispatcher: Dispatcher
    fetch_pool: FetchPool
    fetch: Callable[[str, Callable[[], None]], float | None]
    database: Database
    outbox_database: Database
    cluster: Cluster
    signatures: Signatures
    metrics: OperatorMetrics
    clock: SharedClock
    collect_stats: Callable[[], int]

    def close(self) -> None:
        """Close the connections."""
        self.outbox_database.close()
        self.database.close()


def wire(
    settings: OperatorSettings,
    storage_settings: StorageSettings,
    metrics: OperatorMetrics,
    beats: Heartbeats,
    clocks: Clocks,
    tracing: Tracing,
) -> Wiring:
    """Build everything. Makes no request."""
    sign_by(clocks.storage)
    recorder = MetricsRecorder(metrics, monotonic=time.monotonic, scale=settings.time_scale, tracing=tracing)
    # Half of the workers for each: if one upstream hangs, the other half continues. Copies of originals, which take up
    # to five minutes each, leave half of storage's share to quick calls.
    at_most = max(1, settings.workers // 2)
    copies = Bulkhead("copies in S3", at_most=max(1, at_most // 2))
    database = Database(
        settings.database_url.get_secret_value(),
        max_size=settings.workers + settings.source_fetches + 2,
        timeout_seconds=settings.database_timeout_seconds,
        clock=clocks.postgres,
    )
    coconut = Coconut(
        settings.coconut_url,
        settings.coconut_api_key,
        storage_settings.output_target,
        timeout_seconds=settings.coconut_timeout_seconds,
        on_call=metrics.coconut_request,
    )
    cluster = Cluster.from_environment(
        namespace=settings.namespace, kubeconfig=settings.kubeconfig, on_call=metrics.kubernetes_request
    )
    clients, s3 = (
        make_clients(storage_settings, clocks.storage),
        UpstreamBreaker("S3", bulkhead=Bulkhead("S3", at_most=at_most)),
    )
    keys = [key.get_secret_value() for key in settings.webhook_signing_keys]
    signatures = Signatures(keys)
    uploads = UploadsClient(cluster, signatures)
    observations = Observations(database, settings.scope)
    limits = SubmissionLimits(
        settings.max_running_jobs,
        settings.submissions_per_minute,
        settings.submissions_burst,
        settings.time_scale,
        settings.spending,
    )

    def load() -> SubmissionLoad:
        # The queue is read only as far as places can become free.
        return observations.submission_load(
            clocks.postgres(), per_owner=settings.max_running_jobs_per_owner, at_most=settings.max_running_jobs
        )

    lost_after = settings.timing.scaled(settings.timing.job_lost_seconds)
    unknown_jobs = UnknownJobs(within_seconds=lost_after.total_seconds())
    fetch_pool = FetchPool(at_once=settings.source_fetches, beats=beats)
    dependencies = Dependencies(
        observations=observations,
        attempts=Attempts(database),
        claims=Claims(database),
        retention=Retention(database, settings.scope),
        adoption=Adoption(database),
        captions=CaptionRows(database),
        posters=PosterRows(database),
        profiles=Profiles(database),
        fetch_rows=SourceFetches(database),
        sources=HttpSources(networks=settings.source_networks),
        storage=guard(
            s3,
            Storage(storage_settings, clients),
            unguarded=("presign_source",),
            inner={"keep_original": copies, "copy_stream": copies, "gather_stream": copies},
        ),
        parts=guard(s3, Multipart(storage_settings, clients), inner={"complete": copies}),
        transcoder=guard(Bulkhead("Coconut", at_most=at_most), coconut),
        limiter=SubmissionLimiter(
            limits,
            monotonic=time.monotonic,
            load=load,
            are_jobs_unknown=lambda: unknown_jobs.are_many(time.monotonic()),
        ),
        unknown_jobs=unknown_jobs,
        resources=guard(Bulkhead("Kubernetes", at_most=at_most), uploads),
        events=EventRecorder(uploads.post_event, on_result=metrics.events_ended),  # needs no slot of the bulkhead
        policy=LifecyclePolicy(settings.timing, settings.max_submissions, settings.on_uncertain, settings.spending),
        max_file_bytes=storage_settings.max_file_bytes,
        callback_url=lambda video_id, attempt: callback_url(
            settings.webhook_base_url, keys, video_id=video_id, attempt=attempt
        ),
        monotonic=elapsed,
        region=settings.region or storage_settings.region,
        scope=settings.scope,
        pass_seconds=settings.pass_deadline_seconds,
        fetch_part_bytes=plan_for(storage_settings.max_file_bytes, preferred_part_bytes=_FETCH_PART_BYTES).part_bytes,
        request_fetch=fetch_pool.request,
        storage_health=s3.health,
        on_commit=recorder.committed,
        on_job=recorder.job_seen,
        on_fetch=metrics.fetch_ended,
        tracing=tracing,
    )
    rollouts = Rollouts(database, settings.scope)
    if settings.crash_at:
        crash = crash_at(settings.crash_at, settings.crash_signal)
        dependencies = replace(dependencies, for_step=with_failpoints(crash))
        rollouts = rollouts_with_failpoints(rollouts, crash)
    # Of passes, fetches take no slots: their number is bounded, and each waits for a server most of the time.
    fetching = replace(
        dependencies, storage=Storage(storage_settings, clients), parts=Multipart(storage_settings, clients)
    )

    def fetch(video_id: str, on_progress: Callable[[], None]) -> float | None:
        step = fetching.for_step(fetching, FetchSource.__name__)
        return source_fetch.fetch(video_id, step, clocks.postgres, on_progress=on_progress)

    # A pool of its own, so that deliveries take no connections from passes.
    outbox_database = Database(
        settings.database_url.get_secret_value(),
        max_size=_OUTBOX_CONNECTIONS,
        timeout_seconds=settings.database_timeout_seconds,
        clock=clocks.postgres,
    )
    dispatcher = wire_dispatcher(settings, storage_settings, outbox_database, metrics, beats, clock=clocks.postgres)
    metrics.state.limiter = dependencies.limiter.state
    metrics.state.storage = s3.health
    metrics.state.fetches = fetch_pool.state

    def collect_stats() -> int:
        overdue_after = settings.audit_rules.overdue_after
        dependencies.limiter.wake_next()  # it also counts the load again, since the day may have ended
        stats = StatsQueries(database, settings.scope)
        recorder.collect_stats(stats, now=clocks.postgres(), overdue_after=overdue_after)
        if settings.scope.is_home:  # one for all regions, as their mirror
            metrics.state.rollouts = tuple(rollouts.current())
        return 0

    return Wiring(
        dependencies=dependencies,
        rollouts=rollouts,
        audit=wire_audit(settings, storage_settings, clients, database, clock=clocks.postgres),
        dispatcher=dispatcher,
        fetch_pool=fetch_pool,
        fetch=fetch,
        database=database,
        outbox_database=outbox_database,
        cluster=cluster,
        signatures=signatures,
        metrics=metrics,
        clock=clocks.postgres,
        collect_stats=collect_stats,
    )


def wire_dispatcher(
    settings: OperatorSettings,
    storage_settings: StorageSettings,
    database: Database,
    metrics: OperatorMetrics,
    beats: Heartbeats,
    *,
    clock: Callable[[], datetime],
) -> Dispatcher:
    """Build what sends notifications. Without SMTP_URL no mail is sent, which is logged once."""
    outbox, mail = Outbox(database, settings.scope), None
    if settings.smtp_url is None:
        log.info("mail_disabled", error="SMTP_URL is not set: webhooks are sent, mail is not")
    else:
        server = smtp_server_of(settings.smtp_url.get_secret_value())
        mail = MailSender(server, sender=settings.mail_from, playback_base=storage_settings.public_base_url)
    webhooks = WebhookSender(
        playback_base=storage_settings.public_base_url,
        allow_private=settings.webhooks_allow_private_targets,
        clock=clock,
    )
    channels, backoff = (
        Channels(outbox, webhooks, mail, on_attempt=metrics.delivery_attempted),
        Backoff(settings.time_scale),
    )
    if settings.crash_at:
        watched = deliveries_with_failpoints(crash_at(settings.crash_at, settings.crash_signal))
        return Dispatcher(channels, backoff, clock=clock, for_delivery=watched, beats=beats)
    return Dispatcher(channels, backoff, clock=clock, beats=beats)


def wire_audit(
    settings: OperatorSettings,
    storage_settings: StorageSettings,
    clients: Clients,
    database: Database,
    *,
    clock: Callable[[], datetime],
) -> Audit:
    """Build the audit. It stays outside the bulkheads, whose slots are for passes: it never makes two calls at once."""
    deps = AuditDependencies(
        AuditedRows(database, settings.scope),
        Storage(storage_settings, clients),
        Inventory(storage_settings, clients),
        Adoption(database),
    )
    return Audit(deps, settings.audit_rules, clock=clock)
