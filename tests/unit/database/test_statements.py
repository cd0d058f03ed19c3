"""What every statement of database/ keeps to; why, is shown in tests/integration/test_later_columns.py."""

import re
from pathlib import Path

import database


def test_no_statement_asks_for_whatever_columns_there_are() -> None:
    found = [
        f"{module.name}: {line.strip()}"
        for module in Path(database.__file__).parent.glob("*.py")
        for line in module.read_text().splitlines()
        if re.search(r"(SELECT|RETURNING) \*|(videos|attempts|notifications|deliveries|endpoints)\.\*", line)
    ]

    assert found == []
