"""The operator as a process. Every upstream is unreachable unless a test gives its address."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from devstack.paths import PROJECT_DIR

_NOWHERE = "http://127.0.0.1:1"


class OperatorProcess:
    """A running operator."""

    def __init__(self, process: subprocess.Popen[bytes], log_file: Path) -> None:
        self._process = process
        self._log_file = log_file

    def log(self) -> str:
        """Return everything the process wrote."""
        return self._log_file.read_text()

    def terminate(self) -> None:
        """Ask it to stop, as Kubernetes does."""
        self._process.terminate()

    def exit_code(self, *, within_seconds: float = 60) -> int:
        """Wait for its end."""
        return self._process.wait(within_seconds)


def environment_of(kubeconfig: Path, namespace: str, **changes: str) -> dict[str, str]:
    """Return the environment of an operator."""
    defaults = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
        "KUBECONFIG": str(kubeconfig),
        "NAMESPACE": namespace,
        "COCONUT_URL": f"{_NOWHERE}/v2",
        "COCONUT_API_KEY": "key",
        "WEBHOOK_BASE_URL": _NOWHERE,
        "WEBHOOK_SIGNING_KEYS": "a callback key of the integration tests",
        "S3_ENDPOINT": _NOWHERE,
        "S3_REGION": "us-east-1",
        "S3_ACCESS_KEY": "key",
        "S3_SECRET_KEY": "secret",
        "S3_RAW_BUCKET": "raw",
        "S3_PROCESSED_BUCKET": "processed",
        "S3_PUBLIC_BASE_URL": _NOWHERE,
        "S3_ADDRESSING_STYLE": "path",
        "PROBE_PORT": "0",
        "SHUTDOWN_GRACE_SECONDS": "1",
    }
    return defaults | changes


@contextmanager
def running(environment: Mapping[str, str], directory: Path) -> Iterator[OperatorProcess]:
    """Run the operator until the end of the block."""
    log_file = directory / "operator.log"
    command = [sys.executable, "-m", "controller"]
    with log_file.open("wb") as log:
        process = subprocess.Popen(command, cwd=PROJECT_DIR, env=dict(environment), stdout=log, stderr=log)
    try:
        yield OperatorProcess(process, log_file)
    finally:
        process.kill()
        process.wait(30)
