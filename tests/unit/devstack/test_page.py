"""When the page is built again, what happens where it cannot be built, and what its lock file holds."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from devstack.page import WEBUI_DIR, built_page, check_page, node_version, page_key, remember, remembered
from devstack.paths import Paths
from devstack.server import PartFailedError


@pytest.fixture
def webui(tmp_path: Path) -> Path:
    """The page's sources, without what is installed or built from them."""
    copied = tmp_path / "webui"
    shutil.copytree(WEBUI_DIR, copied, ignore=shutil.ignore_patterns("node_modules", "dist"))
    return copied


@pytest.fixture
def without_node(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_the_same_sources_are_built_once_wherever_they_are(webui: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(webui, elsewhere)

    assert page_key(webui) == page_key(elsewhere)


@pytest.mark.parametrize(
    "name", ["src/main.tsx", "public/file-store.js", "package-lock.json", "vite.config.ts", "index.html"]
)
def test_a_changed_source_is_built_again(webui: Path, name: str) -> None:
    before = page_key(webui)
    with (webui / name).open("a") as source:
        source.write(" ")

    assert page_key(webui) != before


def test_a_file_that_is_not_a_source_builds_nothing(webui: Path) -> None:
    before = page_key(webui)
    (webui / "node_modules").mkdir()
    (webui / "node_modules" / "left-over.js").touch()
    (webui / "tests" / "resume.test.ts").write_text("// changed")

    assert page_key(webui) == before


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


def test_the_lock_holds_a_hash_for_each_package_and_no_host() -> None:
    text = (WEBUI_DIR / "package-lock.json").read_text()
    packages = json.loads(text)["packages"]

    assert [name for name, about in packages.items() if name and not about.get("integrity")] == []
    assert "://" not in text
