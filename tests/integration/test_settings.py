"""Both processes, really started with settings that are missing, malformed or unknown: one line, then the end."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from devstack.place import PROJECT_DIR
from tests.integration.api_process import AUDIENCE, CALLBACK_KEY, ISSUER, JWT_SIGNING_KEY, gunicorn, without_cluster

# Nobody listens there: a process that got past its settings would say so instead of ending.
_NOWHERE = "http://127.0.0.1:1"
_COMMON = {
    "PATH": os.environ["PATH"],
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
    "WEBHOOK_SIGNING_KEYS": CALLBACK_KEY,
    "S3_ENDPOINT": _NOWHERE,
    "S3_REGION": "us-east-1",
    "S3_ACCESS_KEY": "key",
    "S3_SECRET_KEY": "5ec1e7",
    "S3_RAW_BUCKET": "raw",
    "S3_PROCESSED_BUCKET": "processed",
    "S3_PUBLIC_BASE_URL": _NOWHERE,
}
_OF_THE_API = {
    "JWT_SIGNING_KEY": JWT_SIGNING_KEY,
    "JWT_ISSUER": ISSUER,
    "JWT_AUDIENCE": AUDIENCE,
    "BIND": "127.0.0.1:0",
}
_OF_THE_OPERATOR = {
    "COCONUT_URL": f"{_NOWHERE}/v2",
    "COCONUT_API_KEY": "5ec1e7",
    "WEBHOOK_BASE_URL": _NOWHERE,
    "PROBE_PORT": "0",
}


@dataclass(frozen=True)
class Process:
    """One of our two processes: how it is started, and what it has to be told."""

    who: str
    command: Sequence[str]
    told: Mapping[str, str]

    def line_of_its_end(self, directory: Path, changes: Mapping[str, str | None]) -> str:
        """Start it with changed variables, wait for its end and return the one line it wrote."""
        told = {**self.told, "KUBECONFIG": str(without_cluster(directory)), **changes}
        ended = subprocess.run(
            self.command,
            cwd=PROJECT_DIR,
            env={name: value for name, value in told.items() if value is not None},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ended.returncode == 1, ended
        (line,) = (ended.stdout + ended.stderr).splitlines()
        assert "5ec1e7" not in line
        return line


API = Process("the API", gunicorn(), _COMMON | _OF_THE_API)
OPERATOR = Process("the operator", [sys.executable, "-m", "controller"], _COMMON | _OF_THE_OPERATOR)
BOTH = [pytest.param(API, id="api"), pytest.param(OPERATOR, id="operator")]


@pytest.mark.parametrize("process", BOTH)
def test_a_missing_setting_stops_the_start_with_its_name(process: Process, tmp_path: Path) -> None:
    line = process.line_of_its_end(tmp_path, {"WEBHOOK_SIGNING_KEYS": None})

    assert line == f"{process.who} cannot start: WEBHOOK_SIGNING_KEYS: Field required"


@pytest.mark.parametrize("process", BOTH)
def test_unknown_settings_stop_the_start_with_the_nearest_known_name(process: Process, tmp_path: Path) -> None:
    # The name that is missing for it would be reported too late to be understood.
    line = process.line_of_its_end(tmp_path, {"S3_ENDPOINT": None, "S3_ENDPIONT": "5ec1e7", "LEASE_SECS": "5ec1e7"})

    assert line == (
        f"{process.who} cannot start: LEASE_SECS: there is no such setting, the nearest is LEASE_RETRY_SECONDS; "
        "S3_ENDPIONT: there is no such setting, the nearest is S3_ENDPOINT"
    )


@pytest.mark.parametrize(
    ("process", "of_the_sibling"),
    [pytest.param(API, _OF_THE_OPERATOR, id="api"), pytest.param(OPERATOR, _OF_THE_API, id="operator")],
)
def test_the_siblings_settings_and_what_kubernetes_adds_are_no_obstacle(
    process: Process, of_the_sibling: Mapping[str, str], tmp_path: Path
) -> None:
    of_kubernetes = {
        "KUBERNETES_SERVICE_HOST": "10.0.0.1",
        "S3_SERVICE_HOST": "10.0.0.2",
        "S3_SERVICE_PORT_HTTP": "80",
        "COCONUT_PORT": "tcp://10.0.0.3:80",
        "COCONUT_PORT_80_TCP_ADDR": "10.0.0.3",
        "POD_IP": "10.0.0.4",
    }
    # Left out on purpose: that it is all the line complains about shows that nothing else was an obstacle.
    line = process.line_of_its_end(tmp_path, {**of_kubernetes, **of_the_sibling, "S3_REGION": None})

    assert line == f"{process.who} cannot start: S3_REGION: Field required"
