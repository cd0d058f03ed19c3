"""The OpenAPI 3.1 document, made from the models that validate and from the table of problems."""

from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, Field
from pydantic.json_schema import models_json_schema

from domain.captions import LANGUAGE_MAX, LANGUAGE_PATTERN
from domain.video import VIDEO_ID_MAX, VIDEO_ID_PATTERN
from webapi.http import idempotency
from webapi.http.problems import MEDIA_PROBLEM, PROBLEM_TYPES, ProblemCode
from webapi.http.request_limit import UNLIMITED
from webapi.openapi.operations import LANGUAGE, OPERATIONS, VIDEO_ID, Operation
from webapi.schemas.requests import UUID_PATTERN

_REF = "#/components/schemas/{model}"
_JSON = "application/json"
_EVENTS = "text/event-stream"
_TOKEN = "bearer"  # noqa: S105 - the name of a scheme

_TAGS = {
    "videos": "create, show, change and delete videos",
    "uploading": "send the file, in one piece or in parts, and confirm it",
    "captions": "subtitles of a video, before it is ready or later",
    "playback": "playlists and files of private videos, under URLs that were signed for them",
    "administration": "failed videos of all owners, webhooks and their deliveries; needs the scope `admin`",
    "service": "the callback of the transcoder, probes, metrics and this document",
}
_HEADERS = {
    "X-Request-Id": "the id of the request in our log: yours, if you sent a well-formed one",
    "Location": "where the new resource is, or the file",
    "ETag": "send it as If-None-Match to get the body only after a change",
    "Retry-After": "seconds to wait before the next call",
    "RateLimit": "what is left of each quota that the call counted for: `r` units, more in `t` seconds",
    "RateLimit-Policy": "these quotas: `q` units in any `w` seconds",
    "WWW-Authenticate": "how to authenticate, and why the token was refused",
}
_HEADERS_BY_CODE = {
    ProblemCode.NOT_AUTHENTICATED: ("WWW-Authenticate",),
    ProblemCode.INVALID_TOKEN: ("WWW-Authenticate",),
    ProblemCode.INSUFFICIENT_SCOPE: ("WWW-Authenticate",),
    ProblemCode.IDEMPOTENCY_KEY_IN_USE: ("Retry-After",),
    ProblemCode.UPLOAD_LIMIT_REACHED: ("Retry-After",),
    ProblemCode.BYTE_LIMIT_REACHED: ("Retry-After",),
    ProblemCode.RETRANSCODE_LIMIT_REACHED: ("Retry-After",),
    ProblemCode.RETRY_LIMIT_REACHED: ("Retry-After",),
    ProblemCode.CHANGE_LIMIT_REACHED: ("Retry-After",),
    ProblemCode.REQUEST_LIMIT_REACHED: ("Retry-After",),
    ProblemCode.TEMPORARILY_UNAVAILABLE: ("Retry-After",),
    ProblemCode.STORAGE_REFUSED: ("Retry-After",),
    ProblemCode.REGION_UNAVAILABLE: ("Retry-After",),
}


class FieldError(BaseModel):
    """What is wrong with one field; `""` is the body itself."""

    field: str
    detail: str


