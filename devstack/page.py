"""Builds the browser page from webui/ and clients/typescript/ with Vite when they change, into a cache elsewhere.

Without Node the stack runs without a page and reports it; in CI that is an error, because the page is tested there.
`python -m devstack.page` runs the type checks and tests of both.
"""

import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from devstack.paths import PROJECT_DIR, Paths, write_private
from devstack.server import PartFailedError
from devstack.step import fingerprint
from devstack.tools import cache_root

NAME = "page"
WEBUI_DIR = PROJECT_DIR / "webui"
PACKAGE_DIR = PROJECT_DIR / "clients" / "typescript"
_PAGES = ("index.html", "docs.html", "watch.html")
_SOURCES = (*_PAGES, "package.json", "package-lock.json", "tsconfig.json", "vite.config.ts", ".npmrc")
_FOLDERS = ("src", "public")
# What the page takes of the package: its sources, built with the packages of the page's own lock.
_PACKAGE_FOLDER = "src"
# What Vite 8 needs.
_NODE_NEEDED = (20, 19)
_BUILD_SECONDS_MAX = 600


class CannotBuildError(Exception):
    """The page cannot be built here. The message says what to install, or what failed."""


def built_page(say: Callable[[str], None], environment: Mapping[str, str] = os.environ) -> Path | None:
    """Return the directory of the built page, building it if needed; None where that is impossible.

    Raises PartFailedError in CI.
    """
    try:
        return _built(say)
    except CannotBuildError as error:
        _excuse(error, say, environment)
        return None


def check_page(say: Callable[[str], None], environment: Mapping[str, str] = os.environ) -> bool:
    """Run the page's type checks and tests and return whether they passed. Without Node: as for `built_page`."""
    try:
        _check_node()
        with _one_build_at_a_time():
            for directory in (PACKAGE_DIR, WEBUI_DIR):
                install(directory)
    except CannotBuildError as error:
        _excuse(error, say, environment)
        return True
    checks = [
        subprocess.run(["npm", "run", "--silent", "check"], cwd=directory, check=False).returncode
        for directory in (PACKAGE_DIR, WEBUI_DIR)
    ]
    return checks == [0, 0]


def remember(paths: Paths, page: Path | None) -> None:
    """Save which page the API of a stack serves, so that a later `restart` serves the same."""
    write_private(_memory(paths), str(page or ""))


def remembered(paths: Paths) -> Path | None:
    """Return the directory that the last `up` saved."""
    text = _memory(paths).read_text() if _memory(paths).exists() else ""
    return Path(text) if text else None


def page_key(project: Path = PROJECT_DIR) -> str:
    """Return a hash of everything that the build depends on."""
    webui, package = project / WEBUI_DIR.relative_to(PROJECT_DIR), project / PACKAGE_DIR.relative_to(PROJECT_DIR)
    folders = [*(webui / folder for folder in _FOLDERS), package / _PACKAGE_FOLDER]
    files = [webui / name for name in _SOURCES] + [
        path for folder in folders for path in folder.rglob("*") if path.is_file()
    ]
    return fingerprint(files=files, relative_to=project)[:16]


def node_version(text: str) -> tuple[int, int]:
    """Return (20, 19) for ``v20.19.2``."""
    match = re.search(r"(\d+)\.(\d+)", text)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _excuse(error: CannotBuildError, say: Callable[[str], None], environment: Mapping[str, str]) -> None:
    if environment.get("CI"):
        raise PartFailedError(f"the page cannot be built: {error}") from error
    say(f"{NAME:<15} {'none':<21} {error}")


def _memory(paths: Paths) -> Path:
    return paths.root / "page.path"


def _built(say: Callable[[str], None]) -> Path:
    built = cache_root() / NAME / page_key()
    if not built.exists():
        _check_node()
        with _one_build_at_a_time():
            if not built.exists():
                _build(built, say)
    return built


def _build(built: Path, say: Callable[[str], None]) -> None:
    began, draft = time.monotonic(), built.with_name(f".{built.name}.building")
    install(WEBUI_DIR)
    _run("npx", "--no-install", "vite", "build", "--emptyOutDir", "--outDir", str(draft))
    draft.rename(built)
    say(f"{NAME:<15} {'built':<21} {built} ({time.monotonic() - began:.1f} s)")


def install(directory: Path) -> None:
    """Install the locked packages of a directory, unless they are installed. Raises CannotBuildError."""
    lock, mark = directory / "package-lock.json", directory / "node_modules" / ".installed"
    expected = fingerprint(files=[lock], relative_to=directory)
    if not mark.exists() or mark.read_text() != expected:
        _run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", directory=directory)
        mark.write_text(expected)


def _check_node() -> None:
    needed = ".".join(map(str, _NODE_NEEDED))
    how = f"install Node {needed} or newer with npm (apt-get install nodejs npm, from backports if need be)"
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise CannotBuildError(f"`node` or `npm` is missing: {how}")
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout.strip()
    if node_version(version) < _NODE_NEEDED:
        raise CannotBuildError(f"Node {version} is too old: {how}")


def _run(*argv: str, directory: Path = WEBUI_DIR) -> None:
    try:
        done = subprocess.run(
            argv, cwd=directory, capture_output=True, text=True, check=False, timeout=_BUILD_SECONDS_MAX
        )
    except subprocess.TimeoutExpired as error:
        raise CannotBuildError(f"{' '.join(argv)} took more than {_BUILD_SECONDS_MAX} s") from error
    if done.returncode != 0:
        raise CannotBuildError(f"{' '.join(argv)}: {(done.stderr or done.stdout).strip()[-2000:]}")


@contextlib.contextmanager
def _one_build_at_a_time() -> Iterator[None]:
    directory = cache_root() / NAME
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "build.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _main() -> int:
    def say(line: str) -> None:
        sys.stderr.write(line + "\n")

    try:
        return 0 if check_page(say) else 1
    except PartFailedError as error:
        say(str(error))
        return 1


if __name__ == "__main__":
    sys.exit(_main())
