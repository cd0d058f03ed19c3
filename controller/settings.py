"""The operator's settings. Those of storage are in storage/settings.py.

Each process reads them once, when it starts; runtime/settings.py reports what is missing or malformed.
"""

import re
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Self

from pydantic import AfterValidator, Field, FilePath, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from controller.audit.limits import AuditRules, AuditSchedule
from controller.failpoints import CrashSignal
from controller.leader.election import LeaseTiming
from controller.notify.email import SMTP_URL_PATTERN, smtp_server_of
from database.settings import DatabaseUrl
from domain.durations import Durations
from domain.email_address import is_mailbox
from domain.policy import UncertainSubmissionPolicy
from domain.regions import REGION_PATTERN, RegionScope
from domain.schedule import Timing
from domain.spending import Prices, PriceSettings, SpendingLimits
from runtime.logs import LogFormat
from runtime.urls import http_url


def _check_smtp_url(url: SecretStr) -> SecretStr:
    if not re.fullmatch(SMTP_URL_PATTERN, url.get_secret_value()):
        raise ValueError("must be smtp://host:port, smtps://… or smtp+starttls://…, with user:password@ if needed")
    smtp_server_of(url.get_secret_value())
    return url


def _check_mailbox(text: str) -> str:
    if text and not is_mailbox(text):
        raise ValueError("must be one plain address, such as videos@example.com")
    return text


