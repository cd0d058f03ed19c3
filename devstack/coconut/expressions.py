"""Coconut's ``if`` expressions, such as ``{{ input.width }} >= 1920 AND NOT {{ input.height }} < 1080``.

Documented are the operators ``< > <= >= <> != = AND OR NOT`` and ``{{ input.width }}``; that NOT binds
tighter than AND and AND tighter than OR, parentheses, and the names ``input.height`` and
``input.duration`` are our reading.
"""

import functools
import operator
import re
from collections.abc import Callable, Mapping

Condition = Callable[[Mapping[str, float]], bool]
Operand = Callable[[Mapping[str, float]], float]

VARIABLES = frozenset({"input.width", "input.height", "input.duration"})
_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
    "<>": operator.ne,
    "!=": operator.ne,
    "=": operator.eq,
}
_TOKEN = re.compile(
    r"\s*(?:(?P<variable>\{\{\s*[\w.]+\s*\}\})|(?P<number>\d+(?:\.\d+)?)|(?P<word>AND|OR|NOT)\b"
    r"|(?P<sign><=|>=|<>|!=|<|>|=|\(|\)))"
)
_MAX_CHARACTERS = 1_000
_MAX_DEPTH = 50  # below what the interpreter's stack bears


@functools.lru_cache(maxsize=256)  # a client's jobs repeat each other, and there can be hundreds a second
def parse_condition(text: str) -> Condition:
    """Read an expression; ValueError says where it stops making sense."""
    if len(text) > _MAX_CHARACTERS:
        raise ValueError(f"condition is longer than {_MAX_CHARACTERS} characters")
    parser = _Parser(_tokens(text), text)
    condition = parser.any_of()
    parser.expect_end()
    return condition


def _tokens(text: str) -> list[str]:
    tokens = []
    position = 0
    stripped = text.rstrip()
    while position < len(stripped):
        match = _TOKEN.match(stripped, position)
        if match is None:
            raise ValueError(f"condition {text!r} is not valid at {stripped[position:].strip()[:20]!r}")
        tokens.append(match[0].strip())
        position = match.end()
    return tokens


class _Parser:
    """Recursive descent, one method for each level of precedence."""

    def __init__(self, tokens: list[str], text: str) -> None:
        self._tokens = tokens
        self._text = text
        self._next = 0
        self._depth = 0

    def any_of(self) -> Condition:
        condition = self._all_of()
        while self._took("OR"):
            condition = _either(condition, self._all_of())
        return condition

    def expect_end(self) -> None:
        if self._next < len(self._tokens):
            raise self._surprise()

    def _all_of(self) -> Condition:
        condition = self._term()
        while self._took("AND"):
            condition = _both(condition, self._term())
        return condition

    def _term(self) -> Condition:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise ValueError(f"condition {self._text!r} is nested too deeply")
        condition = self._negated() if self._took("NOT") else self._group() if self._took("(") else self._comparison()
        self._depth -= 1
        return condition

    def _negated(self) -> Condition:
        condition = self._term()
        return lambda facts: not condition(facts)

    def _group(self) -> Condition:
        condition = self.any_of()
        if not self._took(")"):
            raise self._surprise()
        return condition

    def _comparison(self) -> Condition:
        left = self._operand()
        compare = _COMPARISONS.get(self._peek())
        if compare is None:
            raise self._surprise()
        self._next += 1
        right = self._operand()
        return lambda facts: compare(left(facts), right(facts))

    def _operand(self) -> Operand:
        token = self._peek()
        if token.startswith("{{"):
            name = token[2:-2].strip()
            if name not in VARIABLES:
                raise ValueError(f"condition {self._text!r}: {name!r} is not known")
            self._next += 1
            return lambda facts: facts[name]
        if token[:1].isdigit():
            self._next += 1
            number = float(token)
            return lambda _facts: number
        raise self._surprise()

    def _took(self, token: str) -> bool:
        if self._peek() != token:
            return False
        self._next += 1
        return True

    def _peek(self) -> str:
        return self._tokens[self._next] if self._next < len(self._tokens) else ""

    def _surprise(self) -> ValueError:
        return ValueError(f"condition {self._text!r} is not valid at {self._peek() or 'its end'!r}")


def _either(left: Condition, right: Condition) -> Condition:
    return lambda facts: left(facts) or right(facts)


def _both(left: Condition, right: Condition) -> Condition:
    return lambda facts: left(facts) and right(facts)
