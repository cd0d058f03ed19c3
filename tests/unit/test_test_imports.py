"""What tests share lives in tests/support: no test module imports another one, and no level of tests another level."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
LEVELS = ("unit", "integration", "e2e")


def _imported(path: Path) -> Iterator[str]:
    """Yield the names of everything that a file imports, modules and what is taken from them."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _is_test_module(name: str) -> bool:
    file = TESTS.parent.joinpath(*name.split(".")).with_suffix(".py")
    return file.is_file() and (file.stem == "conftest" or file.stem.startswith("test_"))


def _private_to_tests(path: Path, level: str) -> set[str]:
    """Return what a file at this level must not import: test modules, and whatever belongs to another level."""
    others = tuple(f"tests.{other}." for other in LEVELS if other != level)
    return {name for name in _imported(path) if name.startswith(others) or _is_test_module(name)}


@pytest.mark.parametrize("level", [*LEVELS, "support"])
def test_no_test_module_and_no_other_level_is_imported(level: str) -> None:
    found = {str(path.relative_to(TESTS)): _private_to_tests(path, level) for path in (TESTS / level).rglob("*.py")}
    assert {path: names for path, names in found.items() if names} == {}
