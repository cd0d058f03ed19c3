"""Go tools, built from the pinned modules in devstack/tools at their first use, into a cache outside the checkout.

The cache key covers everything that a build depends on, so a fresh clone finds the builds of an earlier one.
"""

import contextlib
import fcntl
import functools
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from devstack.paths import PROJECT_DIR

_KUBERNETES_VERSION = "1.37.2"
_PROMETHEUS = "github.com/prometheus/prometheus"
_FREE_BYTES_NEEDED = 4 * 1024**3


class ToolError(Exception):
    """A tool cannot be built here. The message says what to install or how much space to free."""


@dataclass(frozen=True)
class GoTool:
    """One program of one Go module."""

    name: str
    module: str
    package: str
    # On two cores with empty caches; shown before a build.
    usual_minutes: float
    linker_flags: str = "-s -w"
    tags: str = ""

    @property
    def module_dir(self) -> Path:
        """Return the directory with go.mod and go.sum."""
        return PROJECT_DIR / "devstack" / "tools" / self.module


def _kubernetes_linker_flags() -> str:
    """Return flags that stamp the version: without it clients see v0.0.0 and refuse features."""
    major, minor, _ = _KUBERNETES_VERSION.split(".")
    stamps = {
        "gitVersion": f"v{_KUBERNETES_VERSION}",
        "gitMajor": major,
        "gitMinor": minor,
        "gitTreeState": "clean",
        "gitCommit": "0" * 40,
        "buildDate": "1970-01-01T00:00:00Z",
    }
    return "-s -w " + " ".join(f"-X k8s.io/component-base/version.{name}={value}" for name, value in stamps.items())


TOOLS = {
    entry.name: entry
    for entry in (
        GoTool("etcd", "etcd", "go.etcd.io/etcd/server/v3", 1),
        GoTool("versitygw", "versitygw", "github.com/versity/versitygw/cmd/versitygw", 2),
        GoTool("kube-apiserver", "kubernetes", "k8s.io/kubernetes/cmd/kube-apiserver", 6, _kubernetes_linker_flags()),
        GoTool("kubectl", "kubernetes", "k8s.io/kubernetes/cmd/kubectl", 1, _kubernetes_linker_flags()),
        GoTool("helm", "helm", "helm.sh/helm/v4/cmd/helm", 3),
        GoTool("kubeconform", "kubeconform", "github.com/yannh/kubeconform/cmd/kubeconform", 1),
        # Without service discovery for two dozen clouds, which is most of the code to compile.
        GoTool("promtool", "prometheus", f"{_PROMETHEUS}/cmd/promtool", 3, tags="remove_all_sd"),
        GoTool("prometheus", "prometheus", f"{_PROMETHEUS}/cmd/prometheus", 1, tags="remove_all_sd"),
        GoTool("glua", "glua", "github.com/yuin/gopher-lua/cmd/glua", 0.5),
        GoTool("kubelet", "node", "k8s.io/kubernetes/cmd/kubelet", 3, _kubernetes_linker_flags()),
        GoTool("kube-proxy", "node", "k8s.io/kubernetes/cmd/kube-proxy", 0.5, _kubernetes_linker_flags()),
        GoTool("kube-scheduler", "node", "k8s.io/kubernetes/cmd/kube-scheduler", 0.5, _kubernetes_linker_flags()),
        GoTool(
            "kube-controller-manager",
            "node",
            "k8s.io/kubernetes/cmd/kube-controller-manager",
            1,
            _kubernetes_linker_flags(),
        ),
        GoTool("coredns", "coredns", "github.com/coredns/coredns", 3),
    )
}


def announce_builds(names: Sequence[str]) -> None:
    """Announce how long the missing tools will take to build."""
    missing = [TOOLS[name] for name in names if not _built(TOOLS[name]).exists()]
    if missing:
        minutes = sum(entry.usual_minutes for entry in missing)
        listed = ", ".join(entry.name for entry in missing)
        _say(f"building once for all checkouts: {listed}; about {minutes:g} min on two cores")


def tool(name: str) -> Path:
    """Return the path of the program, building it if needed. Raises ToolError."""
    entry = TOOLS[name]
    built = _built(entry)
    if not built.exists():
        with _one_build_at_a_time():
            # The process that held the lock may have built it.
            if not built.exists():
                _build(entry, built)
    return built


