"""Malformed bodies: not JSON, not the right JSON, or JSON that two readers would read in two ways.

Faults of fields are made from the call's model, so a field that is added later has its faults at once.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from tests.support.hostile.calls import CallBody
from tests.support.hostile.requests import Defect, Facts, Sent, with_json
from webapi.http.parsing import JSON_BYTES_MAX
from webapi.http.problems import ProblemCode
from webapi.schemas.requests import METADATA_BYTES_MAX

Change = Callable[[Sent, Facts], Sent]

_NO_JSON = {
    "empty": b"",
    "blank": b" \n",
    "form": b"title=Cats&filename=cats.mp4",
    "cut-off": b'{"title": "Ca',
    "single-quotes": b"{'title': 'Cats'}",
    "comment": b'{"title": "Cats" /* really */}',
    "comma-at-the-end": b'{"title": "Cats",}',
    "two-objects": b"{}{}",
    "not-utf-8": b'{"title": "\xff\xfe"}',
    "surrogate-in-utf-8": b'{"title": "\xed\xa0\x80"}',
    "lone-surrogate": b'{"title": "\\ud800"}',
    "surrogates-in-the-wrong-order": b'{"title": "\\udc00\\ud800"}',
    "lone-surrogate-as-a-name": b'{"\\ud800": 1}',
    "byte-order-mark-twice": b'\xef\xbb\xbf\xef\xbb\xbf{"title": "Cats"}',
    "byte-order-mark-inside": b'{\xef\xbb\xbf"title": "Cats"}',
    "utf-16": '{"title": "Cats"}'.encode("utf-16"),
    "raw-line-break-in-text": b'{"title": "a\nb"}',
    "raw-nul": b'{"title": "Cats"}\x00',
    "deep-lists": b"[" * 60_000,
    "deep-objects": b'{"a":' * 12_000,
    "deep-but-closed": b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    "gzipped": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xab\xae\x05\x00\x43\xbf\xa6\xa3\x02\x00\x00\x00",
}
_NO_OBJECT = {"list": b"[]", "null": b"null", "text": b'"title"', "number": b"7", "true": b"true", "nan": b"NaN"}
_NO_JSON_TYPES = (
    "",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/jsonp",
    "application/json-patch+json",
    "application",
    "application/json, text/html",
)

# One value of each kind that JSON has; NaN and the infinities are what some writers make of numbers they cannot write.
_KINDS: dict[str, Any] = {
    "null": None,
    "boolean": True,
    "integer": 7,
    "number": 9.5,
    "string": "9",
    "array": [],
    "object": {},
    "nan": float("nan"),
    "infinity": float("inf"),
    "minus-infinity": float("-inf"),
}
# What no text may hold that people read: it would change what they see around it.
_HOSTILE_CHARACTERS = {
    "nul": "\x00",
    "line-break": "\n",
    "return": "\r",
    "tab": "\t",
    "escape": "\x1b[31m",
    "delete": "\x7f",
    "next-line": "\x85",
    "line-separator": "\u2028",
    "paragraph-separator": "\u2029",
    "embedding": "\u202a",
    "override": "\u202e",
    "isolate": "\u2066",
    "end-of-isolate": "\u2069",
}
_BLANK = {
    "empty": "",
    "blank": "  ",
    "no-break-space": "\u00a0",
    "zero-width": "\u200b\u200d\ufeff",
    "marks": "\u200e\u200f",
}
_HOSTILE_NAMES = {
    "traversal": "../../etc/passwd",
    "absolute": "/etc/passwd",
    "backslashes": "..\\..\\windows\\system32\\cats.mp4",
    "drive": "C:\\cats.mp4",
    "directory": "cats/",
    "dot": ".",
    "two-dots": "..",
    "three-dots": "...",
    "dots-and-blanks": ". . .",
}


def body_faults(body: CallBody) -> Iterator[Defect]:
    """Yield bodies that are not even an object."""
    for name, content in _NO_JSON.items():
        yield Defect(f"json-{name}", _sending(content), ProblemCode.INVALID_JSON)
    for name, content in _NO_OBJECT.items():
        yield Defect(f"json-{name}", _sending(content), ProblemCode.INVALID_REQUEST, ("",))
    yield Defect("body-oversized", _oversized(body), ProblemCode.BODY_TOO_LARGE)
    yield Defect("body-oversized-by-blanks", _sending(b" " * (body.bytes_max + 1)), ProblemCode.BODY_TOO_LARGE)
    if body.is_typed:
        for content_type in _NO_JSON_TYPES:
            yield Defect(f"type-{content_type or 'empty'}", _typed(content_type), ProblemCode.UNSUPPORTED_MEDIA_TYPE)
        yield Defect("type-missing", lambda sent, _: sent.without("Content-Type"), ProblemCode.UNSUPPORTED_MEDIA_TYPE)


def field_faults(body: CallBody) -> Iterator[Defect]:
    """Yield objects with one field wrong."""
    schema = body.model.model_json_schema()
    for field, about in schema["properties"].items():
        if field in schema.get("required", ()):
            yield _refused(f"{field}-missing", _left_out(field), field)
        yield _refused(f"{field}-twice", _twice(body, field), field)
        kinds = [choice.get("type") for choice in about.get("anyOf", [about])]
        for kind, value in _KINDS.items():
            if kind not in kinds and (kind != "integer" or "number" not in kinds):
                yield _refused(f"{field}-{kind}", _set(field, value), field)
        if "string" in kinds:
            yield from _text_faults(field, about)
        if "integer" in kinds:
            yield from _number_faults(field)
        if "object" in kinds:
            yield from _object_faults(field, about)
    if body.is_closed:
        for name in ("titel", "Title", "__proto__", "owner", "video_id", "x" * 65, "\u202e"):
            yield _refused(f"unknown-{name[:9]}", _set(name, "ann"), name[:64])
        yield _refused("a-deep-unknown", _set("extra", [[[[{"title": ["Cats"]}]]]]), "extra")


def _text_faults(field: str, about: dict[str, Any]) -> Iterator[Defect]:
    if "maxLength" in about:
        yield _refused(f"{field}-long", _set(field, "x" * (about["maxLength"] + 1)), field)
        if about["maxLength"] < JSON_BYTES_MAX / len(json.dumps("\U0001f431")):
            yield _refused(f"{field}-long-in-emoji", _set(field, "\U0001f431" * (about["maxLength"] + 1)), field)
    yield _refused(f"{field}-very-long", _set(field, "x" * 60_000), field)
    for name, character in _HOSTILE_CHARACTERS.items():
        for where, text in {"in": f"cats{character}.mp4", "at-the-end": f"cats.mp4{character}"}.items():
            yield _refused(f"{field}-{name}-{where}", _set(field, text), field)
    for name, text in _BLANK.items():
        yield _refused(f"{field}-{name}", _set(field, text), field)
    if "filename" in field:
        for name, text in _HOSTILE_NAMES.items():
            yield _refused(f"{field}-{name}", _set(field, text), field)
    if field == "content_type":
        for text in (
            "text/html",
            "video/",
            "video",
            "video/mp4 x=y",
            "video/<b>",
            "video/" + "x" * 101,
            "VIDEO /mp4",
            ";video/mp4",
        ):
            yield _refused(f"{field}-{text[:14]}", _set(field, text), field)


def _object_faults(field: str, about: dict[str, Any]) -> Iterator[Defect]:
    """Objects of texts by names."""
    taken = about["additionalProperties"]["type"]
    for kind, value in _KINDS.items():
        if kind not in taken:
            yield _refused(f"{field}-of-{kind}", _set(field, {"a": value}), f"{field}.a")
    yield _refused(f"{field}-in-{field}", _set(field, {"a": {"b": "c"}}), f"{field}.a")
    for name, character in _HOSTILE_CHARACTERS.items():
        yield _refused(f"{field}-{name}-in-a-name", _set(field, {f"a{character}": "b"}), f"{field}.a{character}")
        yield _refused(f"{field}-{name}-in-a-text", _set(field, {"a": f"b{character}"}), f"{field}.a")
    yield _refused(f"{field}-without-a-name", _set(field, {"": "b"}), f"{field}.")
    yield _refused(f"{field}-with-a-long-name", _set(field, {"x" * 65: "b"}), f"{field}.{'x' * 65}"[:64])
    for name, large in {
        "long": {"a": "x" * (METADATA_BYTES_MAX - 7)},
        "long-in-emoji": {"a": "\U0001f431" * (METADATA_BYTES_MAX // 4)},
        "of-many": {str(number): "" for number in range(METADATA_BYTES_MAX // 6)},
    }.items():
        yield _refused(f"{field}-{name}", _set(field, large), field)
    for name, raw in {
        "a-name-twice": '{"a": "b", "\\u0061": "c"}',
        "title-twice": '{"title": "b", "title": "b"}',
    }.items():
        yield _refused(f"{field}-{name}", _set_raw(field, raw), field)


def _number_faults(field: str) -> Iterator[Defect]:
    for value in (0, -1, -(10**30)):
        yield _refused(f"{field}-{str(value)[:5]}", _set(field, value), field)
    for name, raw in {"float": "9.0", "exponent": "9e0", "endless": "1e400", "minus-nothing": "-0"}.items():
        yield _refused(f"{field}-{name}", _set_raw(field, raw), field)
    too_large = ProblemCode.FILE_TOO_LARGE if field == "size_bytes" else ProblemCode.INVALID_REQUEST
    yield Defect(f"field-{field}-huge", _set(field, 10**30), too_large, (field,))
    yield Defect(f"field-{field}-beyond-all-bounds", _set_raw(field, "9" * 5000), ProblemCode.INVALID_JSON)
    yield Defect(f"field-{field}-in-hex", _set_raw(field, "0x9"), ProblemCode.INVALID_JSON)
    yield Defect(f"field-{field}-with-a-zero", _set_raw(field, "09"), ProblemCode.INVALID_JSON)


def _refused(name: str, change: Change, field: str) -> Defect:
    return Defect(f"field-{name}", change, ProblemCode.INVALID_REQUEST, (field,))


def _sending(content: bytes) -> Change:
    return lambda sent, _: replace(sent, body=content)


def _oversized(body: CallBody) -> Change:
    """A good request with so many blanks behind it that it is a byte too long."""
    return lambda sent, _: replace(sent, body=sent.body.ljust(body.bytes_max + 1))


def _typed(content_type: str) -> Change:
    return lambda sent, _: sent.having("Content-Type", content_type)


def _changed(sent: Sent, change: dict[str, Any]) -> Sent:
    return with_json(sent, {**json.loads(sent.body), **change})


def _set(field: str, value: object) -> Change:
    return lambda sent, _: _changed(sent, {field: value})


def _set_raw(field: str, raw: str) -> Change:
    return lambda sent, _: replace(sent, body=_changed(sent, {field: "@"}).body.replace(b'"@"', raw.encode()))


def _left_out(field: str) -> Change:
    return lambda sent, _: with_json(
        sent, {name: kept for name, kept in json.loads(sent.body).items() if name != field}
    )


def _twice(body: CallBody, field: str) -> Change:
    """The same name with the same value, escaped once: equal to a parser, different to a search for text."""
    name = f'"\\u{ord(field[0]):04x}{field[1:]}"'
    value = json.dumps(body.sample.get(field, ""))
    # A field that excludes others is not in the sample.
    first = "" if field in body.sample else f', "{field}": {value}'
    return lambda sent, _: replace(sent, body=sent.body.rstrip()[:-1] + f"{first}, {name}: {value}}}".encode())
