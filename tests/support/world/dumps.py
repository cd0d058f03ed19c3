"""Dumps of Postgres: copies of all its tables, to be put back later."""

from copy import deepcopy
from typing import Any

from tests.support.fakes.records import FakeRecords

TABLES = ("rows", "attempts", "claims", "events", "tombstones", "notifications", "texts", "pictures")


class Dump:
    """The tables as they were when this was made."""

    def __init__(self, records: FakeRecords) -> None:
        self._tables = _copies(records)

    def __eq__(self, other: object) -> bool:
        """Compare the tables."""
        return isinstance(other, Dump) and self._tables == other._tables

    __hash__ = None  # type: ignore[assignment]

    def restore(self, records: FakeRecords) -> None:
        """Put everything back as it was."""
        for name, table in deepcopy(self._tables).items():
            setattr(records, name, table)


def _copies(records: FakeRecords) -> dict[str, Any]:
    return {name: deepcopy(getattr(records, name)) for name in TABLES}
