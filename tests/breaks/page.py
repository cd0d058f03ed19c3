"""The breaks that docs/invariants.md names: what is changed, and the tests after the arrow."""

import re
from collections.abc import Mapping

from devstack.paths import PROJECT_DIR

PAGE = PROJECT_DIR / "docs" / "invariants.md"
_ROW = re.compile(r"^\| \d+ \|.*\| (?P<breaks>[^|]+) \|$", re.MULTILINE)
_BREAK = re.compile(r"(?P<about>[a-z][^→;]*?) → (?P<tests>`[^`]+`(?:, `[^`]+`)*)(?:; |$)")


def named() -> Mapping[str, tuple[str, ...]]:
    """Return the tests of each break, below tests/. The same change may stand in several rows."""
    found: dict[str, tuple[str, ...]] = {}
    for row in _ROW.finditer(PAGE.read_text()):
        for one in _BREAK.finditer(row["breaks"]):
            tests = tuple(re.findall(r"`([^`]+)`", one["tests"]))
            found[one["about"]] = (*found.get(one["about"], ()), *tests)
    return found
