"""The environment variables of the API and the operator; no other module here knows the names of their settings.

The settings are declared in controller/settings.py, webapi/settings.py and storage/settings.py.
"""

from dataclasses import dataclass
from pathlib import Path

from devstack.child_environment import child_environment
from devstack.coconut_server import CoconutAccess
from devstack.options import StackOptions
from devstack.paths import Secrets
from devstack.ports import HOST
from devstack.s3 import S3Access

JWT_ISSUER = "https://video-uploads.local"
JWT_AUDIENCE = "video-uploads"


@dataclass(frozen=True)
class ServiceConfig:
    """Everything that the services are configured with."""

    database_url: str
    # The S3_… variables, which differ between the local server and a real one.
    s3: dict[str, str]
    coconut: CoconutAccess
    mail_url: str
    namespace: str
    api_kubeconfig: Path
    operator_kubeconfig: Path
    api_port: int
    operator_port: int
    secrets: Secrets
    options: StackOptions
    # The directory of the built page, if there is one.
    web_dir: Path | None = None

    @property
    def api_url(self) -> str:
        """Return the API's base URL."""
        return f"http://{HOST}:{self.api_port}"

    @property
    def operator_metrics_url(self) -> str:
        """Return the URL of the operator's metrics."""
        return f"http://{HOST}:{self.operator_port}/metrics"

    def for_migrations(self) -> dict[str, str]:
        """Return the environment of `python -m database.migrations`."""
        return child_environment() | {"DATABASE_URL": self.database_url}

    def for_api(self) -> dict[str, str]:
        """Return the environment of webapi/."""
        return self._common() | {
            "BIND": f"{HOST}:{self.api_port}",
            "DRAIN_SECONDS": "0",  # there is no load balancer to wait for
            "KUBECONFIG": str(self.api_kubeconfig),
            "JWT_SIGNING_KEY": self.secrets.jwt_signing_key,
            "PLAYBACK_SIGNING_KEYS": self.secrets.playback_signing_key,
            "API_BASE_URL": self.api_url,
            "JWT_ISSUER": JWT_ISSUER,
            "JWT_AUDIENCE": JWT_AUDIENCE,
            "UPLOADS_PER_HOUR": str(self.options.uploads_per_hour),
            # A test has one user, who creates as many videos as many users would.
            "CHANGES_PER_MINUTE": "100000",
            "CALLS_PER_MINUTE": "1000000",
            "RETRIES_PER_DAY": "100000",
            **({"WEB_DIR": str(self.web_dir)} if self.web_dir else {}),
            "WATCH_BASE_URL": self.api_url,
            "EMBED_ORIGINS": "*",
            **self.options.api_settings,
        }

    def for_operator(self) -> dict[str, str]:
        """Return the environment of controller/."""
        return self._common() | {
            "KUBECONFIG": str(self.operator_kubeconfig),
            "COCONUT_URL": self.coconut.url,
            "COCONUT_API_KEY": self.coconut.api_key,
            "WEBHOOK_BASE_URL": self.options.webhook_base_url or self.api_url,
            "PROBE_PORT": str(self.operator_port),
            "SMTP_URL": self.mail_url,
            "MAIL_FROM": "videos@video-uploads.example",
            # A test has one user, who buys as much as many users would, and a stack runs for more than one test.
            "SUBMISSIONS_PER_OWNER_PER_DAY": "100000",
            "MAX_RUNNING_JOBS_PER_OWNER": "50",
            "MAX_MINUTES_PER_DAY": "0",
            **self.options.operator_settings,
        }

    def _common(self) -> dict[str, str]:
        return (
            child_environment()
            | self.s3
            | {
                "DATABASE_URL": self.database_url,
                "NAMESPACE": self.namespace,
                "WEBHOOK_SIGNING_KEYS": self.secrets.webhook_signing_key,
                "TIME_SCALE": str(self.options.time_scale),
                # The webhook receivers of a local stack run on this machine.
                "WEBHOOKS_ALLOW_PRIVATE_TARGETS": "true",
                # And so do the servers of files that it fetches.
                "SOURCE_NETWORKS": "127.0.0.0/8",
                "LOG_FORMAT": "json",
                "PYTHONUNBUFFERED": "1",
            }
            | dict(self.options.service_settings)
        )


def local_s3(access: S3Access) -> dict[str, str]:
    """Return the S3_… variables for the local server."""
    return {
        "S3_ENDPOINT": access.endpoint,
        "S3_REGION": access.region,
        "S3_ACCESS_KEY": access.access_key,
        "S3_SECRET_KEY": access.secret_key,
        "S3_RAW_BUCKET": access.raw_bucket,
        "S3_PROCESSED_BUCKET": access.processed_bucket,
        "S3_RAW_READER_ACCESS_KEY": access.raw_reader_access_key,
        "S3_RAW_READER_SECRET_KEY": access.raw_reader_secret_key,
        "S3_RAW_WRITER_ACCESS_KEY": access.raw_writer_access_key,
        "S3_RAW_WRITER_SECRET_KEY": access.raw_writer_secret_key,
        "S3_PROCESSED_WRITER_ACCESS_KEY": access.processed_writer_access_key,
        "S3_PROCESSED_WRITER_SECRET_KEY": access.processed_writer_secret_key,
        "S3_PRIVATE_READER_ACCESS_KEY": access.private_reader_access_key,
        "S3_PRIVATE_READER_SECRET_KEY": access.private_reader_secret_key,
        "S3_PUBLIC_BASE_URL": f"{access.endpoint}/{access.processed_bucket}",
        "S3_ADDRESSING_STYLE": "path",
        "S3_ACL": "none",  # the bucket's policy makes processed/* public
        "S3_COCONUT_SERVICE": "s3other",
    }
