"""Prepares a cluster for the services: the namespace, the chart's manifests, and kubeconfigs.

The services use the chart's own ServiceAccounts and Roles, so the local stack enforces what the chart grants.
"""

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from crds.install import DEFINITIONS
from crds.kind import PLURAL
from devstack import kubeconfig
from devstack.paths import PROJECT_DIR
from devstack.server import PartFailedError
from devstack.tools import tool
from devstack.waiting import until
from domain.video import GROUP

CHART = PROJECT_DIR / "charts" / "video-uploads"
RELEASE = "video-uploads"
CRD = f"{PLURAL}.{GROUP}"
API_ACCOUNT = "video-uploads-api"
OPERATOR_ACCOUNT = "video-uploads-operator"
# The local services run beside the cluster, and its administrator plays people who forge resources, which the admission
# policy would refuse.
LOCAL_VALUES = "api.enabled=false,operator.enabled=false,admissionPolicy.enabled=false"
# What Helm renders with these values, kept here because Helm takes two minutes to build. `python -m devstack.chart`
# writes it, and a test compares it.
RENDERED = PROJECT_DIR / "devstack" / "local-chart.yaml"

_FIELD_MANAGER = "devstack"
_TOKEN_LIFETIME = "720h"
_TIMEOUT_SECONDS = 60
_SERVED_WITHIN_SECONDS = 30


@dataclass(frozen=True)
class ClusterAdmin:
    """A cluster with administrator access, and the services' namespace in it."""

    admin_kubeconfig: Path
    namespace: str

    def kubectl(self, *arguments: str, stdin: str = "") -> str:
        """Run kubectl as administrator and return its output."""
        argv = [str(tool("kubectl")), f"--kubeconfig={self.admin_kubeconfig}", f"--namespace={self.namespace}"]
        return _run([*argv, *arguments], stdin=stdin)

    def create_namespace(self) -> None:
        """Create the namespace unless it exists."""
        document = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}}
        self._apply(json.dumps(document))

    def apply_chart(self) -> None:
        """Apply the chart's manifests, and wait until the API server serves its kinds."""
        self._apply(local_manifests(self.namespace))
        self.wait_until_served(*(definition.name for definition in DEFINITIONS))

    def wait_until_served(self, *definitions: str) -> None:
        """Wait until the API server serves the kinds of these CustomResourceDefinitions, and kubectl knows them.

        An established kind has its URL. Discovery, from which kubectl has names and short names, and the OpenAPI
        document with its fields are updated later, each by a loop of its own.
        """
        columns = "{.spec.names.plural} {.spec.group}/{.spec.versions[?(@.served==true)].name}"
        for definition in definitions:
            crd = f"customresourcedefinition/{definition}"
            until(
                lambda: self._is_established(crd),  # noqa: B023
                within_seconds=_SERVED_WITHIN_SECONDS,
                what=f"{definition} to be established",
            )
            plural, version, *_ = self.kubectl("get", crd, f"--output=jsonpath={columns}").split()
            until(
                lambda: self._knows(plural, version),  # noqa: B023
                within_seconds=_SERVED_WITHIN_SECONDS,
                what=f"kubectl to know {definition}",
            )

    def _is_established(self, crd: str) -> bool:
        # `kubectl wait`, and a filter of jsonpath, fail where a definition that was just made has no conditions yet.
        status = json.loads(self.kubectl("get", crd, "--output=json")).get("status", {})
        conditions = {one["type"]: one["status"] for one in status.get("conditions") or ()}
        return conditions.get("Established") == "True"

    def _knows(self, plural: str, version: str) -> bool:
        try:
            self.kubectl("explain", plural, f"--api-version={version}")
        except PartFailedError:
            return False
        return True

    def write_account_kubeconfig(self, file: Path, *, account: str, server_url: str | None = None) -> None:
        """Write the kubeconfig of one of the chart's ServiceAccounts. ``server_url`` replaces the API server's own."""
        token = self.kubectl("create", "token", account, f"--duration={_TOKEN_LIFETIME}").strip()
        config = json.loads(self.kubectl("config", "view", "--raw", "--minify", "--flatten", "--output=json"))
        cluster = config["clusters"][0]["cluster"] | ({"server": server_url} if server_url else {})
        kubeconfig.write_with_token(file, cluster=cluster, token=token, namespace=self.namespace)

    def _apply(self, manifests: str) -> None:
        self.kubectl(
            "apply", "--server-side", "--force-conflicts", f"--field-manager={_FIELD_MANAGER}", "--filename=-",
            stdin=manifests,
        )  # fmt: skip


def local_manifests(namespace: str) -> str:
    """Return the chart's CRDs and its manifests without Deployments and admission policy, as Helm renders them."""
    crds = "".join(
        f"---\n# Source: {CHART.name}/crds/{file.name}\n{file.read_text()}\n"
        for file in sorted((CHART / "crds").glob("*.yaml"))
    )
    return crds + re.sub(r"(?m)^( +namespace: ).*$", rf"\g<1>{namespace}", RENDERED.read_text())


def _run(argv: list[str], *, stdin: str = "") -> str:
    command = " ".join([Path(argv[0]).name, *(word for word in argv[1:] if not word.startswith("--kubeconfig"))])
    try:
        done = subprocess.run(argv, input=stdin, capture_output=True, text=True, check=False, timeout=_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise PartFailedError(f"{command}: no answer in {_TIMEOUT_SECONDS} s") from error
    if done.returncode != 0:
        raise PartFailedError(f"{command}: {done.stderr.strip()}")
    return done.stdout
