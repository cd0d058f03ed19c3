"""Bodies and queries: read up to a limit, parsed into a model, and refused with the names of the wrong fields."""

import json
import re
from collections import Counter
from typing import Any, TypeVar

import falcon
from gunicorn.http.errors import ParseException  # type: ignore[import-untyped]
from pydantic import BaseModel, ValidationError

from webapi.http.problems import FieldProblem, HttpProblemError, ProblemCode

JSON_BYTES_MAX = 64 * 1024
# A body can be detail in thousands of places; the first few are enough to see why.
_ERRORS_MAX = 20
_NAME_MAX = 64
# RFC 8259, 8.1: a parser may ignore it. Some editors and Windows PowerShell write it.
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# How pydantic quotes the members of an enum: `<Phase.READY: 'ready'>`.
_ENUM_MEMBER = re.compile(r"<[\w.]+: ('[^']*')>")
_A_TIME = "must be a time with an offset, such as 2026-03-01T12:00:00Z"
# pydantic's own messages are about Python: "Tuple should have at least 1 item after validation".
_DETAILS = {
    "missing": "is required",
    "string_type": "must be a string",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "bool_type": "must be true or false",
    "tuple_type": "must be an array",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "string_too_short": "must have {min_length} or more characters",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must have {min_length} or more entries",
    "too_long": "must have at most {max_length} entries",
    "greater_than_equal": "must be at least {ge}",
    "enum": "must be one of {expected}",
    "literal_error": "must be one of {expected}",
    "datetime_type": _A_TIME,
    "datetime_parsing": _A_TIME,
    "datetime_from_date_parsing": _A_TIME,
    "datetime_object_invalid": _A_TIME,
    "timezone_aware": _A_TIME,
}

Model = TypeVar("Model", bound=BaseModel)


def read_json(req: falcon.Request, model: type[Model], *, media_types: tuple[str, ...] = (falcon.MEDIA_JSON,)) -> Model:
    """Return the body as ``model``. Raises HttpProblemError."""
    if media_type_of(req) not in media_types:
        raise HttpProblemError(ProblemCode.UNSUPPORTED_MEDIA_TYPE, f"the body must be {' or '.join(media_types)}")
    return parse_json(read_body(req, at_most_bytes=JSON_BYTES_MAX), model)


def media_type_of(req: falcon.Request) -> str:
    """Return the type of the body in lower case, without parameters; empty if none is declared."""
    return (req.content_type or "").partition(";")[0].strip().lower()


def parse_json(body: bytes, model: type[Model]) -> Model:
    """Return the bytes as ``model``. Raises HttpProblemError."""
    body = body.removeprefix(_BYTE_ORDER_MARK)
    try:
        parsed = model.model_validate_json(body, strict=True)
    except ValidationError as error:
        raise _problem(error, model) from error
    repeated = [name for name in _repeated_names(body) if name in model.model_fields]
    if repeated:
        problems = [FieldProblem(name, "appears more than once, or something in it does") for name in repeated]
        raise HttpProblemError(ProblemCode.INVALID_REQUEST, f"not accepted: {', '.join(repeated)}", errors=problems)
    return parsed


def read_query(req: falcon.Request, model: type[Model]) -> Model:
    """Return the query's parameters as ``model``. Raises HttpProblemError."""
    repeated = [name for name in model.model_fields if isinstance(req.params.get(name), list)]
    if repeated:
        problems = [FieldProblem(name, "appears more than once") for name in repeated]
        raise HttpProblemError(ProblemCode.INVALID_REQUEST, f"not accepted: {', '.join(repeated)}", errors=problems)
    try:
        return model.model_validate(req.params)
    except ValidationError as error:
        raise _problem(error, model) from error


def read_body(req: falcon.Request, *, at_most_bytes: int) -> bytes:
    """Return the raw body. Raises HttpProblemError if it is longer, unread if its declared length is."""
    if (req.content_length or 0) > at_most_bytes:
        raise _too_large(at_most_bytes)
    try:
        # Reading one byte more detects a longer body, also one in chunks.
        body = bytes(req.stream.read(at_most_bytes + 1))
    except (OSError, ParseException) as error:
        # gunicorn notices broken chunks and closed connections only here.
        raise HttpProblemError(ProblemCode.MALFORMED_REQUEST, "the body could not be read to its end") from error
    if len(body) > at_most_bytes:
        raise _too_large(at_most_bytes)
    if len(body) < (req.content_length or 0):
        # What arrived may be valid JSON and still not what was sent.
        raise HttpProblemError(ProblemCode.MALFORMED_REQUEST, "the body is shorter than its Content-Length")
    return body


def _too_large(at_most_bytes: int) -> HttpProblemError:
    return HttpProblemError(ProblemCode.BODY_TOO_LARGE, f"the body may have at most {at_most_bytes} bytes")


class _RepeatedNames(list[str]):
    """Names that appear twice in an object, or whose values contain such an object."""


def _repeated_names(body: bytes) -> list[str]:
    """Return the fields that appear twice or contain a name twice: JSON readers differ in which value they take."""

    def collect(pairs: list[tuple[str, object]]) -> object:
        counts = Counter(name for name, _ in pairs)
        twice = [name for name, times in counts.items() if times > 1]
        inside = [name for name, value in pairs if isinstance(value, _RepeatedNames) and name not in twice]
        return _RepeatedNames(twice + inside) if twice or inside else None

    # The model has already parsed it. `len` skips numbers, since Python refuses to convert long ones.
    repeated = json.loads(body.decode(), object_pairs_hook=collect, parse_int=len, parse_float=len)
    return list(dict.fromkeys(repeated)) if isinstance(repeated, _RepeatedNames) else []


def _problem(error: ValidationError, model: type[BaseModel]) -> HttpProblemError:
    details = error.errors(include_url=False)
    # A list whose entries were refused is also called too short.
    inner = {detail["loc"][:length] for detail in details for length in range(len(detail["loc"]))}
    details = [detail for detail in details if detail["loc"] not in inner or not detail["loc"]]
    if details[0]["type"] == "json_invalid":
        return HttpProblemError(ProblemCode.INVALID_JSON, details[0]["msg"])
    problems = [FieldProblem(_name(detail["loc"]), _detail(detail, model)) for detail in details[:_ERRORS_MAX]]
    fields = ", ".join(problem.field or "the body" for problem in problems)
    return HttpProblemError(ProblemCode.INVALID_REQUEST, f"not accepted: {fields}", errors=problems)


def _name(location: tuple[int | str, ...]) -> str:
    # pydantic appends "[key]" to a name that is itself invalid.
    return ".".join(str(part) for part in location if part != "[key]")[:_NAME_MAX]


def _detail(detail: Any, model: type[BaseModel]) -> str:
    if detail["type"] == "extra_forbidden":
        return "there is no such field or parameter"
    if detail["type"] == "string_pattern_mismatch":
        # The description of the field instead of the regular expression.
        return model.model_fields[detail["loc"][0]].description or "has the wrong form"
    words = _DETAILS.get(detail["type"])
    text = str(detail["msg"]) if words is None else words.format(**detail.get("ctx", {}))
    return _ENUM_MEMBER.sub(r"\1", text)