class OperatorSettings(Durations, PriceSettings, BaseSettings):
    """The operator's settings, by the names of their environment variables."""

    model_config = SettingsConfigDict(frozen=True, hide_input_in_errors=True)

    database_url: DatabaseUrl
    # For one statement. Below the shutdown grace.
    database_timeout_seconds: float = Field(default=5, gt=0, le=30)
    coconut_url: Annotated[str, AfterValidator(http_url)] = Field(pattern=r"^https?://[^/?#\s]+(/[^?#\s]*)?/v2$")
    coconut_api_key: SecretStr = Field(min_length=1)
    # The URL at which Coconut reaches the API.
    webhook_base_url: Annotated[str, AfterValidator(http_url)] = Field(pattern=r"^https?://[^/?#\s]+(/[^?#\s]*)?$")
    webhook_signing_keys: Annotated[tuple[SecretStr, ...], NoDecode, Field(min_length=1, max_length=2)]

    # Default: the service account of the pod.
    kubeconfig: FilePath | None = None
    namespace: str = Field(default="default", pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")
    # Shortens every duration of an upload's life by this factor; below 1 only in tests.
    time_scale: float = Field(default=1.0, gt=0, le=1)
    # Of several regions the one that this operator works for, and that of its bucket; empty for all uploads. It must be
    # what rows say: the API writes its own REGION into them, or S3_REGION.
    region: str = Field(default="", pattern=rf"^$|{REGION_PATTERN}")
    # The home region, whose operator also takes imports that name none. The same for all operators.
    region_home: str = ""
    # Comma-separated regions beside the home region: it refuses imports of all others.
    regions: Annotated[tuple[str, ...], NoDecode] = ()
    # How many jobs an edition may buy when submissions are lost or fail.
    max_submissions: int = Field(default=3, ge=1, le=10)
    # Limits of one account at the provider: running jobs, and the rate of submissions. They hold for the whole
    # installation, since only the leader submits.
    max_running_jobs: int = Field(default=50, ge=1, le=10_000)
    # A fifth of the places: one user's backlog leaves room for four others'.
    max_running_jobs_per_owner: int = Field(default=10, ge=1, le=10_000)
    # What a person converts on a very busy day, attempts that failed included; docs/security.md states what it costs.
    submissions_per_owner_per_day: int = Field(default=30, ge=1, le=1_000_000)
    # Billed minutes: the length of each video times its variants and MP4 files. This many cost at most $1,500 a day, or
    # twice as much where a profile has variants above 1080p. 0 for no limit.
    max_minutes_per_day: float = Field(default=100_000, ge=0)
    submissions_per_minute: int = Field(default=120, ge=1, le=10_000)
    submissions_burst: int = Field(default=10, ge=1, le=1_000)
    # An alert fires when a day costs more; 0 turns it off.
    spend_dollars_per_day: float = Field(default=0, ge=0)
    # After the resolve window: submit again and perhaps pay twice, or wait for a person.
    on_uncertain: UncertainSubmissionPolicy = UncertainSubmissionPolicy.RESUBMIT

    # Passes mostly wait for upstreams, each of which takes at most half of the workers (runtime/bulkhead.py).
    workers: int = Field(default=16, ge=2, le=128)
    # For all calls of one pass to upstreams but the copy of an original; then it backs off. A video of many hours takes
    # some hundred calls. A worker that does not end a minute later makes liveness fail.
    pass_deadline_seconds: float = Field(default=120, ge=1, le=3600)
    # Below the shutdown grace: a submission that has begun must end before the process does.
    coconut_timeout_seconds: float = Field(default=10, gt=0, le=60)
    # A missing resource is found within this.
    sweep_seconds: float = Field(default=30, gt=0)
    # All resources are listed this often, to find what the watch missed.
    resync_seconds: float = Field(default=300, gt=0)
    shutdown_grace_seconds: float = Field(default=20, gt=0, le=300)

    # The pause between two full audits.
    audit_seconds: float = Field(default=6 * 3600, gt=0)
    # About ten requests each: far below a bucket's limit, and a hundred thousand videos take half a day.
    audit_videos_per_second: float = Field(default=5, gt=0)
    # New editions that the audit may buy because published files were lost: for one video ever, for all in one audit.
    max_heals: int = Field(default=3, ge=0, le=100)
    heals_per_audit: int = Field(default=10, ge=0)
    # An attempt's outputs stay this long after a newer one was published: a player may still be reading them.
    superseded_seconds: float = Field(default=24 * 3600, ge=0)
    # Long enough to notice that a row was lost, and to bring it back.
    quarantine_seconds: float = Field(default=7 * 24 * 3600, ge=0)
    overdue_seconds: float = Field(default=600, ge=0)

    # How often new notifications are sent: two small queries each time.
    outbox_seconds: float = Field(default=1, gt=0, le=60)
    # Without it no mail is sent. A password needs TLS, so smtp:// takes none.
    smtp_url: Annotated[SecretStr, AfterValidator(_check_smtp_url)] | None = None
    mail_from: Annotated[str, AfterValidator(_check_mailbox)] = ""
    # Also allows http://. For receivers in the same network; every administrator can then reach any address in it.
    webhooks_allow_private_targets: bool = False

    # The chart grants the operator this one Lease: <release>-operator.
    lease_name: str = Field(
        default="video-uploads-operator",
        max_length=253,
        pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
    )
    # A standby takes over from a killed leader after the duration, from a stopped one at once.
    lease_duration_seconds: float = Field(default=15, gt=0, le=3600)
    lease_renew_deadline_seconds: float = Field(default=10, gt=0)
    lease_retry_seconds: float = Field(default=2, gt=0)

    # Files that are fetched from URLs at the same time, 0 to fetch none; the API must have the same value. Each needs
    # twice the size of a part, 16 MiB, and a slow server holds a place for an hour at most.
    source_fetches: int = Field(default=4, ge=0, le=64)
    # Comma-separated networks, such as 10.2.0.0/16, from which files are fetched besides public addresses, also by
    # http://. Everyone who may upload can then read from there.
    source_networks: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = ()

    # Only in tests: the point at which the process kills itself (failpoints.py).
    crash_at: str = Field(default="", pattern=r"^([A-Za-z]+(\.[a-z_]+){2}\.[0-9]+:(before|after))?$")
    crash_signal: CrashSignal = CrashSignal.KILL

    # The name under which this process holds the Lease: the pod's name, if there is one.
    identity: str = Field(default="", max_length=253, validation_alias="POD_NAME")
    probe_host: str = "127.0.0.1"
    probe_port: int = Field(default=8081, ge=0, le=65535)
    log_format: LogFormat = LogFormat.JSON
    log_level: str = Field(default="INFO", pattern=r"^(DEBUG|INFO|WARNING|ERROR)$")

    @field_validator("webhook_signing_keys", "regions", "source_networks", mode="before")
    @classmethod
    def _split_keys(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return [part.strip() for part in value.split(",")] if value.strip() else []

    @model_validator(mode="after")
    def _check_lease(self) -> Self:
        if not self.lease_retry_seconds < self.lease_renew_deadline_seconds < self.lease_duration_seconds:
            raise ValueError(
                "LEASE_RETRY_SECONDS must be below LEASE_RENEW_DEADLINE_SECONDS, and that below LEASE_DURATION_SECONDS"
            )
        return self

    @model_validator(mode="after")
    def _check_region(self) -> Self:
        if self.region and not self.region_home:
            raise ValueError("REGION_HOME: is missing, and REGION needs it")
        return self

    @model_validator(mode="after")
    def _check_mail(self) -> Self:
        if self.smtp_url is not None and not self.mail_from:
            raise ValueError("MAIL_FROM: is missing, and SMTP_URL needs it")
        return self

    @property
    def scope(self) -> RegionScope:
        """Return which uploads are this operator's."""
        return RegionScope(self.region, not self.region or self.region == self.region_home, self.regions)

    @property
    def lease(self) -> str:
        """Return the name of the Lease. Each region has one of its own, unless a name was given."""
        is_given = "lease_name" in self.model_fields_set or not self.region
        return self.lease_name if is_given else f"{self.lease_name}-{self.region}"

    @property
    def timing(self) -> Timing:
        """Return the durations of an upload's life."""
        return Timing.of(self, scale=self.time_scale)

    @property
    def lease_timing(self) -> LeaseTiming:
        """Return the three durations of the Lease."""
        return LeaseTiming(self.lease_duration_seconds, self.lease_renew_deadline_seconds, self.lease_retry_seconds)

    @property
    def prices(self) -> Prices:
        """Return the prices of jobs."""
        return self.list_prices(self.spend_dollars_per_day)

    @property
    def spending(self) -> SpendingLimits:
        """Return what may be bought."""
        return SpendingLimits(
            submissions_per_owner=self.submissions_per_owner_per_day,
            running_per_owner=self.max_running_jobs_per_owner,
            minutes_per_day=self.max_minutes_per_day,
            duration_seconds=self.max_duration_seconds,
        )

    @property
    def audit_rules(self) -> AuditRules:
        """Return the limits of the audit, its durations scaled."""

        def scaled(seconds: float) -> timedelta:
            return timedelta(seconds=seconds * self.time_scale)

        return AuditRules(
            max_heals=self.max_heals,
            heals_per_audit=self.heals_per_audit,
            superseded_after=scaled(self.superseded_seconds),
            quarantined_for=scaled(self.quarantine_seconds),
            overdue_after=scaled(self.overdue_seconds),
            timing=self.timing,
        )

    @property
    def audit_schedule(self) -> AuditSchedule:
        """Return the schedule of the audits: the light one at each resync, the full one less often."""
        return AuditSchedule(
            light_seconds=self.resync_seconds * self.time_scale,
            full_seconds=self.audit_seconds * self.time_scale,
            videos_per_second=self.audit_videos_per_second,
        )
