"""The breaks of docs/invariants.md can be made: each is a replacement in the code as it is now."""

import pytest

from devstack.paths import PROJECT_DIR
from tests.breaks.page import named
from tests.breaks.table import BREAKS, Edit


def test_every_break_of_the_page_can_be_made() -> None:
    assert set(named()) == set(BREAKS)


@pytest.mark.parametrize(
    "edit", dict.fromkeys(edit for edits in BREAKS.values() for edit in edits), ids=lambda edit: edit.file
)
def test_its_text_occurs_once_in_its_file(edit: Edit) -> None:
    assert (PROJECT_DIR / edit.file).read_text().count(edit.was) == 1, edit.was
    assert edit.becomes != edit.was
