"""Reading fields out of a submitted job, and refusing it in Coconut's words.

Coconut answers 400 with ``{"message", "error_code", "status": "error"}``; the code says which part of
the job is not valid. Which fields a part has is known by request.py and outputs.py.
"""

from collections.abc import Collection
from typing import cast

Json = dict[str, object]


class RefusedJobError(Exception):
    """The job is not valid. Nothing was created."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Fields:
    """One JSON object of a job, read field by field; anything unexpected is refused with one code."""

    def __init__(self, value: object, *, code: str, where: str) -> None:
        self._code = code
        self._where = where
        if not isinstance(value, dict):
            raise self.refused("must be a hash")
        self._values = cast(Json, value)

    def refused(self, what: str) -> RefusedJobError:
        return RefusedJobError(self._code, f"{self._where} {what}")

    def refuse_unknown(self, known: Collection[str], *, elsewhere: Collection[str] = ()) -> None:
        """``elsewhere``: Coconut has these fields, the stand-in cannot honour them."""
        for name in self._values:
            if name in elsewhere:
                raise self.refused(f"has {name!r}, which is not carried out by this stand-in")
            if name not in known:
                raise self.refused(f"has {name!r}, which is not a valid parameter")

    def has(self, name: str) -> bool:
        return self._values.get(name) is not None

    def raw(self, name: str) -> object:
        return self._values.get(name)

    def text(self, name: str) -> str:
        value = self._values.get(name)
        if not isinstance(value, str) or not value.strip() or not value.isprintable():
            raise self.refused(f"needs {name!r}, a string")
        return value

    def optional_text(self, name: str) -> str | None:
        return self.text(name) if self.has(name) else None

    def flag(self, name: str, *, default: bool = False) -> bool:
        value = self._values.get(name, default)
        if not isinstance(value, bool):
            raise self.refused(f"has {name!r}, which must be true or false")
        return value

    def number(self, name: str, *, default: float, at_least: float = 0, at_most: float = 1e6) -> float:
        return self._number(name, self._values.get(name, default), at_least=at_least, at_most=at_most)

    def numbers(self, name: str, *, at_most_values: int) -> tuple[float, ...]:
        values = self._values.get(name)
        if not isinstance(values, list) or not 0 < len(values) <= at_most_values:
            raise self.refused(f"has {name!r}, which must be a list of 1 to {at_most_values} numbers")
        return tuple(self._number(name, value, at_least=0, at_most=1e6) for value in values)

    def texts(self, name: str, *, default: tuple[str, ...], at_most_values: int) -> tuple[str, ...]:
        values = self._values.get(name)
        if values is None:
            return default
        if not isinstance(values, list) or not 0 < len(values) <= at_most_values:
            raise self.refused(f"has {name!r}, which must be a list of 1 to {at_most_values} strings")
        if not all(isinstance(value, str) for value in values):
            raise self.refused(f"has {name!r}, which must be a list of strings")
        return tuple(values)

    def _number(self, name: str, value: object, *, at_least: float, at_most: float) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not at_least <= value <= at_most:
            raise self.refused(f"has {name!r}, which must be a number from {at_least:g} to {at_most:g}")
        return float(value)
