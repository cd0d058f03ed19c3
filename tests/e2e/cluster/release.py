"""One release of the service: installed, upgraded and removed as docs/install.md says."""

import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import yaml

from devstack import tokens
from devstack.server import PartFailedError
from tests.e2e.cluster.helm import REPOSITORY, AnyNode, Helm
from tests.e2e.cluster.upstreams import ISSUER, Upstreams
from videoupload import Client

NAME = "films"
SECRET = "video-uploads"
API = f"{NAME}-video-uploads-api"
OPERATOR = f"{NAME}-video-uploads-operator"
_LOOK_SECONDS = 0.5


class HelmRelease(Helm):
    """A release in its namespace."""

    def __init__(self, node: AnyNode, upstreams: Upstreams, directory: Path) -> None:
        super().__init__(node, NAME)
        self._values, self._directory = upstreams.values(api_url=f"http://{API}.{NAME}"), directory
        self._upstreams = upstreams
        self.jwt_key = secrets.token_hex(32)
        self.callback_keys = secrets.token_hex(32)

    def prepare(self) -> None:
        """Create the namespace and the credentials."""
        self.create_namespace()
        own = {"JWT_SIGNING_KEY": self.jwt_key, "WEBHOOK_SIGNING_KEYS": self.callback_keys}
        database = {"DATABASE_URL": self._upstreams.fresh_database(NAME)}
        self.create_secret(SECRET, {**self._upstreams.keys(), **own, **database})

    def install(self, tree: Path, *, tag: str) -> None:
        """Install the chart of a tree and wait until all of it is ready."""
        self.run("install", *self._arguments(tree, tag))

    def upgrade(self, tree: Path, *, tag: str) -> None:
        """Upgrade the kind, then the release, and wait until the new pods have taken over."""
        crds = tree / "charts" / "video-uploads" / "crds"
        self.kubectl("apply", "--server-side", "--force-conflicts", f"--filename={crds}/")
        self.run("upgrade", *self._arguments(tree, tag))

    def uninstall(self) -> None:
        """Remove the release."""
        self.run("uninstall", NAME, "--wait")

    @property
    def api_url(self) -> str:
        """Return the URL of the API's Service."""
        return f"http://{self.service_addresses()[API]}"

    def bearer(self, user: str, *, key: str | None = None) -> dict[str, str]:
        """Return the Authorization header of a user."""
        return {"Authorization": f"Bearer {self._token(user, key or self.jwt_key)}"}

    def client(self, user: str) -> Client:
        """Return the client of a user."""
        return Client(self.api_url, self._token(user, self.jwt_key))

    def pods(self, component: str = "") -> list[dict[str, Any]]:
        """Return the pods of the release or of one component, ending ones included."""
        selected = f"app.kubernetes.io/instance={NAME}"
        selected += f",app.kubernetes.io/component={component}" if component else ""
        return self.get("pods", f"--selector={selected}")

    def lease(self) -> dict[str, Any]:
        """Return the Lease of the operator's leader."""
        (found,) = [one for one in self.get("leases") if one["metadata"]["name"] == OPERATOR]
        spec: dict[str, Any] = found["spec"]
        return spec

    def _token(self, user: str, key: str) -> str:
        return tokens.mint(key, user=user, issuer=ISSUER)

    def _arguments(self, tree: Path, tag: str) -> list[str]:
        chart, values = tree / "charts" / "video-uploads", self._directory / f"values-{tag}.yaml"
        values.write_text(yaml.safe_dump(_without_later_settings(self._values, chart)))
        return [
            NAME,
            str(chart),
            f"--values={tree / 'docs' / 'examples' / 'values-minimal.yaml'}",
            f"--values={values}",
            f"--set=image.repository={REPOSITORY}",
            f"--set=image.tag={tag}",
            "--set=image.pullPolicy=Never",
            "--wait",
        ]


def _without_later_settings(values: Mapping[str, Any], chart: Path) -> dict[str, Any]:
    """Return the values without the settings that an earlier release's chart does not have."""
    has = yaml.safe_load((chart / "values.yaml").read_text())["settings"]
    settings = {
        part: {key: one for key, one in own.items() if key in has[part]} for part, own in values["settings"].items()
    }
    return {**values, "settings": settings}


def tag_of(pod: dict[str, Any]) -> str:
    """Return the tag of a pod's image."""
    return str(pod["spec"]["containers"][0]["image"]).rpartition(":")[2]


def is_ready(pod: dict[str, Any]) -> bool:
    """Return whether the Service sends requests to a pod."""
    conditions = pod["status"].get("conditions", [])
    is_true = any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
    return is_true and "deletionTimestamp" not in pod["metadata"]


class PodWatch:
    """Watches the images of serving pods, and calls back once when two serve at the same time. Use it in a `with`."""

    def __init__(self, release: HelmRelease, when_several: Callable[[], object]) -> None:
        self._release = release
        self._when_several = when_several
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, name="pods", daemon=True)

    def __enter__(self) -> "PodWatch":
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(_LOOK_SECONDS):
            try:
                serving = {tag_of(pod) for pod in self._release.pods("api") if is_ready(pod)}
            except PartFailedError:
                continue
            if len(serving) > 1:
                self._when_several()
                return


@dataclass(frozen=True)
class Installed:
    """The previous release, installed by its own chart, and the objects that existed before it."""

    release: HelmRelease
    version: str
    found_before: frozenset[str]
