"""What the migrations keep to together: they are one line, in which each follows another."""

import re
from pathlib import Path

import database.migrations

VERSIONS = Path(database.migrations.__file__).parent / "versions"


def _named(name: str) -> list[str]:
    """Return what each migration says of itself under a name."""
    found = [
        re.findall(rf'^{name} = "?(\w+)"?$', path.read_text(), re.MULTILINE) for path in VERSIONS.glob("[0-9]*.py")
    ]
    return [value for values in found for value in values]


def test_no_two_migrations_have_the_same_number_or_follow_the_same_one() -> None:
    """Alembic takes one of two that have the same number, and never applies the other."""
    numbers, before = _named("revision"), _named("down_revision")

    assert len(numbers) > 1
    assert sorted(numbers) == sorted(set(numbers))
    assert sorted(before) == sorted(set(before))
    assert len(set(numbers) - set(before)) == 1
