"""The types of the TypeScript package are those of the OpenAPI document: each field exists and has the same type."""

import re
from typing import Any

import pytest

from devstack.page import PACKAGE_DIR
from webapi.openapi.document import openapi_document

SOURCE = (PACKAGE_DIR / "src" / "types.ts").read_text()
CALLS = (PACKAGE_DIR / "src" / "calls.ts").read_text()
SCHEMAS: dict[str, Any] = openapi_document()["components"]["schemas"]
# Names of ours for the document's.
NAMES = {
    "VideoBody": "Video",
    "RenditionBody": "Rendition",
    "PartBody": "StoredPart",
    "EventBody": "VideoEvent",
    "CaptionBody": "Caption",
    "OriginalDownload": "Original",
    "UploadTarget": "Target",
    "AdminVideoBody": "DeadLetter",
    "AdminOverview": "Overview",
    "ProblemSchema": "Problem",
    "VideoError": "VideoError",
    "PartList": "PartList",
    "SignedPart": "SignedPart",
    "RolloutBody": "Rollout",
    "AdminProfileBody": "TranscodeProfile",
    "AdminProfileList": "ProfileList",
    "LeftOutBody": "LeftOut",
    "BulkPlanBody": "BulkPlan",
    "BulkResultBody": "BulkResult",
}
# Of a longer list, the next release may have more: the package takes any.
_VALUES_MAX = 6
# What the package knows better: the two ways to upload are told apart by their mode.
SHARPER = {"Target": {"upload": '{ mode: "single" } | { mode: "multipart"; part_size: number; part_count: number }'}}
INTERFACES = dict(
    re.findall(r"^export interface (\w+)(?:<[^>]*>)?(?: extends \w+)? \{\n(.*?)^\}", SOURCE, re.MULTILINE | re.DOTALL)
)


def type_of(schema: dict[str, Any]) -> str:
    """Return the TypeScript type of a schema, with our names."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        target = SCHEMAS[name]
        if "enum" in target:
            return name if re.search(rf"^export type {name} = ", SOURCE, re.MULTILINE) else "string"
        return NAMES.get(name) or (name if name in INTERFACES else inline(target))
    if "anyOf" in schema:
        return " | ".join(type_of(option) for option in schema["anyOf"])
    if len(schema.get("enum", ())) > _VALUES_MAX:
        return "string"
    if "enum" in schema:
        return " | ".join(f'"{value}"' for value in schema["enum"])
    match schema["type"]:
        case "array":
            items = type_of(schema["items"])
            return f"({items})[]" if " | " in items and not items.startswith("{") else f"{items}[]"
        case "integer" | "number":
            return "number"
        case "object":
            return f"Record<string, {type_of(schema['additionalProperties'])}>"
        case plain:
            return str(plain)


def inline(schema: dict[str, Any]) -> str:
    """Return an object that has no name in the package."""
    fields = (f"{name}: {type_of(field)}" for name, field in schema["properties"].items())
    return f"{{ {'; '.join(fields)} }}"


def fields_of(interface: str) -> dict[str, str]:
    """Return the fields of an interface in the package, each with its type."""
    text = re.sub(
        r"\{\n(.*?)\n  \}",
        lambda block: "{ " + " ".join(block[1].split()).rstrip(";") + " }",
        INTERFACES[interface],
        flags=re.DOTALL,
    )
    return {name: " ".join(written.split()) for name, written in re.findall(r"^  (\w+)\??: (.*);$", text, re.MULTILINE)}


@pytest.mark.parametrize(("model", "interface"), NAMES.items())
def test_every_field_has_the_type_of_the_document(model: str, interface: str) -> None:
    properties, fields = SCHEMAS[model]["properties"], fields_of(interface)

    assert fields
    assert set(fields) <= set(properties)
    assert fields == {name: type_of(properties[name]) for name in fields} | SHARPER.get(interface, {})


def test_every_interface_is_compared() -> None:
    assert set(INTERFACES) == {*NAMES.values(), "VideoPage"}


def test_what_is_sent_when_a_video_is_created_is_what_the_document_takes() -> None:
    bodies = {"Choices": "CreateVideo", "NewVideo": "CreateVideo", "NewFetch": "CreateVideo", "Changes": "ChangeVideo"}
    for interface, model in bodies.items():
        (block,) = re.findall(
            rf"^export interface {interface}(?: extends Choices)? \{{\n(.*?)^\}}", CALLS, re.MULTILINE | re.DOTALL
        )
        written = set(re.findall(r"^  (\w+)\??:", block, re.MULTILINE))
        assert written
        assert written <= set(SCHEMAS[model]["properties"]), interface


def test_the_catalogue_is_filtered_by_what_the_document_knows() -> None:
    (block,) = re.findall(r"^export interface CatalogueFilters \{\n(.*?)^\}", CALLS, re.MULTILINE | re.DOTALL)
    parameters = openapi_document()["paths"]["/api/v1/admin/videos"]["get"]["parameters"]
    known = {parameter["name"] for parameter in parameters if parameter["in"] == "query"}

    assert set(re.findall(r"^  (\w+)\??:", block, re.MULTILINE)) == known - {"page_token"}


def test_every_path_that_is_called_is_in_the_document() -> None:
    known = {re.sub(r"\{\w+\}", "*", path.removeprefix("/api/v1")) for path in openapi_document()["paths"]}
    called = re.findall(r'"(?:GET|POST|PUT|PATCH|DELETE)", [`"]([^`"]+)[`"]', CALLS)
    named = re.findall(r"const path = `([^`]+)`", CALLS)
    written = {re.sub(r"\$\{\w+\}", "*", re.sub(r"\?.*|\$\{query\}", "", path)) for path in [*called, *named]}

    assert len(written) >= 12
    assert written <= known


def test_named_lists_of_values_are_those_of_the_document() -> None:
    aliases = dict(re.findall(r'^export type (\w+) = ("[^;]*);', SOURCE, re.MULTILINE))

    assert set(aliases) >= {"Phase", "Visibility"}
    for name, written in aliases.items():
        assert re.findall(r'"(\w+)"', written) == SCHEMAS[name]["enum"]
