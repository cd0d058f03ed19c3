"""A JSON schema as a flat table, one row of bounds for each path, so that two can be compared; and the CRD's own."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

import crds

_BOUNDS = (
    *("type", "enum", "minimum", "maximum", "multipleOf", "minLength", "maxLength", "minItems", "maxItems"),
    *("pattern", "default", "required"),
)
Row = dict[str, Any]


def facts_of_model(model: type[BaseModel]) -> dict[str, Row]:
    """Return the table of a pydantic model, under the names that it has in JSON."""
    schema = model.model_json_schema(by_alias=True)
    definitions = schema.get("$defs", {})

    def resolved(node: dict[str, Any]) -> dict[str, Any]:
        if "$ref" in node:
            return {**definitions[node["$ref"].rpartition("/")[2]], **{k: v for k, v in node.items() if k != "$ref"}}
        if "anyOf" in node:  # X | None: the field may be absent
            (only,) = (resolved(choice) for choice in node["anyOf"] if choice.get("type") != "null")
            return only
        return node

    return _table(schema, resolved)


def facts_of_crd(schema: dict[str, Any]) -> dict[str, Row]:
    """Return the table of a part of a CRD's schema."""
    return _table(schema, lambda node: node)


def _table(schema: dict[str, Any], resolved: Any, path: str = "") -> dict[str, Row]:
    node = resolved(schema)
    row = {key: node[key] for key in _BOUNDS if node.get(key) is not None}
    if "required" in row:
        row["required"] = sorted(row["required"])
    if node.get("format") == "date-time":
        row["format"] = "date-time"
    table = {path: row}
    for name, child in node.get("properties", {}).items():
        table |= _table(child, resolved, f"{path}.{name}")
    if "items" in node:
        table |= _table(node["items"], resolved, f"{path}[]")
    return table


def _definition(plural: str) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((Path(crds.__file__).parent / f"{plural}.yaml").read_text())
    return read


CRD = _definition("videouploads")
PROFILE_CRD = _definition("transcodeprofiles")
VERSION: dict[str, Any] = CRD["spec"]["versions"][0]
SCHEMA: dict[str, Any] = VERSION["schema"]["openAPIV3Schema"]
EVERYTHING = facts_of_crd(SCHEMA)
PROFILE_SCHEMA: dict[str, Any] = PROFILE_CRD["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
