"""Every version of a resource, as a watch tells them: one for each write to etcd, whoever made it."""

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
    """What was told until now."""

    told: Path

    def of(self, video_id: str) -> list[dict[str, Any]]:
        """Return the versions of one resource, from its creation on."""
        found: dict[str, dict[str, Any]] = {}
        for version in self._all():
            metadata = version["metadata"]
            if metadata["name"] == video_id:
                # A watch that begins anew tells the newest version again.
                found[metadata["resourceVersion"]] = version
        return list(found.values())

    def _all(self) -> Iterator[dict[str, Any]]:
        text, decoder, at = self.told.read_text(), json.JSONDecoder(), 0
        while (start := text.find("{", at)) >= 0:
            try:
                version, at = decoder.raw_decode(text, start)
            except ValueError:
                return  # the rest of the last one is still to come
            yield version


@contextmanager
def versions(world: World, directory: Path) -> Iterator[Versions]:
    """Watch every resource until the end of the block."""
    cluster, told = world.stack.cluster, directory / "versions.json"
    options = [f"--kubeconfig={cluster.admin_kubeconfig}", f"--namespace={cluster.namespace}", "--output=json"]
    # The list comes first, as a single document; what follows are versions one by one.
    with told.open("wb") as written:
        watching = subprocess.Popen([str(tool("kubectl")), "get", "vu", "--watch", *options], stdout=written)
    try:
        yield Versions(told)
    finally:
        watching.terminate()
        watching.wait(30)


def writes_until_ready(seen: list[dict[str, Any]]) -> list[str]:
    """Return what each write was for that is not of progress alone, up to the one that shows `ready`."""
    is_told = [None, *(_without_progress(version) for version in seen)]
    writes = [_name(after) for before, after in pairwise(is_told) if after is not None and before != after]
    return writes[: writes.index("ready") + 1]


def all_told(seen: Versions, video_ids: list[str]) -> None:
    """Wait until the watch has told that each of them is ready."""
    for video_id in video_ids:
        eventually(lambda: "ready" in map(_name, seen.of(video_id)))  # noqa: B023


def _name(version: dict[str, Any]) -> str:
    return str(version.get("status", {}).get("phase", "created"))


def _without_progress(version: dict[str, Any]) -> dict[str, Any]:
    """Return a version without what changes with each write, and without what changes with progress."""
    left = deepcopy(version)
    for name in ("resourceVersion", "managedFields"):
        left["metadata"].pop(name, None)
    status = left.get("status", {})
    for name in ("progress", "revision"):
        status.pop(name, None)
    for name in ("progressPercent", "progressAt"):
        status.get("work", {}).pop(name, None)
    return left
