"""The chart goes with this release and ships this kind."""

import json
import tomllib
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).parents[3]
CHART = PROJECT / "charts" / "video-uploads"


def test_the_chart_has_the_projects_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    version = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"]
    assert (chart["version"], chart["appVersion"]) == (version, version)


def test_the_chart_ships_the_one_definition_of_the_kind() -> None:
    assert (CHART / "crds" / "videouploads.yaml").resolve() == PROJECT / "crds" / "videouploads.yaml"


def test_every_value_is_in_the_schema_and_has_a_default() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert _paths_of_schema(schema, schema) - {".global"} == _paths_of_values(values)


def test_a_misspelt_value_is_refused_at_every_level() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    for name, node in {"values": schema, **schema["properties"], **schema["$defs"]}.items():
        if "properties" in node:
            assert node["additionalProperties"] is False, name


def _paths_of_schema(node: dict[str, Any], root: dict[str, Any], path: str = "") -> set[str]:
    if "$ref" in node:
        node = root["$defs"][node["$ref"].rpartition("/")[2]]
    if "properties" not in node:
        return {path}
    return set().union(*(_paths_of_schema(child, root, f"{path}.{name}") for name, child in node["properties"].items()))


def _paths_of_values(value: Any, path: str = "") -> set[str]:
    if not isinstance(value, dict) or not value:
        return {path}
    return set().union(*(_paths_of_values(child, f"{path}.{name}") for name, child in value.items()))
