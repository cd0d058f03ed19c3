"""`/openapi.json` and `/docs`: the document for programs and, without a script or a request elsewhere, for people."""

import base64
import hashlib
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

import falcon
import orjson

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
code, .path { font-family: ui-monospace, monospace; font-size: .95em; overflow-wrap: anywhere; }
section { border-top: 1px solid #8888; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid #8884; }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# A release may change both; clients that look often cost nothing until then.
_CACHED = "public, max-age=300"

Document = Mapping[str, Any]


class OpenApi:
    """`/openapi.json`."""

    is_public = True

    def __init__(self, document: Document) -> None:
        self._bytes = orjson.dumps(document)

    def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
        """Answer with the document."""
        resp.data = self._bytes
        resp.set_header("Cache-Control", _CACHED)


class Docs:
    """`/docs`."""

    is_public = True

    def __init__(self, document: Document) -> None:
        self._bytes = page(document).encode()

    def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
        """Answer with the page."""
        resp.data = self._bytes
        resp.content_type = falcon.MEDIA_HTML
        resp.set_headers(
            {
                "Cache-Control": _CACHED,
                "Content-Security-Policy": _POLICY,
                "X-Content-Type-Options": "nosniff",
                "Referrer-Policy": "no-referrer",
            }
        )


def page(document: Document) -> str:
    """Return the document as HTML."""
    title = escape(document["info"]["title"])
    calls = [
        (method.upper(), path, described)
        for path, methods in document["paths"].items()
        for method, described in methods.items()
    ]
    return "".join(
        [
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
            f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>',
            f"<body><h1>{title}</h1><p>{escape(document['info']['description'])} The same for programs: "
            '<a href="/openapi.json">openapi.json</a>.</p>',
            *_table(("call", ""), [(_link(method, path, it), escape(it["summary"])) for method, path, it in calls]),
            *(part for method, path, it in calls for part in _call(document, method, path, it)),
            *_schemas(document),
            "</body></html>",
        ]
    )


def _call(document: Document, method: str, path: str, described: Document) -> Iterator[str]:
    yield f'<section id="{escape(described["operationId"])}"><h2 class="path">{method} {escape(path)}</h2>'
    deps = [
        f"a token{''.join(f' with the scope {word}' for word in words)}"
        for it in described["security"]
        for words in it.values()
    ]
    yield f"<p>{escape(described['summary'])}. Needs {escape(deps[0] if deps else 'no token')}.</p>"
    parameters = [_resolved(document, parameter) for parameter in described["parameters"]]
    if parameters:
        yield from _table(
            ("parameter", "in", "", ""),
            [
                (_code(it["name"]), it["in"], _type(it["schema"]), escape(it.get("description", "")))
                for it in parameters
            ],
        )
    if "requestBody" in described:
        yield f"<p>Body: {_content(described['requestBody'])}</p>"
    yield from _table(
        ("status", "answer", "", "headers"),
        [
            (status, _content(it), _marked(it["description"]), " ".join(map(_code, it.get("headers", ()))))
            for status, it in described["responses"].items()
        ],
    )
    yield "</section>"


def _schemas(document: Document) -> Iterator[str]:
    for name, schema in document["components"]["schemas"].items():
        yield f'<section id="schema-{escape(name)}"><h2 class="path">{escape(name)}</h2>'
        yield f"<p>{_marked(schema.get('description', ''))}</p>"
        if "enum" in schema:
            yield f"<p>{' '.join(map(_code, schema['enum']))}</p>"
        required = schema.get("required", ())
        yield from _table(
            ("field", "", "", ""),
            [
                (_code(field), "required" if field in required else "", _type(it), escape(it.get("description", "")))
                for field, it in schema.get("properties", {}).items()
            ],
        )
        yield "</section>"


def _table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> Iterator[str]:
    """Yield a table of cells that are HTML already."""
    if rows:
        yield f"<table><tr>{''.join(f'<th>{head}</th>' for head in heads)}</tr>"
        yield from (f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
        yield "</table>"


def _resolved(document: Document, it: Document) -> Document:
    if "$ref" not in it:
        return it
    found: Any = document
    for part in it["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    named: Document = found
    return named


def _content(it: Document) -> str:
    return "<br>".join(
        f"{_type(content['schema'])} {_code(media_type)}" for media_type, content in it.get("content", {}).items()
    )


def _type(schema: Document) -> str:
    """Return what a value looks like, in words."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#schema-{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(map(_type, schema["anyOf"]))
    if "enum" in schema:
        return " or ".join(map(_code, schema["enum"]))
    kind = str(schema.get("format", schema.get("type", "")))
    return f"{escape(kind)} of {_type(schema['items'])}" if schema.get("items") else escape(kind)


def _link(method: str, path: str, described: Document) -> str:
    return f'<a class="path" href="#{escape(described["operationId"])}">{method} {escape(path)}</a>'


def _code(text: object) -> str:
    return f"<code>{escape(str(text))}</code>"


def _marked(text: str) -> str:
    """Return a text whose backquotes mean code."""
    parts = text.split("`")
    return "".join(_code(part) if number % 2 else escape(part) for number, part in enumerate(parts))
