"""Every module, statement and page that a comment, a docstring or a page names exists."""

import ast
import io
import re
import subprocess
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
_NAMED = re.compile(r"(?<![\w/.$<{:-])((?:[\w-]+/)*[\w-]+\.(?:py|sql|md))\b")
# History keeps the names of its time.
_HISTORY = {"CHANGELOG.md"}


def _tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True, check=True)
    return [name for name in listed.stdout.splitlines() if (PROJECT / name).is_file()]


FILES = _tracked()
PROSE = [name for name in FILES if name.endswith((".py", ".md")) and name not in _HISTORY]


def _prose_of(path: Path) -> Iterator[str]:
    """Yield the sentences of a file: all of a page, the comments and docstrings of a module."""
    text = path.read_text()
    if path.suffix == ".md":
        yield text
        return
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.string
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            yield ast.get_docstring(node, clean=False) or ""


@pytest.mark.parametrize("name", PROSE)
def test_every_file_that_is_named_exists(name: str) -> None:
    named = {found for prose in _prose_of(PROJECT / name) for found in _NAMED.findall(prose)}
    assert {found for found in named if not any(f"/{file}".endswith(f"/{found}") for file in FILES)} == set()
