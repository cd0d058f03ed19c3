"""The chart goes with this release and ships this kind."""

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from crds.install import DEFINITIONS
from devstack.chart import CHART_CRDS, Described, described, readme
from devstack.chart import schema as schema_of_settings

PROJECT = Path(__file__).parents[3]
CHART = PROJECT / "charts" / "video-uploads"


def test_the_chart_has_the_projects_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    version = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"]
    assert (chart["version"], chart["appVersion"]) == (version, version)


def test_the_chart_ships_the_one_definition_of_each_kind() -> None:
    ours = {definition.file.name: definition.file.read_text() for definition in DEFINITIONS}
    assert {path.name: path.read_text() for path in CHART_CRDS.iterdir()} == ours, "python -m devstack.chart"


def test_no_file_of_the_chart_is_a_link() -> None:
    # Flux drops links from what it fetches, and other tools refuse them.
    assert [path for path in CHART.rglob("*") if path.is_symlink()] == []


def test_a_section_of_values_that_is_removed_is_named() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    assert {"image", "credentials", "settings", "api", "serviceAccounts", "rbac"} <= set(schema["required"])
    assert schema["properties"]["settings"]["required"] == ["api", "operator", "shared", "storage"]


def test_an_umbrella_chart_may_switch_the_chart_on() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    assert {"global", "enabled"} <= set(schema["properties"])


def test_every_value_is_in_the_schema_and_has_a_default() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    in_schema = _paths_of_schema(schema, schema) - {".global", ".enabled"}
    in_values = _paths_of_values(values)
    # What a value is made of may be anybody's affair, such as a probe's fields.
    assert in_schema == {
        next((path for path in in_schema if f"{deep}.".startswith(f"{path}.")), deep) for deep in in_values
    }


def test_a_misspelt_value_is_refused_at_every_level() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    closed = [node for node in _nodes(schema) if "properties" in node]
    assert len(closed) > 20
    assert not [node for node in closed if node["additionalProperties"] is not False]


def test_readme_and_schema_match_the_values_and_the_settings() -> None:
    assert (CHART / "README.md").read_text() == readme(), "python -m devstack.chart"
    assert (CHART / "values.schema.json").read_text() == schema_of_settings(), "python -m devstack.chart"


def test_every_value_is_documented() -> None:
    values = list(described((CHART / "values.yaml").read_text()))
    assert len(values) > 150
    assert [value.path for value in values if value.is_leaf and not value.about] == []


def test_each_value_has_its_own_comment() -> None:
    text = "# A.\na: 1\n\n# Of all b.\nb:\n  # C,\n  # in two lines.\n  c: {}\n  d: x\n# Whole.\ne:\n  f: [1]\n"
    assert list(described(text)) == [
        Described("a", 1, "A.", is_leaf=True),
        Described("b", {"c": {}, "d": "x"}, "Of all b.", is_leaf=False),
        Described("b.c", {}, "C, in two lines.", is_leaf=True),
        Described("b.d", "x", "", is_leaf=True),
        Described("e", {"f": [1]}, "Whole.", is_leaf=True),
    ]


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for child in node.values():
            yield from _nodes(child)


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
