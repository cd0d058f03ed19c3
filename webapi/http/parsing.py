"""Bodies and queries: read within a bound, parsed into a model, and refused with the fields named."""

import json
from collections import Counter
from typing import Any, TypeVar

import falcon
from gunicorn.http.errors import ParseException  # type: ignore[import-untyped]
from pydantic import BaseModel, ValidationError

from webapi.http.problems import FieldProblem, ProblemCode, ProblemError

JSON_BYTES_MAX = 64 * 1024
# A body can be wrong in thousands of places; nobody reads further than this.
_ERRORS_MAX = 20
_NAME_MAX = 64

Model = TypeVar("Model", bound=BaseModel)


def read_json(req: falcon.Request, model: type[Model]) -> Model:
    """Return the body as ``model``. Raises ProblemError."""
    media_type = (req.content_type or "").partition(";")[0].strip().lower()
    if media_type != falcon.MEDIA_JSON:
        raise ProblemError(ProblemCode.UNSUPPORTED_MEDIA_TYPE, "the body must be application/json")
    return parse_json(read_body(req, at_most_bytes=JSON_BYTES_MAX), model)


def parse_json(body: bytes, model: type[Model]) -> Model:
    """Return the bytes as ``model``. Raises ProblemError."""
    try:
        parsed = model.model_validate_json(body, strict=True)
    except ValidationError as error:
        raise _problem(error, model) from error
    repeated = [name for name in _repeated_names(body) if name in model.model_fields]
    if repeated:
        problems = [FieldProblem(name, "appears more than once, or something in it does") for name in repeated]
        raise ProblemError(ProblemCode.INVALID_REQUEST, f"not accepted: {', '.join(repeated)}", errors=problems)
    return parsed


def read_query(req: falcon.Request, model: type[Model]) -> Model:
    """Return the query's parameters as ``model``. Raises ProblemError."""
    try:
        return model.model_validate(req.params)
    except ValidationError as error:
        raise _problem(error, model) from error


def read_body(req: falcon.Request, *, at_most_bytes: int) -> bytes:
    """Return the raw body. Raises ProblemError when it is longer, before reading it if the length is declared."""
    if (req.content_length or 0) > at_most_bytes:
        raise _too_large(at_most_bytes)
    try:
        # One byte more tells a longer body from one that just fits, also when it comes in chunks.
        body = bytes(req.stream.read(at_most_bytes + 1))
    except (OSError, ParseException) as error:
        # gunicorn finds broken chunks, and clients that went away, only now.
        raise ProblemError(ProblemCode.MALFORMED_REQUEST, "the body could not be read to its end") from error
    if len(body) > at_most_bytes:
        raise _too_large(at_most_bytes)
    if len(body) < (req.content_length or 0):
        # What has come may well be JSON, and yet not what was meant.
        raise ProblemError(ProblemCode.MALFORMED_REQUEST, "the body is shorter than its Content-Length")
    return body


def _too_large(at_most_bytes: int) -> ProblemError:
    return ProblemError(ProblemCode.BODY_TOO_LARGE, f"a body of at most {at_most_bytes} bytes is read here")


class _Repeating(list[str]):
    """The names of an object that it has twice, or whose own objects have a name twice."""


def _repeated_names(body: bytes) -> list[str]:
    """Return the fields of a body that appear twice, or hold such a name: readers differ in which value they take."""

    def noted(pairs: list[tuple[str, object]]) -> object:
        counted = Counter(name for name, _ in pairs)
        twice = [name for name, times in counted.items() if times > 1]
        inside = [name for name, value in pairs if isinstance(value, _Repeating) and name not in twice]
        return _Repeating(twice + inside) if twice or inside else None

    # That it is JSON, and not too deep, is known already. Its numbers are not looked at: Python refuses long ones.
    found = json.loads(body.decode(), object_pairs_hook=noted, parse_int=len, parse_float=len)
    return list(dict.fromkeys(found)) if isinstance(found, _Repeating) else []


def _problem(error: ValidationError, model: type[BaseModel]) -> ProblemError:
    found = error.errors(include_url=False, include_context=False)
    if found[0]["type"] == "json_invalid":
        return ProblemError(ProblemCode.INVALID_JSON, found[0]["msg"])
    problems = [FieldProblem(_name(wrong["loc"]), _detail(wrong, model)) for wrong in found[:_ERRORS_MAX]]
    named = ", ".join(problem.field or "the body" for problem in problems)
    return ProblemError(ProblemCode.INVALID_REQUEST, f"not accepted: {named}", errors=problems)


def _name(location: tuple[int | str, ...]) -> str:
    # What is wrong with a name of an object is told by that name, without pydantic's own word behind it.
    return ".".join(str(part) for part in location if part != "[key]")[:_NAME_MAX]


def _detail(wrong: Any, model: type[BaseModel]) -> str:
    if wrong["type"] == "extra_forbidden":
        return "there is no such field"
    if wrong["type"] == "string_pattern_mismatch":
        # Words instead of the expression.
        return model.model_fields[wrong["loc"][0]].description or "has another form"
    return str(wrong["msg"])