class ProblemSchema(BaseModel):
    """A problem (RFC 9457). Programs decide by `code`."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: ProblemCode
    retryable: bool = Field(description="whether the same call may succeed later")
    what_to_do: str
    request_id: str
    errors: list[FieldError] = Field(default_factory=list, max_length=20)


@cache
def openapi_document() -> dict[str, Any]:
    """Return the document, which is made once. Do not modify it."""
    schemas = _schemas()
    paths: dict[str, dict[str, Any]] = defaultdict(dict)
    for operation in OPERATIONS:
        paths[operation.path][operation.method.lower()] = _operation(operation, schemas)
    # Parameters are described where they are.
    queries = {operation.query.__name__ for operation in OPERATIONS if operation.query}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Video uploads",
            "version": "1",
            "description": "Ask for an upload, send the file straight to storage, get a stream back.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "paths": dict(paths),
        "components": {
            "schemas": {name: schema for name, schema in schemas.items() if name not in queries},
            "headers": {name: {"description": text, "schema": {"type": "string"}} for name, text in _HEADERS.items()},
            "parameters": {
                "IdempotencyKey": _idempotency_key(),
                **{_parameter(name): _id(name) for operation in OPERATIONS for name in operation.ids},
            },
            "securitySchemes": {_TOKEN: {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def problems_of(operation: Operation) -> list[ProblemCode]:
    """Return the codes of all problems that the call can end in."""
    codes = [ProblemCode.MALFORMED_REQUEST, ProblemCode.INTERNAL_ERROR, *operation.problems]
    if operation.is_private:
        codes += [ProblemCode.NOT_AUTHENTICATED, ProblemCode.INVALID_TOKEN]
    if operation.is_private and (operation.method != "GET" or operation.signs_downloads):
        codes.append(ProblemCode.CHANGE_LIMIT_REACHED)
    if operation.path not in UNLIMITED:
        codes.append(ProblemCode.REQUEST_LIMIT_REACHED)
    if operation.scope:
        codes.append(ProblemCode.INSUFFICIENT_SCOPE)
    if operation.ids:
        codes.append(ProblemCode.NOT_FOUND)
    if operation.body:
        codes.append(ProblemCode.INVALID_JSON)
    is_file = bool(operation.text_types or operation.picture_types)
    if operation.body or is_file:
        codes.append(ProblemCode.BODY_TOO_LARGE)
    if (operation.body and operation.is_private) or is_file:
        codes.append(ProblemCode.UNSUPPORTED_MEDIA_TYPE)
    if operation.body or operation.query:
        codes.append(ProblemCode.INVALID_REQUEST)
    if operation.needs_storage:
        codes += [ProblemCode.STORAGE_REFUSED, ProblemCode.REGION_UNAVAILABLE]
    if operation.needs_upstreams:
        codes.append(ProblemCode.TEMPORARILY_UNAVAILABLE)
    return codes


def _schemas() -> dict[str, Any]:
    requests = {model for operation in OPERATIONS for model in (operation.body, operation.query) if model}
    both = ((operation.response, operation.other_response) for operation in OPERATIONS)
    responses = {model for models in both for model in models if model} | {ProblemSchema}
    _, definitions = models_json_schema(
        [
            *((model, "validation") for model in sorted(requests, key=lambda model: model.__name__)),
            *((model, "serialization") for model in sorted(responses, key=lambda model: model.__name__)),
        ],
        ref_template=_REF,
    )
    schemas: dict[str, Any] = definitions["$defs"]
    return schemas


def _operation(operation: Operation, schemas: dict[str, Any]) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {"$ref": f"#/components/parameters/{_parameter(name)}"} for name in operation.ids
    ]
    if operation.query:
        parameters += _query(schemas[operation.query.__name__])
    if operation.is_keyed:
        parameters.append({"$ref": "#/components/parameters/IdempotencyKey"})
    if operation.is_conditional:
        parameters.append(
            {
                "name": "If-None-Match",
                "in": "header",
                "description": "the ETag of the last response",
                "schema": {"type": "string"},
            }
        )
    description: dict[str, Any] = {
        "operationId": _name(operation),
        "summary": operation.summary,
        "tags": [operation.tag],
        "parameters": parameters,
        "responses": {**_successes(operation), **_problems(operation)},
        "security": [{_TOKEN: [operation.scope] if operation.scope else []}] if operation.is_private else [],
    }
    if operation.body:
        description["requestBody"] = {"required": True, "content": {_JSON: {"schema": _ref(operation.body)}}}
    if operation.text_types:
        content = {media_type: {"schema": {"type": "string"}} for media_type in operation.text_types}
        description["requestBody"] = {"required": True, "content": content}
    if operation.picture_types:
        # OpenAPI 3.1: an empty schema is any bytes.
        description["requestBody"] = {"required": True, "content": {one: {} for one in operation.picture_types}}
    return description


def _successes(operation: Operation) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if operation.response:
        schema: dict[str, Any] = _ref(operation.response)
        if operation.other_response:
            schema = {"anyOf": [schema, _ref(operation.other_response)]}
        content = {"content": {_JSON: {"schema": schema}}}
    elif operation.media_type:
        schema_type = "object" if operation.media_type == _JSON else "string"
        # OpenAPI 3.1 has no words for what one event of a stream is.
        described = {} if operation.media_type == _EVENTS else {"schema": {"type": schema_type}}
        content = {"content": {operation.media_type: described}}
    responses: dict[str, Any] = {
        str(status): {
            "description": HTTPStatus(status).phrase,
            "headers": _headers((*_always(operation), *operation.headers)),
            **content,
        }
        for status in (operation.status, *operation.other_statuses)
    }
    if operation.is_conditional:
        responses["304"] = {"description": "Nothing has changed", "headers": _headers((*_always(operation), "ETag"))}
    return responses


def _always(operation: Operation) -> tuple[str, ...]:
    """Return the headers of every response of a call."""
    return ("X-Request-Id",) if operation.path in UNLIMITED else ("X-Request-Id", "RateLimit", "RateLimit-Policy")


def _problems(operation: Operation) -> dict[str, Any]:
    by_status: dict[str, list[ProblemCode]] = defaultdict(list)
    for code in problems_of(operation):
        by_status[PROBLEM_TYPES[code].status[:3]].append(code)
    return {
        status: {
            "description": "; ".join(f"`{code}`: {PROBLEM_TYPES[code].title}" for code in same),
            "headers": _headers(
                dict.fromkeys(
                    (*_always(operation), *(name for code in same for name in _HEADERS_BY_CODE.get(code, ())))
                )
            ),
            "content": {MEDIA_PROBLEM: {"schema": {**_ref(ProblemSchema), "properties": {"code": {"enum": [*same]}}}}},
        }
        for status, same in sorted(by_status.items())
    }


def _query(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the parameters of a query, without null, which a query cannot contain."""
    parameters = []
    for name, field in schema["properties"].items():
        rest = {key: value for key, value in field.items() if key not in ("anyOf", "title", "description")}
        (plain,) = [option for option in field.get("anyOf", [{}]) if option.get("type") != "null"]
        if rest.get("default", "") is None:
            del rest["default"]
        parameter = {"name": name, "in": "query", "required": name in schema.get("required", ())}
        if "description" in field:
            parameter["description"] = field["description"]
        parameters.append({**parameter, "schema": {**rest, **plain}})
    return parameters


