"""Settings become neighbours, neighbours become the world. The only place that knows every class."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import structlog

from controller.audit.ports import Neighbours
from controller.audit.runner import Audit
from controller.coconut.client import Coconut
from controller.coconut.limiter import SubmissionLimiter, SubmissionLimits
from controller.dependencies import Dependencies
from controller.failpoints import crash_at, deliveries_with_failpoints, with_failpoints
from controller.metrics.deliveries import InstrumentedOutbox
from controller.metrics.recorder import InstrumentedObservations, InstrumentedTranscoder, MetricsRecorder
from controller.metrics.registry import OperatorMetrics
from controller.notify.backoff import Schedule
from controller.notify.deliver import Ways
from controller.notify.dispatcher import Lanes
from controller.notify.email import Mail, server_of
from controller.notify.webhook import Webhooks
from controller.settings import Settings
from crds.client import Cluster, UploadsClient
from database.adoption import Learning
from database.attempts import Attempts
from database.audit import AuditedRows
from database.job_claims import Claims
from database.observations import Observations
from database.outbox import Outbox
from database.pool import Database
from database.retention import Endings
from database.stats import StatsQueries
from domain.callback_url import callback_url
from domain.policy import LifecyclePolicy
from domain.schedule import Timing
from runtime.bulkhead import Bulkhead, behind
from storage.client import Clients, make_clients
from storage.listing import Inventory
from storage.multipart import Multipart
from storage.object_store import Storage
from storage.settings import SpacesSettings

log = structlog.get_logger(__name__)

_OUTBOX_CONNECTIONS = 4


@dataclass(frozen=True)
class Wiring:
    """The world, the audit of it, what tells of it, and what has to be closed at the end.

    ``look`` counts what no commit tells.
    """

    dependencies: Dependencies
    audit: Audit
    lanes: Lanes
    database: Database
    outbox_database: Database
    cluster: Cluster
    metrics: OperatorMetrics
    look: Callable[[], int]

    def close(self) -> None:
        """Close the connections."""
        self.outbox_database.close()
        self.database.close()


def wire(settings: Settings, spaces: SpacesSettings, metrics: OperatorMetrics) -> Wiring:
    """Connect everything; nothing is asked yet."""
    recorder = MetricsRecorder(metrics, monotonic=time.monotonic, scale=settings.time_scale)
    # Half of the workers each: whichever neighbour hangs, the other half goes on.
    at_most = max(1, settings.workers // 2)
    database = Database(settings.database_url.get_secret_value(), max_size=settings.workers + 2)
    coconut = Coconut(
        settings.coconut_url,
        settings.coconut_api_key,
        spaces.output_target,
        timeout_seconds=settings.coconut_timeout_seconds,
        note=metrics.asked_coconut,
    )
    cluster = Cluster.from_environment(
        namespace=settings.namespace, kubeconfig=settings.kubeconfig, note=metrics.asked_kubernetes
    )
    clients, s3 = make_clients(spaces), Bulkhead("S3", at_most=at_most)
    keys = [key.get_secret_value() for key in settings.webhook_signing_keys]
    observations = InstrumentedObservations(Observations(database), recorder)
    limits = SubmissionLimits(
        settings.max_running_jobs, settings.submissions_per_minute, settings.submissions_burst, settings.time_scale
    )
    dependencies = Dependencies(
        observations=observations,
        attempts=Attempts(database),
        claims=Claims(database),
        endings=Endings(database),
        learning=Learning(database),
        storage=behind(s3, Storage(spaces, clients)),
        parts=behind(s3, Multipart(spaces, clients)),
        transcoder=behind(Bulkhead("Coconut", at_most=at_most), InstrumentedTranscoder(coconut, recorder)),
        limiter=SubmissionLimiter(limits, monotonic=time.monotonic, running=observations.running_jobs),
        resources=behind(Bulkhead("Kubernetes", at_most=at_most), UploadsClient(cluster)),
        rules=LifecyclePolicy(Timing(scale=settings.time_scale), settings.max_submissions, settings.on_uncertain),
        max_file_bytes=spaces.max_file_bytes,
        callback_url=lambda video_id, attempt: callback_url(
            settings.webhook_base_url, keys, video_id=video_id, attempt=attempt
        ),
        monotonic=time.monotonic,
    )
    if settings.crash_at:
        dependencies = replace(
            dependencies, for_step=with_failpoints(crash_at(settings.crash_at, settings.crash_signal))
        )
    # Connections of its own: however many deliveries wait, passes get theirs.
    outbox_database = Database(settings.database_url.get_secret_value(), max_size=_OUTBOX_CONNECTIONS)
    lanes = wire_lanes(settings, spaces, outbox_database, metrics)
    metrics.live.limiter = dependencies.limiter.state
    return Wiring(
        dependencies=dependencies,
        audit=wire_audit(settings, spaces, clients, database),
        lanes=lanes,
        database=database,
        outbox_database=outbox_database,
        cluster=cluster,
        metrics=metrics,
        look=_looking(recorder, StatsQueries(database), settings.audit_rules.overdue_after),
    )


def _looking(recorder: MetricsRecorder, counting: StatsQueries, overdue_after: timedelta) -> Callable[[], int]:
    def look() -> int:
        recorder.look(counting, now=datetime.now(UTC), overdue_after=overdue_after)
        return 0

    return look


def wire_lanes(settings: Settings, spaces: SpacesSettings, database: Database, metrics: OperatorMetrics) -> Lanes:
    """Connect what sends notifications. Without SMTP_URL no mail leaves, which is told once."""
    outbox, mail = InstrumentedOutbox(Outbox(database), metrics.delivered), None
    if settings.smtp_url is None:
        log.info("no_mail", why="SMTP_URL is not set: owners are told by webhooks only")
    else:
        server = server_of(settings.smtp_url.get_secret_value())
        mail = Mail(server, sender=settings.mail_from, playback_base=spaces.public_base_url)
    webhooks = Webhooks(playback_base=spaces.public_base_url, allow_private=settings.webhooks_allow_private_targets)
    ways, schedule, clock = Ways(outbox, webhooks, mail), Schedule(settings.time_scale), lambda: datetime.now(UTC)
    if settings.crash_at:
        watched = deliveries_with_failpoints(crash_at(settings.crash_at, settings.crash_signal))
        return Lanes(outbox, ways, schedule, clock=clock, for_delivery=watched)
    return Lanes(outbox, ways, schedule, clock=clock)


def wire_audit(settings: Settings, spaces: SpacesSettings, clients: Clients, database: Database) -> Audit:
    """Connect the audit. It stays outside the bulkheads: those places are for passes, and it never holds two."""
    neighbours = Neighbours(AuditedRows(database), Storage(spaces, clients), Inventory(spaces, clients))
    return Audit(neighbours, settings.audit_rules, clock=lambda: datetime.now(UTC))
