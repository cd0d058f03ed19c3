"""Both processes, started with missing or unknown settings: each exits with one line."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from devstack.paths import PROJECT_DIR
from tests.integration.api_process import gunicorn, without_upstreams

_FOR_THE_OPERATOR = {
    "COCONUT_URL": "http://127.0.0.1:1/v2",
    "COCONUT_API_KEY": "5ec1e7",
    "WEBHOOK_BASE_URL": "http://127.0.0.1:1",
    "PROBE_PORT": "0",
}


@dataclass(frozen=True)
class ServiceProcess:
    """One of our two processes. Both get the same variables, as from one ConfigMap."""

    who: str
    command: Sequence[str]

    def line_of_its_end(self, directory: Path, changes: Mapping[str, str | None]) -> str:
        """Start it with changed variables, wait for its end and return the one line it wrote."""
        environment = {**without_upstreams(directory), **_FOR_THE_OPERATOR, **changes}
        ended = subprocess.run(
            self.command,
            cwd=PROJECT_DIR,
            env={name: value for name, value in environment.items() if value is not None},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ended.returncode == 1, ended
        (line,) = (ended.stdout + ended.stderr).splitlines()
        assert "5ec1e7" not in line
        return line


@pytest.fixture(params=["api", "operator"])
def process(request: pytest.FixtureRequest) -> ServiceProcess:
    if request.param == "api":
        return ServiceProcess("the API", gunicorn())
    return ServiceProcess("the operator", [sys.executable, "-m", "controller"])


def test_a_missing_setting_stops_the_start_with_its_name(process: ServiceProcess, tmp_path: Path) -> None:
    line = process.line_of_its_end(tmp_path, {"WEBHOOK_SIGNING_KEYS": None})

    assert line == f"{process.who} cannot start: WEBHOOK_SIGNING_KEYS: Field required"


@pytest.mark.parametrize(
    ("durations", "problem"),
    [
        pytest.param(
            {"UPLOAD_URL_SECONDS": "604801"},
            "UPLOAD_URL_SECONDS: Input should be less than or equal to 604800",
            id="longer-than-a-signature",
        ),
        pytest.param(
            {"RESOLVE_WINDOW_SECONDS": "3600", "UPLOADED_DEADLINE_SECONDS": "3600"},
            "RESOLVE_WINDOW_SECONDS must be below UPLOADED_DEADLINE_SECONDS",
            id="a-window-that-the-deadline-cuts-off",
        ),
    ],
)
def test_a_duration_that_breaks_a_promise_stops_the_start_with_its_name_and_bound(
    process: ServiceProcess, tmp_path: Path, durations: dict[str, str], problem: str
) -> None:
    assert process.line_of_its_end(tmp_path, durations) == f"{process.who} cannot start: {problem}"


def test_unknown_settings_stop_the_start_with_the_nearest_known_name(process: ServiceProcess, tmp_path: Path) -> None:
    # The missing S3_ENDPOINT is the consequence; the line has to name the cause.
    line = process.line_of_its_end(
        tmp_path, {"S3_ENDPOINT": None, "S3_ENDPIONT": "5ec1e7", "LEASE_RETRY_SECS": "5ec1e7"}
    )

    assert line == (
        f"{process.who} cannot start: LEASE_RETRY_SECS: there is no such setting, the nearest is LEASE_RETRY_SECONDS; "
        "S3_ENDPIONT: there is no such setting, the nearest is S3_ENDPOINT"
    )


def test_the_other_processs_settings_and_kubernetes_variables_are_ignored(
    process: ServiceProcess, tmp_path: Path
) -> None:
    added = {
        "KUBERNETES_SERVICE_HOST": "10.0.0.1",
        "S3_SERVICE_HOST": "10.0.0.2",
        "S3_SERVICE_PORT_HTTP": "80",
        "COCONUT_PORT": "tcp://10.0.0.3:80",
        "COCONUT_PORT_80_TCP_ADDR": "10.0.0.3",
        "POD_IP": "10.0.0.4",
    }
    # Left out so that the start ends: a line about nothing else shows that nothing else was in its way.
    # Both processes read REGION, and the operator's needs REGION_HOME.
    line = process.line_of_its_end(tmp_path, {**added, "S3_REGION": None, "REGION": None})

    assert line == f"{process.who} cannot start: S3_REGION: Field required"
