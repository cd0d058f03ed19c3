"""Every version of a resource that a watch receives: one for each write to etcd."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from devstack.tools import tool
from tests.e2e.uploads.world import World
from tests.support.eventually import eventually


@dataclass(frozen=True)
class Versions:
    """The versions received so far, in kubectl's output file."""

    output: Path

    def of(self, video_id: str) -> list[dict[str, Any]]:
        """Return the versions of one resource, from its creation on."""
        by_version: dict[str, dict[str, Any]] = {}
        for version in self._all():
            metadata = version["metadata"]
            if metadata["name"] == video_id:
                # A restarted watch sends the newest version again.
                by_version[metadata["resourceVersion"]] = version
        return list(by_version.values())

    def _all(self) -> Iterator[dict[str, Any]]:
        text, decoder, at = self.output.read_text(), json.JSONDecoder(), 0
        while (start := text.find("{", at)) >= 0:
            try:
                version, at = decoder.raw_decode(text, start)
            except ValueError:
                return  # the last version is not complete yet
            yield version


@contextmanager
def versions(world: World, directory: Path) -> Iterator[Versions]:
    """Watch every resource until the end of the block."""
    cluster, output = world.stack.cluster, directory / "versions.json"
    options = [f"--kubeconfig={cluster.admin_kubeconfig}", f"--namespace={cluster.namespace}", "--output=json"]
    # The list comes first, as a single document, and then one version after the other.
    with output.open("wb") as written:
        watching = subprocess.Popen([str(tool("kubectl")), "get", "vu", "--watch", *options], stdout=written)
    try:
        yield Versions(output)
    finally:
        watching.terminate()
        watching.wait(30)


def writes_until_ready(received: list[dict[str, Any]]) -> list[str]:
    """Return the phase of each write up to the first with `ready`, without writes of progress alone."""
    compared = [None, *(_without_progress(version) for version in received)]
    writes = [_phase(after) for before, after in pairwise(compared) if after is not None and before != after]
    return writes[: writes.index("ready") + 1]


def wait_until_all_ready(received: Versions, video_ids: list[str]) -> None:
    """Wait until the watch has received the phase `ready` of each video."""
    for video_id in video_ids:
        eventually(lambda: "ready" in map(_phase, received.of(video_id)))  # noqa: B023


def _phase(version: dict[str, Any]) -> str:
    return str(version.get("status", {}).get("phase", "created"))


def _without_progress(version: dict[str, Any]) -> dict[str, Any]:
    """Return a version without the fields that change with each write or with progress."""
    left = deepcopy(version)
    for name in ("resourceVersion", "managedFields"):
        left["metadata"].pop(name, None)
    status = left.get("status", {})
    for name in ("progress", "revision", "signature"):
        status.pop(name, None)
    for name in ("progressPercent", "progressAt"):
        status.get("work", {}).pop(name, None)
    return left
