"""docs/invariants.md names tests that exist."""

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "docs" / "invariants.md").read_text()
NAMED = sorted(set(re.findall(r"`([\w/.]+\.py)(?:::(?:\w+::)?(\w+))?`", PAGE)))


@pytest.mark.parametrize(("file", "name"), NAMED, ids=lambda word: str(word)[-40:])
def test_every_test_that_the_page_names_exists(file: str, name: str) -> None:
    tree = ast.parse((TESTS / file).read_text())
    assert not name or name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_invariant_has_a_test_and_a_way_to_see_it_fail() -> None:
    rows = [line.strip("|").split("|") for line in PAGE.splitlines() if re.match(r"\| \d+ \|", line)]
    assert [int(row[0]) for row in rows] == list(range(1, 26))
    assert all("`" in row[2] and row[3].strip() for row in rows)