def _parameter(name: str) -> str:
    """Return the component name of a path parameter: `VideoId` for `video_id`."""
    return name.title().replace("_", "")


def _id(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string", "pattern": UUID_PATTERN}
    if name == VIDEO_ID.strip("{}"):
        schema = {"type": "string", "pattern": VIDEO_ID_PATTERN, "maxLength": VIDEO_ID_MAX}
    if name == LANGUAGE.strip("{}"):
        schema = {"type": "string", "pattern": LANGUAGE_PATTERN, "maxLength": LANGUAGE_MAX}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _idempotency_key() -> dict[str, Any]:
    return {
        "name": idempotency.HEADER,
        "in": "header",
        "description": "your name for this request; for 24 hours the same name gives the same video. 1 to 255 visible"
        " ASCII characters, bare or in double quotes",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[!#-\[\]-~]+$"},
        "examples": {"a UUID": {"value": "8e03978e-40d5-43e8-bc93-6894a57f9324"}},
    }


def _headers(names: Iterable[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _ref(model: type[BaseModel]) -> dict[str, Any]:
    return {"$ref": _REF.format(model=model.__name__)}


def _name(operation: Operation) -> str:
    words = operation.path.removeprefix("/api/v1").replace("{", "").replace("}", "").replace(".", "_").split("/")
    return "_".join([operation.method.lower(), *filter(None, words)])
