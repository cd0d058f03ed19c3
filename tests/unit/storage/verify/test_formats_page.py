"""docs/formats.md lists the formats that verification knows and its messages name."""

import re
from pathlib import Path

from storage.verify.container import FORMATS_TAKEN, Container

PAGE = (Path(__file__).parents[4] / "docs/formats.md").read_text()


def test_the_page_lists_the_formats_of_the_message() -> None:
    rows = re.findall(r"^\| (\S.*?) \| \.", PAGE, re.MULTILINE)
    assert ", ".join(rows[:-1]) + " and " + rows[-1] == FORMATS_TAKEN


def test_every_container_but_the_unknown_one_is_a_format_of_the_page() -> None:
    rows = re.findall(r"^\| (\S.*?) \| \.", PAGE, re.MULTILINE)
    assert len(rows) == len(Container) - 1