def link(name: str, directory: Path) -> Path:
    """Link the program into a directory under its plain name, for people."""
    directory.mkdir(parents=True, exist_ok=True)
    target, draft = directory / name, directory / f".{name}.new"
    draft.unlink(missing_ok=True)
    draft.symlink_to(tool(name))
    draft.replace(target)
    return target


def cache_key(entry: GoTool, *, go_version: str) -> str:
    """Return a hash of everything that the build depends on."""
    digest = hashlib.sha256()
    for part in (
        (entry.module_dir / "go.mod").read_bytes(),
        (entry.module_dir / "go.sum").read_bytes(),
        go_version.encode(),
        " ".join(_build_command(entry, Path("out"))).encode(),
    ):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()[:16]


def parse_go_version(text: str) -> tuple[int, int]:
    """Return (1, 26) for ``go1.26.8``, ``1.26.0`` and the like."""
    match = re.search(r"(\d+)\.(\d+)", text)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _built(entry: GoTool) -> Path:
    return _cache_dir() / f"{entry.name}-{cache_key(entry, go_version=go_version_for(entry))}" / entry.name


def cache_root() -> Path:
    """Return the directory of everything built, which all checkouts share."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "video-uploads"


def _cache_dir() -> Path:
    return cache_root() / "tools"


@functools.cache
def go_version_for(entry: GoTool) -> str:
    """Return Go's version in the module's directory, where GOTOOLCHAIN may choose a newer one than the installed."""
    needed = re.search(r"^go (\S+)$", (entry.module_dir / "go.mod").read_text(), re.MULTILINE)
    needed_version = needed[1] if needed else "1.24"
    how = f"install Go {needed_version} or newer (apt-get install golang, from backports if need be) and put it on PATH"
    if shutil.which("go") is None:
        raise ToolError(f"{entry.name} is built with Go, and `go` is missing: {how}")
    done = subprocess.run(["go", "env", "GOVERSION"], cwd=entry.module_dir, capture_output=True, text=True, check=False)
    version = done.stdout.strip()
    if done.returncode != 0 or parse_go_version(version) < parse_go_version(needed_version):
        raise ToolError(f"{entry.name} cannot be built with {version or done.stderr.strip()}: {how}")
    return version


def _build_command(entry: GoTool, output: Path) -> list[str]:
    tags = ["-tags", entry.tags] if entry.tags else []
    flags = ["-mod=readonly", "-trimpath", *tags, "-ldflags", entry.linker_flags]
    return ["go", "build", *flags, "-o", str(output), entry.package]


def _build(entry: GoTool, built: Path) -> None:
    built.parent.mkdir(parents=True, exist_ok=True)
    _check_free_space(built.parent)
    _say(f"building {entry.name}: about {entry.usual_minutes:g} min from empty caches, kept in {built.parent}")
    draft = built.with_name(f".{entry.name}.building")
    began = time.monotonic()
    done = subprocess.run(
        _build_command(entry, draft),
        cwd=entry.module_dir,
        env=os.environ | {"CGO_ENABLED": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise ToolError(f"go build {entry.package} in {entry.module_dir}: {done.stderr.strip()[-2000:]}")
    draft.replace(built)
    _say(f"built {entry.name} in {time.monotonic() - began:.0f} s")


def _check_free_space(cache: Path) -> None:
    go_cache = subprocess.run(["go", "env", "GOCACHE"], capture_output=True, text=True, check=True).stdout.strip()
    Path(go_cache).mkdir(parents=True, exist_ok=True)
    for directory in (cache, Path(go_cache)):
        free = shutil.disk_usage(directory).free
        if free < _FREE_BYTES_NEEDED:
            needed, left = _FREE_BYTES_NEEDED / 1024**3, free / 1024**3
            raise ToolError(f"a build needs {needed:.0f} GiB of free space below {directory}; {left:.1f} GiB are free")


@contextlib.contextmanager
def _one_build_at_a_time() -> Iterator[None]:
    """Hold the build lock. A build uses every core already, and two of one tool would do the work twice."""
    _cache_dir().mkdir(parents=True, exist_ok=True)
    with (_cache_dir() / "build.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("waiting for the build of another process")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _say(line: str) -> None:
    # On stderr, because programs read the stdout of our callers.
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
