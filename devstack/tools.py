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
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from devstack.build_progress import BuildProgress, Expected, rounded
from devstack.paths import PROJECT_DIR

_KUBERNETES_VERSION = "1.37.2"
_PROMETHEUS = "github.com/prometheus/prometheus"
_FREE_BYTES_NEEDED = 4 * 1024**3
# While one module is downloaded or linked, which leaves a core idle, another one compiles.
_MODULES_AT_A_TIME = 2
# A terminal shows one line that changes; a log gets a line now and then.
_SHOWN_EVERY_SECONDS = {True: 1.0, False: 20.0}


class ToolError(Exception):
    """A tool cannot be built here. The message says what to install or how much space to free."""


@dataclass(frozen=True)
class GoTool:
    """One program of one Go module."""

    name: str
    module: str
    package: str
    expected: Expected
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
        GoTool("etcd", "etcd", "go.etcd.io/etcd/server/v3", Expected(28, 565)),
        GoTool("versitygw", "versitygw", "github.com/versity/versitygw/cmd/versitygw", Expected(70, 588)),
        GoTool(
            "kube-apiserver",
            "kubernetes",
            "k8s.io/kubernetes/cmd/kube-apiserver",
            Expected(302, 2079),
            _kubernetes_linker_flags(),
        ),
        # The packages of the following Kubernetes programs are those that the ones before them do not have.
        GoTool("kubectl", "kubernetes", "k8s.io/kubernetes/cmd/kubectl", Expected(24, 197), _kubernetes_linker_flags()),
        GoTool("helm", "helm", "helm.sh/helm/v4/cmd/helm", Expected(130, 1183)),
        GoTool("kind", "kind", "sigs.k8s.io/kind", Expected(20, 292)),
        GoTool("kubeconform", "kubeconform", "github.com/yannh/kubeconform/cmd/kubeconform", Expected(60, 229)),
        # Without service discovery for two dozen clouds, which is most of the code to compile.
        GoTool("promtool", "prometheus", f"{_PROMETHEUS}/cmd/promtool", Expected(180), tags="remove_all_sd"),
        GoTool("prometheus", "prometheus", f"{_PROMETHEUS}/cmd/prometheus", Expected(60), tags="remove_all_sd"),
        GoTool("glua", "glua", "github.com/yuin/gopher-lua/cmd/glua", Expected(30, 93)),
        GoTool("kubelet", "node", "k8s.io/kubernetes/cmd/kubelet", Expected(180, 314), _kubernetes_linker_flags()),
        GoTool("kube-proxy", "node", "k8s.io/kubernetes/cmd/kube-proxy", Expected(30, 39), _kubernetes_linker_flags()),
        GoTool(
            "kube-scheduler",
            "node",
            "k8s.io/kubernetes/cmd/kube-scheduler",
            Expected(30, 6),
            _kubernetes_linker_flags(),
        ),
        GoTool(
            "kube-controller-manager",
            "node",
            "k8s.io/kubernetes/cmd/kube-controller-manager",
            Expected(60, 157),
            _kubernetes_linker_flags(),
        ),
        GoTool("coredns", "coredns", "github.com/coredns/coredns", Expected(180, 1403)),
    )
}


def build(names: Sequence[str]) -> None:
    """Build the missing ones of these programs, two modules at a time, and show how long it takes. Raises ToolError."""
    missing = [TOOLS[name] for name in names if not _built(TOOLS[name]).exists()]
    if not missing:
        return
    progress = BuildProgress({entry.name: entry.expected for entry in missing}, clock=time.monotonic)
    listed = ", ".join(entry.name for entry in missing)
    _say(
        f"building once for all checkouts: {listed}; {rounded(progress.left_seconds())} on two cores with empty caches"
    )
    with _shown(progress), ThreadPoolExecutor(max_workers=_MODULES_AT_A_TIME) as threads:
        ends = [threads.submit(_build_all, entries, progress) for entries in by_module(missing)]
    for end in ends:
        end.result()


