"""When a tool is built again, and the messages when it cannot be."""

import os
from pathlib import Path

import pytest

from devstack import tools
from devstack.build_progress import Expected
from devstack.options import StackOptions
from devstack.plan import tools_for
from devstack.tools import TOOLS, GoTool, ToolError, by_module, cache_key, parse_go_version


@pytest.fixture
def a_tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GoTool:
    monkeypatch.setattr(tools, "PROJECT_DIR", tmp_path)
    made = GoTool("etcd", "etcd", "example.test/etcd", Expected(60))
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
    other_flags = GoTool(a_tool.name, a_tool.module, a_tool.package, a_tool.expected, "-s")
    with_tags = GoTool(a_tool.name, a_tool.module, a_tool.package, a_tool.expected, tags="small")
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


def test_the_demo_builds_only_what_it_runs() -> None:
    assert sorted(tools_for(StackOptions())) == ["etcd", "kube-apiserver", "kubectl", "versitygw"]


def test_the_longest_module_is_built_first_and_its_programs_one_after_the_other() -> None:
    ordered = by_module([TOOLS[name] for name in ("versitygw", "etcd", "kube-apiserver", "kubectl")])
    assert [[entry.name for entry in own] for own in ordered] == [
        ["kube-apiserver", "kubectl"],
        ["versitygw"],
        ["etcd"],
    ]


@pytest.fixture
def fake_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, a_tool: GoTool) -> Path:
    """A `go` that writes what it is told to stderr, and `built` to its output unless it is told to fail."""
    other = GoTool("versitygw", "versitygw", "example.test/versitygw", Expected(60))
    other.module_dir.mkdir(parents=True)
    (other.module_dir / "go.mod").write_text("module m\n\ngo 1.26.0\n")
    (other.module_dir / "go.sum").write_text("")
    monkeypatch.setattr(tools, "TOOLS", {a_tool.name: a_tool, other.name: other})
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(tools, "_check_free_space", lambda _cache: None)
    monkeypatch.setattr(tools, "_FREE_BYTES_NEEDED", 0)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    tools.go_version_for.cache_clear()
    return tmp_path / "go"


def _write_go(file: Path, build: str) -> None:
    answers = 'if [ "$1" = env ]; then echo go1.26.8; exit; fi\n'
    find_output = 'while [ "$1" != -o ]; do shift; done\n'
    file.write_text(f"#!/bin/sh\n{answers}{find_output}{build}\n")
    file.chmod(0o755)


def test_what_is_missing_is_built_and_kept(fake_go: Path, capfd: pytest.CaptureFixture[str]) -> None:
    _write_go(fake_go, 'echo internal/goarch >&2; echo built > "$2"')
    tools.build(["etcd", "versitygw"])
    said = capfd.readouterr().err
    assert "building once for all checkouts: etcd, versitygw; about 2 min on two cores" in said
    assert {"built etcd in 0 s", "built versitygw in 0 s"} <= set(said.splitlines())
    _write_go(fake_go, "exit 1")
    assert tools.tool("etcd").read_text() == "built\n"


def test_modules_are_built_at_the_same_time(fake_go: Path, tmp_path: Path) -> None:
    # Each build opens a pipe that the other one opens too, so that neither ends without the other.
    os.mkfifo(tmp_path / "pipe")
    meet = f'case "$PWD" in *etcd) echo > {tmp_path}/pipe ;; *) read -r _ < {tmp_path}/pipe ;; esac'
    _write_go(fake_go, f'{meet}; echo built > "$2"')
    tools.build(["etcd", "versitygw"])
    assert tools.tool("versitygw").read_text() == "built\n"


def test_a_failed_build_shows_the_errors_without_the_packages(fake_go: Path) -> None:
    _write_go(
        fake_go,
        "(echo internal/goarch; echo go: downloading m v1.0.0; echo '# m'; echo 'm.go:1:2: no such name') >&2; exit 1",
    )
    with pytest.raises(ToolError, match=r"^go build example.test/etcd in \S+: # m\nm.go:1:2: no such name$"):
        tools.tool("etcd")
