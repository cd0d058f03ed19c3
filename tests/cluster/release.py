"""The demo as a release: installed, upgraded and removed by helm, and asked by kubectl."""

import json
import secrets
from collections.abc import Mapping
from typing import Any

from devstack import tokens
from devstack.node.network import run
from devstack.node.node import Node
from devstack.place import PROJECT_DIR
from devstack.tools import tool
from videoupload import Client

CHART = PROJECT_DIR / "charts" / "video-uploads"
NAME = "demo"
NAMESPACE = "demo"
VERSION = "dev"
IMAGE = "localhost/video-uploads"
DEMO_IMAGE = "localhost/video-uploads-demo"

_ISSUER = "https://video-uploads.demo"
_WAIT_SECONDS = 300


class Release:
    """One release in its namespace."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._jwt_key = secrets.token_hex(32)

    def install(self) -> None:
        """Install it into an empty namespace and wait until everything of it is ready."""
        self._node.servers.kubectl("create", "namespace", NAMESPACE)
        self.kubectl("create", "secret", "generic", "demo", *self._literals())
        self.helm("install", NAME, str(CHART), *self._values(), "--wait", f"--timeout={_WAIT_SECONDS}s")

    def upgrade(self, **settings: str) -> None:
        """Change values and wait until the new pods have taken over."""
        more = [f"--set={name}={value}" for name, value in settings.items()]
        self.helm("upgrade", NAME, str(CHART), *self._values(), *more, "--wait", f"--timeout={_WAIT_SECONDS}s")

    def forget(self) -> None:
        """Remove the namespace and what is in it."""
        self._node.servers.kubectl("delete", "namespace", NAMESPACE, "--timeout=120s", timeout_seconds=150)

    def client(self, user: str) -> Client:
        """Return a user of the API, which is asked through its Service."""
        token = tokens.mint(self._jwt_key, user=user, issuer=_ISSUER)
        return Client(f"http://{self.service_addresses()['demo-api']}", token)

    def service_addresses(self) -> Mapping[str, str]:
        """Return the address of each Service by its name."""
        return {found["metadata"]["name"]: found["spec"]["clusterIP"] for found in self.get("services")}

    def get(self, kind: str, *selection: str) -> list[dict[str, Any]]:
        """Return the objects of a kind."""
        items: list[dict[str, Any]] = json.loads(self.kubectl("get", kind, *selection, "--output=json"))["items"]
        return items

    def kubectl(self, *arguments: str) -> str:
        """Ask about the namespace of the release."""
        return self._node.servers.kubectl(f"--namespace={NAMESPACE}", *arguments, timeout_seconds=_WAIT_SECONDS)

    def helm(self, *arguments: str) -> str:
        """Run helm as the cluster's administrator."""
        argv = [str(tool("helm")), f"--kubeconfig={self._node.kubeconfig}", f"--namespace={NAMESPACE}", *arguments]
        return run(*argv, timeout_seconds=_WAIT_SECONDS + 30)

    def _values(self) -> list[str]:
        return [
            f"--values={CHART / 'values-demo.yaml'}",
            f"--set=image.repository={IMAGE}",
            f"--set=image.tag={VERSION}",
            "--set=image.pullPolicy=Never",
            f"--set=global.demo.image={DEMO_IMAGE}:{VERSION}",
        ]

    def _literals(self) -> list[str]:
        password = secrets.token_hex(16)
        values = {
            "POSTGRES_PASSWORD": password,
            "DATABASE_URL": f"postgresql://video_uploads:{password}@demo-postgres/postgres",
            "S3_ACCESS_KEY": "demo",
            "S3_RAW_READER_ACCESS_KEY": "reader",
            "S3_PROCESSED_WRITER_ACCESS_KEY": "writer",
            "JWT_SIGNING_KEY": self._jwt_key,
            "WEBHOOK_SIGNING_KEYS": secrets.token_hex(32),
            **{
                name: secrets.token_hex(16)
                for name in (
                    "S3_SECRET_KEY",
                    "S3_RAW_READER_SECRET_KEY",
                    "S3_PROCESSED_WRITER_SECRET_KEY",
                    "COCONUT_API_KEY",
                )
            },
        }
        return [f"--from-literal={name}={value}" for name, value in values.items()]
