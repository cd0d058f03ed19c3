"""Postgres, an S3 server and the stand-in for Coconut in their own pods, which outlive every tested release.

They come from charts/video-uploads/values-demo.yaml, without the service itself.
"""

import secrets
from collections import Counter
from typing import Any

import psycopg
import requests
from psycopg import sql

from devstack.environment import JWT_AUDIENCE
from tests.e2e.cluster.helm import CHART, DEMO_IMAGE, AnyNode, Helm

NAMESPACE = "upstreams"
ISSUER = "https://login.example.com"
_BUCKET = "videos"


class Upstreams:
    """The upstreams of a release."""

    def __init__(self, node: AnyNode) -> None:
        self._helm = Helm(node, NAMESPACE)
        self._database_password = secrets.token_hex(16)
        self._secret_key = secrets.token_hex(16)
        self._coconut_key = secrets.token_hex(16)
        self._narrower = {
            f"S3_{whose}_{part}": value
            for whose, name in (
                ("RAW_READER", "reader"),
                ("RAW_WRITER", "uploader"),
                ("PROCESSED_WRITER", "writer"),
                ("PRIVATE_READER", "viewer"),
            )
            for part, value in (("ACCESS_KEY", name), ("SECRET_KEY", secrets.token_hex(16)))
        }

    def install(self) -> None:
        """Start them in their own namespace, which admits only restricted pods, and wait until they serve."""
        self._helm.create_namespace()
        self._helm.create_secret("demo", {"POSTGRES_PASSWORD": self._database_password, **self.keys()})
        self._helm.run(
            "install", "upstreams", str(CHART), f"--values={CHART / 'values-demo.yaml'}",
            "--set=api.enabled=false,operator.enabled=false,rbac.create=false",
            f"--set=global.demo.image={DEMO_IMAGE}", "--skip-crds", "--wait",
        )  # fmt: skip
        self._helm.kubectl("wait", "--for=condition=Complete", "job/demo-bucket", "--timeout=120s")

    def keys(self) -> dict[str, str]:
        """Return a release's credentials for them, except the database's."""
        return {
            "S3_ACCESS_KEY": "demo",
            "S3_SECRET_KEY": self._secret_key,
            "COCONUT_API_KEY": self._coconut_key,
            **self._narrower,
        }

    def fresh_database(self, name: str) -> str:
        """Create a database and return its URL for pods."""
        role = f"postgresql://video_uploads:{self._database_password}"
        address = self._helm.service_addresses()["demo-postgres"]
        with psycopg.connect(f"{role}@{address}/postgres", autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return f"{role}@demo-postgres.{NAMESPACE}/{name}"

    def values(self, *, api_url: str) -> dict[str, Any]:
        """Return the values of a release that uses them."""
        storage = f"http://demo-s3.{NAMESPACE}:7070"
        return {
            "settings": {
                "storage": {
                    "S3_ENDPOINT": storage,
                    "S3_REGION": "us-east-1",
                    "S3_RAW_BUCKET": _BUCKET,
                    "S3_PROCESSED_BUCKET": _BUCKET,
                    "S3_PUBLIC_BASE_URL": f"{storage}/{_BUCKET}",
                    "S3_ADDRESSING_STYLE": "path",
                    "S3_ACL": "none",
                    "S3_COCONUT_SERVICE": "s3other",
                },
                "api": {
                    "JWT_ISSUER": ISSUER,
                    "JWT_AUDIENCE": JWT_AUDIENCE,
                    "UPLOADS_PER_HOUR": 1000,
                    "CHANGES_PER_MINUTE": 100_000,
                    "CALLS_PER_MINUTE": 1_000_000,
                },
                "operator": {
                    "COCONUT_URL": f"http://demo-coconut.{NAMESPACE}:8088/v2",
                    "WEBHOOK_BASE_URL": api_url,
                    "SUBMISSIONS_PER_OWNER_PER_DAY": 1000,
                    "MAX_RUNNING_JOBS_PER_OWNER": 50,
                },
            },
            "networkPolicy": {"egressPorts": [443, 6443, 5432, 7070, 8088]},
        }

    def slow_down(self, seconds: float) -> None:
        """Delay the encoding of every job accepted from now on; 0 ends the delay."""
        self._ask("PUT", "_faults", json={"slow": seconds})

    def jobs(self) -> Counter[str]:
        """Return the number of jobs ever bought for each video."""
        return Counter(str(job["video"]) for job in self._ask("GET", "_ledger"))

    def _ask(self, method: str, path: str, json: object = None) -> Any:
        url = f"http://{self._helm.service_addresses()['demo-coconut']}:8088/{path}"
        response = requests.request(method, url, json=json, timeout=10)
        response.raise_for_status()
        return response.json()
