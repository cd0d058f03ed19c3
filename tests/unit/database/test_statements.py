"""What every statement of database/ keeps to; tests/integration/test_later_columns.py shows why."""

import re
from pathlib import Path

import database


def test_no_statement_selects_all_columns() -> None:
    found = [
        f"{module.name}: {line.strip()}"
        for module in Path(database.__file__).parent.glob("*.py")
        for line in module.read_text().splitlines()
        if re.search(r"(SELECT|RETURNING) \*|(videos|attempts|notifications|deliveries|endpoints)\.\*", line)
    ]

    assert found == []
