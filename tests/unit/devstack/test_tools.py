"""When a tool is built again, and the messages when it cannot be."""

from pathlib import Path

import pytest

from devstack import tools
from devstack.tools import TOOLS, GoTool, ToolError, cache_key, parse_go_version


@pytest.fixture
def a_tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GoTool:
    monkeypatch.setattr(tools, "PROJECT_DIR", tmp_path)
    made = GoTool("etcd", "etcd", "example.test/etcd", 1)
    made.module_dir.mkdir(parents=True)
    (made.module_dir / "go.mod").write_text("module m\n\ngo 1.26.0\n")
    (made.module_dir / "go.sum").write_text("")
    return made


def test_the_same_inputs_are_built_once(a_tool: GoTool) -> None:
    assert cache_key(a_tool, go_version="go1.26.8") == cache_key(a_tool, go_version="go1.26.8")


@pytest.mark.parametrize("file", ["go.mod", "go.sum"])
def test_a_changed_module_is_built_again(a_tool: GoTool, file: str) -> None:
    before = cache_key(a_tool, go_version="go1.26.8")
    with (a_tool.module_dir / file).open("a") as module:
        module.write("// changed\n")
    assert cache_key(a_tool, go_version="go1.26.8") != before


def test_another_compiler_or_other_flags_are_built_again(a_tool: GoTool) -> None:
    other_flags = GoTool(a_tool.name, a_tool.module, a_tool.package, a_tool.usual_minutes, "-s")
    with_tags = GoTool(a_tool.name, a_tool.module, a_tool.package, a_tool.usual_minutes, tags="small")
    keys = {
        cache_key(a_tool, go_version="go1.26.8"),
        cache_key(a_tool, go_version="go1.26.9"),
        cache_key(other_flags, go_version="go1.26.8"),
        cache_key(with_tags, go_version="go1.26.8"),
    }
    assert len(keys) == 4


@pytest.mark.parametrize(
    ("text", "version"),
    [("go1.26.8", (1, 26)), ("1.26.0", (1, 26)), ("go1.9", (1, 9)), ("devel", (0, 0))],
)
def test_go_versions_compare_as_numbers(text: str, version: tuple[int, int]) -> None:
    assert parse_go_version(text) == version


@pytest.fixture
def no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    tools.go_version_for.cache_clear()


@pytest.mark.usefixtures("no_cache")
def test_without_go_the_message_names_the_package_and_the_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match=r"`go` is missing: .*apt-get install golang"):
        tools.tool("etcd")


@pytest.mark.usefixtures("no_cache")
@pytest.mark.parametrize(
    "script",
    [
        pytest.param("echo go1.19.8", id="too-old-to-know"),
        pytest.param("echo 'go: go.mod requires go >= 1.26.0' >&2; exit 1", id="too-old-and-says-so"),
    ],
)
def test_an_old_go_is_refused_before_it_builds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str) -> None:
    fake = tmp_path / "go"
    fake.write_text(f"#!/bin/sh\n{script}\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(ToolError, match=r"install Go 1\.26\.0 or newer"):
        tools.tool("etcd")


@pytest.mark.parametrize("entry", TOOLS.values(), ids=TOOLS.keys())
def test_every_tool_is_pinned_by_its_module(entry: GoTool) -> None:
    module = (entry.module_dir / "go.mod").read_text()
    assert f"\t{entry.package}\n" in module or f"tool {entry.package}\n" in module
