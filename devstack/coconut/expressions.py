"""Coconut's ``if`` expressions, such as ``{{ input.width }} >= 1920 AND NOT {{ input.height }} < 1080``.

Coconut documents the operators ``< > <= >= <> != = AND OR NOT`` and ``{{ input.width }}``. Parentheses, the names
``input.height`` and ``input.duration``, and Python's precedence (NOT, AND, OR) are our reading.
"""

import ast
import functools
import operator
import re
from collections.abc import Callable, Mapping

Condition = Callable[[Mapping[str, float]], bool]

VARIABLES = frozenset({"input.width", "input.height", "input.duration"})
_MAX_CHARACTERS = 1_000
_TOKEN = re.compile(
    r"\s*(?:\{\{\s*(?P<variable>[\w.]+)\s*\}\}|(?P<other>\d+(?:\.\d+)?|(?:AND|OR|NOT)\b|<=|>=|<>|!=|<|>|=|\(|\)))"
)
_PYTHON = {"AND": "and", "OR": "or", "NOT": "not", "=": "==", "<>": "!="}
_COMPARISONS: dict[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Lt: operator.lt,
    ast.Gt: operator.gt,
    ast.LtE: operator.le,
    ast.GtE: operator.ge,
    ast.NotEq: operator.ne,
    ast.Eq: operator.eq,
}


@functools.lru_cache(maxsize=256)  # the jobs of one client repeat their conditions, at hundreds of jobs a second
def parse_condition(text: str) -> Condition:
    """Parse an expression. Raises ValueError."""
    if len(text) > _MAX_CHARACTERS:
        raise ValueError(f"condition is longer than {_MAX_CHARACTERS} characters")
    try:
        return _condition(ast.parse(" ".join(_tokens(text)), mode="eval").body)
    except (SyntaxError, RecursionError, MemoryError, LookupError) as error:
        raise ValueError(f"condition {text!r} is not valid") from error


def _tokens(text: str) -> list[str]:
    tokens, position, text = [], 0, text.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise SyntaxError
        # A variable becomes a Python string: the only strings that the grammar can produce.
        tokens.append(repr(match["variable"]) if match["variable"] else _PYTHON.get(match["other"], match["other"]))
        position = match.end()
    return tokens


def _condition(node: ast.expr) -> Condition:
    match node:
        case ast.BoolOp(op=connective, values=values):
            parts = [_condition(value) for value in values]
            combine = all if isinstance(connective, ast.And) else any
            return lambda facts: combine(part(facts) for part in parts)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            negated = _condition(operand)
            return lambda facts: not negated(facts)
        case ast.Compare(left=left, ops=[comparison], comparators=[right]):
            compare, first, second = _COMPARISONS[type(comparison)], _operand(left), _operand(right)
            return lambda facts: compare(first(facts), second(facts))
    raise SyntaxError


def _operand(node: ast.expr) -> Callable[[Mapping[str, float]], float]:
    match node:
        case ast.Constant(value=str(name)) if name in VARIABLES:
            return lambda facts: facts[name]
        case ast.Constant(value=int(number) | float(number)):
            return lambda _facts: number
    raise SyntaxError
