"""Reads the fields of a submitted job and refuses it in Coconut's form.

Coconut answers 400 with ``{"message", "error_code", "status": "error"}``; the code names the part of the job that is
not valid. request.py and outputs.py know which fields a part has.
"""

from collections.abc import Collection
from typing import cast

Json = dict[str, object]


class RefusedJobError(Exception):
    """The job is not valid, and no job was created."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Fields:
    """One JSON object of a job. Each method reads a field or raises RefusedJobError with the object's code."""

    def __init__(self, value: object, *, code: str, where: str) -> None:
        self._code = code
        self._where = where
        if not isinstance(value, dict):
            raise self.refused("must be a hash")
        self._values = cast(Json, value)

    def refused(self, reason: str) -> RefusedJobError:
        return RefusedJobError(self._code, f"{self._where} {reason}")

    def refuse_unknown(self, names: Collection[str]) -> None:
        """Refuse fields that the stand-in does not implement: a job must never look done when it is not."""
        for name in self._values:
            if name not in names:
                raise self.refused(f"has {name!r}, which is not a valid parameter, or not one of this stand-in")

    def has(self, name: str) -> bool:
        return self._values.get(name) is not None

    def raw(self, name: str) -> object:
        return self._values.get(name)

    def text(self, name: str) -> str:
        value = self._values.get(name)
        if not isinstance(value, str) or not value.strip() or not value.isprintable():
            raise self.refused(f"needs {name!r}, a string")
        return value

    def optional_text(self, name: str, default: str) -> str:
        return self.text(name) if self.has(name) else default

    def flag(self, name: str) -> bool:
        value = self._values.get(name, False)
        if not isinstance(value, bool):
            raise self.refused(f"has {name!r}, which must be true or false")
        return value

    def count(self, name: str, *, default: int, at_most: int) -> int:
        value = self._values.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= at_most:
            raise self.refused(f"has {name!r}, which must be a whole number from 1 to {at_most}")
        return value

    def counts(self, name: str, *, at_most: int) -> tuple[int, ...]:
        values = self._values.get(name)
        if not isinstance(values, list) or not 0 < len(values) <= at_most:
            raise self.refused(f"needs {name!r}, a list of 1 to {at_most} whole numbers")
        if not all(isinstance(value, int) and not isinstance(value, bool) and value >= 0 for value in values):
            raise self.refused(f"has {name!r}, which must be a list of whole numbers")
        return tuple(values)

    def texts(self, name: str, *, at_most: int) -> tuple[str, ...]:
        values = self._values.get(name)
        if not isinstance(values, list) or not 0 < len(values) <= at_most:
            raise self.refused(f"needs {name!r}, a list of 1 to {at_most} strings")
        if not all(isinstance(value, str) for value in values):
            raise self.refused(f"has {name!r}, which must be a list of strings")
        return tuple(values)