def by_module(entries: Sequence[GoTool]) -> list[list[GoTool]]:
    """Return the programs of each module in their order, the modules that take longest first.

    The programs of one module share packages, which the first one compiles.
    """
    modules: dict[str, list[GoTool]] = {}
    for entry in entries:
        modules.setdefault(entry.module, []).append(entry)
    return sorted(modules.values(), key=lambda own: -sum(entry.expected.seconds for entry in own))


def tool(name: str) -> Path:
    """Return the path of the program, building it if needed. Raises ToolError."""
    build([name])
    return _built(TOOLS[name])


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


def _build_all(entries: Sequence[GoTool], progress: BuildProgress) -> None:
    for entry in entries:
        built = _built(entry)
        with _one_build_at_a_time(entry.module):
            # The process that held the lock may have built it.
            if not built.exists():
                _build(entry, built, progress)
        progress.finished(entry.name)


def _build(entry: GoTool, built: Path, progress: BuildProgress) -> None:
    built.parent.mkdir(parents=True, exist_ok=True)
    _check_free_space(built.parent)
    draft = built.with_name(f".{entry.name}.building")
    go, command, *arguments = _build_command(entry, draft)
    began = time.monotonic()
    progress.started(entry.name)
    with subprocess.Popen(
        [go, command, "-v", *arguments],
        cwd=entry.module_dir,
        env=os.environ | {"CGO_ENABLED": "0"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        said = _follow(process, lambda: progress.compiled(entry.name))
    if process.returncode != 0:
        raise ToolError(f"go build {entry.package} in {entry.module_dir}: {said[-2000:]}")
    draft.replace(built)
    _say(f"built {entry.name} in {time.monotonic() - began:.0f} s")


def _follow(process: subprocess.Popen[str], compiled: Callable[[], None]) -> str:
    """Read what `go build -v` says until it ends; return the part that is about errors."""
    said: deque[str] = deque(maxlen=100)
    for line in process.stderr or ():
        # The name of a package has no space. Everything else is a download, or an error.
        if " " not in line.strip():
            compiled()
        elif not line.startswith("go: downloading "):
            said.append(line)
    return "".join(said).strip()


@contextlib.contextmanager
def _shown(progress: BuildProgress) -> Iterator[None]:
    """Show the progress while the block runs."""
    is_terminal = sys.stderr.isatty()
    ended = threading.Event()

    def show() -> None:
        while not ended.wait(_SHOWN_EVERY_SECONDS[is_terminal]):
            sys.stderr.write(f"\r\x1b[K{progress.line()}" if is_terminal else f"{progress.line()}\n")
            sys.stderr.flush()

    thread = threading.Thread(target=show, name="build-progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        if is_terminal:
            sys.stderr.write("\r\x1b[K")


def _check_free_space(cache: Path) -> None:
    go_cache = subprocess.run(["go", "env", "GOCACHE"], capture_output=True, text=True, check=True).stdout.strip()
    Path(go_cache).mkdir(parents=True, exist_ok=True)
    for directory in (cache, Path(go_cache)):
        free = shutil.disk_usage(directory).free
        if free < _FREE_BYTES_NEEDED:
            needed, left = _FREE_BYTES_NEEDED / 1024**3, free / 1024**3
            raise ToolError(f"a build needs {needed:.0f} GiB of free space below {directory}; {left:.1f} GiB are free")


@contextlib.contextmanager
def _one_build_at_a_time(module: str) -> Iterator[None]:
    """Hold the build lock of a module: two builds of it would compile the same packages twice."""
    _cache_dir().mkdir(parents=True, exist_ok=True)
    with (_cache_dir() / f"build-{module}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say(f"waiting for another process, which builds the module {module}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _say(line: str) -> None:
    # On stderr, because programs read the stdout of our callers.
    erase = "\r\x1b[K" if sys.stderr.isatty() else ""
    sys.stderr.write(f"{erase}{line}\n")
    sys.stderr.flush()
