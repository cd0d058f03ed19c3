"""When the page is built again, what happens where it cannot be built, and what its lock file holds."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from devstack.page import PACKAGE_DIR, WEBUI_DIR, built_page, check_page, node_version, page_key, remember, remembered
from devstack.paths import PROJECT_DIR, Paths
from devstack.server import PartFailedError


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The sources of the page and of the package, without what is installed or built from them."""
    copied = tmp_path / "project"
    for directory in (WEBUI_DIR, PACKAGE_DIR):
        ignored = shutil.ignore_patterns("node_modules", "dist")
        shutil.copytree(directory, copied / directory.relative_to(PROJECT_DIR), ignore=ignored)
    return copied


@pytest.fixture
def without_node(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_the_same_sources_are_built_once_wherever_they_are(project: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(project, elsewhere)

    assert page_key(project) == page_key(elsewhere)


@pytest.mark.parametrize(
    "name",
    [
        "webui/src/main.tsx",
        "webui/public/file-store.js",
        "webui/package-lock.json",
        "webui/vite.config.ts",
        "webui/index.html",
        "webui/docs.html",
        "clients/typescript/src/calls.ts",
    ],
)
def test_a_changed_source_is_built_again(project: Path, name: str) -> None:
    before = page_key(project)
    with (project / name).open("a") as source:
        source.write(" ")

    assert page_key(project) != before


def test_a_file_that_is_not_a_source_builds_nothing(project: Path) -> None:
    before = page_key(project)
    (project / "webui" / "node_modules").mkdir()
    (project / "webui" / "node_modules" / "left-over.js").touch()
    (project / "webui" / "tests" / "resume.test.ts").write_text("// changed")
    (project / "clients" / "typescript" / "tests" / "calls.test.ts").write_text("// changed")

    assert page_key(project) == before


@pytest.mark.usefixtures("without_node")
@pytest.mark.parametrize("ask", [built_page, check_page])
def test_without_node_it_says_what_to_install_and_in_ci_it_fails(
    ask: Callable[..., object],
) -> None:
    said: list[str] = []
    assert ask(said.append, {}) in (None, True)
    assert "apt-get install nodejs npm" in said[0]

    with pytest.raises(PartFailedError, match="apt-get install nodejs npm"):
        ask(said.append, {"CI": "true"})


@pytest.mark.parametrize(("text", "version"), [("v20.19.2", (20, 19)), ("v8.1.0", (8, 1)), ("", (0, 0))])
def test_node_versions_compare_as_numbers(text: str, version: tuple[int, int]) -> None:
    assert node_version(text) == version


@pytest.mark.parametrize("built", [Path("/somewhere/page"), None])
def test_a_stack_remembers_its_page(tmp_path: Path, built: Path | None) -> None:
    paths = Paths(tmp_path)
    assert remembered(paths) is None
    remember(paths, built)

    assert remembered(paths) == built


@pytest.mark.parametrize("directory", [WEBUI_DIR, PACKAGE_DIR], ids=["page", "package"])
def test_the_lock_holds_a_hash_for_each_package_and_no_host(directory: Path) -> None:
    text = (directory / "package-lock.json").read_text()
    packages = json.loads(text)["packages"]

    assert [name for name, about in packages.items() if name and not about.get("integrity")] == []
    assert "://" not in text
