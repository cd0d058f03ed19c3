"""Headers with impossible values."""

from collections.abc import Callable, Iterator

from tests.support.hostile.requests import Defect, Facts, Sent
from webapi.http.problems import ProblemCode

KEY = "Idempotency-Key"
_BAD_KEYS = {
    "empty": "",
    "empty-in-quotes": '""',
    "long": "x" * 256,
    "long-in-quotes": f'"{"x" * 256}"',
    "blank-inside": "a b",
    "blank-inside-quotes": '"a b"',
    "tab": "a\tb",
    "quote-inside": 'a"b',
    "quote-at-the-begin": '"a',
    "quote-at-the-end": 'a"',
    "quote-alone": '"',
    "three-quotes": '"a"b"',
    "two-strings": '"a", "b"',
    "parameters": '"a";q=1',
    "escape-outside-quotes": "a\\b",
    "escape-of-a-letter": '"\\a"',
    "escape-at-the-end": '"a\\"',
    "not-ascii": "caf\u00e9",
    "direction": "a\u202eb",
}


def key_faults() -> Iterator[Defect]:
    """Yield keys that are none."""
    for name, value in _BAD_KEYS.items():
        yield Defect(f"key-{name}", _sending(value), ProblemCode.INVALID_REQUEST, (KEY,))


def _sending(value: str) -> Callable[[Sent, Facts], Sent]:
    return lambda sent, _: sent.having(KEY, value)
