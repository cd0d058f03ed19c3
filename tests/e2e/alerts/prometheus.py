"""A real Prometheus beside the stack that scrapes both services each second, with the chart's rules shortened."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests
import yaml

from devstack.http_probe import is_serving
from devstack.paths import PROJECT_DIR, Paths
from devstack.ports import HOST, any_free_port
from devstack.process import Command
from devstack.server import Server
from devstack.tools import tool
from tests.support.scaled_rules import scaled_rules

# The minutes of an installation become seconds.
FACTOR = 1 / 60
_FILES = PROJECT_DIR / "charts" / "video-uploads" / "files"
_TIMEOUT_SECONDS = 5


@dataclass(frozen=True)
class Prometheus:
    """A running Prometheus."""

    url: str

    def firing(self) -> set[str]:
        """Return the names of the firing alerts."""
        response = requests.get(f"{self.url}/api/v1/alerts", timeout=_TIMEOUT_SECONDS)
        response.raise_for_status()
        return {
            alert["labels"]["alertname"] for alert in response.json()["data"]["alerts"] if alert["state"] == "firing"
        }

    def targets(self) -> dict[str, str]:
        """Return the health of each scraped job."""
        response = requests.get(f"{self.url}/api/v1/targets", timeout=_TIMEOUT_SECONDS)
        response.raise_for_status()
        return {target["labels"]["job"]: target["health"] for target in response.json()["data"]["activeTargets"]}


@contextmanager
def prometheus(directory: Path, *, api_url: str, operator_metrics_url: str) -> Iterator[Prometheus]:
    """Run Prometheus until the end of the block."""
    for file in ("alerts.yaml", "recording.yaml"):
        (directory / file).write_text(scaled_rules((_FILES / file).read_text(), FACTOR))
    config = directory / "prometheus.yaml"
    scraped = {"api": api_url, "operator": operator_metrics_url.removesuffix("/metrics")}
    config.write_text(yaml.safe_dump(_config(scraped)))
    url = f"http://{HOST}:{any_free_port()}"
    argv = [
        str(tool("prometheus")),
        f"--config.file={config}",
        f"--storage.tsdb.path={directory / 'data'}",
        f"--web.listen-address={url.removeprefix('http://')}",
        "--log.level=warn",
    ]
    server = Server(
        process=Paths(directory).process("prometheus"),
        command=Command(argv, {"PATH": os.environ["PATH"]}, directory),
        is_ready=lambda: is_serving(f"{url}/-/ready"),
        address=url,
    )
    try:
        server.up()
        yield Prometheus(url)
    finally:
        server.down()


def _config(scraped: dict[str, str]) -> dict[str, object]:
    return {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": ["alerts.yaml", "recording.yaml"],
        "scrape_configs": [
            {"job_name": name, "static_configs": [{"targets": [url.removeprefix("http://")]}]}
            for name, url in scraped.items()
        ],
    }
