"""The options of a stack: which parts to replace by your own, and how fast time runs.

They are saved in the state directory, so that a later `restart` starts the same thing.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from devstack.paths import write_private

_S3_NEEDED = (
    "S3_REGION",
    "S3_ACCESS_KEY",
    "S3_SECRET_KEY",
    "S3_RAW_BUCKET",
    "S3_PROCESSED_BUCKET",
    "S3_PUBLIC_BASE_URL",
)


class OptionError(Exception):
    """An option is incomplete or unknown. The message names the variable."""


@dataclass(frozen=True)
class StackOptions:
    """The options of one stack. A part that is not replaced is local."""

    time_scale: float = 1.0
    uploads_per_hour: int = 10
    database_url: str | None = None
    # The kubeconfig of an existing cluster.
    kubeconfig: str | None = None
    # All S3_… variables, where S3_ENDPOINT names another server.
    s3: Mapping[str, str] = field(default_factory=dict)
    coconut_url: str | None = None
    coconut_api_key: str | None = None
    # A mail server that delivers; the local one only stores.
    smtp_url: str | None = None
    # Where a real Coconut reaches the API, such as a tunnel. The default can only be reached from this machine.
    webhook_base_url: str | None = None
    # More variables of the API and of the operator, such as limits that a benchmark raises.
    api_settings: Mapping[str, str] = field(default_factory=dict)
    operator_settings: Mapping[str, str] = field(default_factory=dict)
    # The same for both services, such as durations, which they must agree on.
    service_settings: Mapping[str, str] = field(default_factory=dict)
    # The port by which the services reach a part, where that is not its own: a proxy that can fail.
    reached_by: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], *, time_scale: float) -> "StackOptions":
        """Read the options from environment variables. Raises OptionError."""
        if not 0 < time_scale <= 1:
            raise OptionError(f"--scale is {time_scale:g}; it must be above 0 and at most 1")
        coconut_url = environment.get("COCONUT_URL") or None
        if coconut_url and not environment.get("COCONUT_API_KEY"):
            raise OptionError("COCONUT_URL needs COCONUT_API_KEY")
        return cls(
            time_scale=time_scale,
            uploads_per_hour=int(environment.get("UPLOADS_PER_HOUR") or 10),
            database_url=environment.get("DATABASE_URL") or None,
            kubeconfig=_kubeconfig(environment),
            s3=_s3(environment),
            coconut_url=coconut_url,
            coconut_api_key=environment.get("COCONUT_API_KEY") if coconut_url else None,
            smtp_url=environment.get("SMTP_URL") or None,
            webhook_base_url=environment.get("WEBHOOK_BASE_URL") or None,
        )

    @classmethod
    def remembered(cls, file: Path) -> "StackOptions":
        """Return the saved options, or the defaults."""
        return cls(**json.loads(file.read_text())) if file.exists() else cls()

    def remember(self, file: Path) -> None:
        """Save the options, secrets included."""
        write_private(file, json.dumps(asdict(self), indent=1))


def _kubeconfig(environment: Mapping[str, str]) -> str | None:
    match environment.get("CLUSTER") or "local":
        case "local":
            return None
        case "existing":
            path = environment.get("KUBECONFIG")
            if not path or not Path(path).is_file():
                raise OptionError(f"CLUSTER=existing needs KUBECONFIG to name a file; it is {path or 'not set'}")
            return str(Path(path).resolve())
        case other:
            raise OptionError(f"CLUSTER is {other!r}; it may be local, existing or kind")


def _s3(environment: Mapping[str, str]) -> dict[str, str]:
    if not environment.get("S3_ENDPOINT"):
        return {}
    missing = [name for name in _S3_NEEDED if not environment.get(name)]
    if missing:
        raise OptionError(f"S3_ENDPOINT needs {', '.join(missing)}; the buckets must exist")
    return {name: value for name, value in environment.items() if name.startswith("S3_") and value}
