"""Generates the chart's README, its CRDs, parts of its schema, snapshots, and what the local stack applies.

`python -m devstack.chart` writes the files, and tests compare them. The values are written by hand, each with a
comment, but for the durations, which domain/durations.py describes for the chart and for docs/operations.md; the bounds
of a setting come from the process that reads it. The CRDs are copied because Flux drops links from what it fetches.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml
from pydantic_settings import BaseSettings

from controller.settings import OperatorSettings
from crds.install import DEFINITIONS
from devstack.apiserver import NAMESPACE
from devstack.cluster import CHART, LOCAL_VALUES, RELEASE, RENDERED
from devstack.paths import PROJECT_DIR
from devstack.tools import tool
from domain.durations import AT_MOST, BELOW, Durations
from runtime.tracing import TracingSettings
from storage.settings import StorageSettings
from webapi.settings import Settings as ApiSettings

# The processes that read each part of `settings`. The first that has a setting gives its bounds.
READERS: dict[str, tuple[type[BaseSettings], ...]] = {
    "shared": (ApiSettings, OperatorSettings, TracingSettings),
    "storage": (StorageSettings,),
    "api": (ApiSettings,),
    "operator": (OperatorSettings,),
}

# The rendered manifests of these values are kept, so that a review shows what a change of the chart does.
SNAPSHOTS = {
    "minimal": PROJECT_DIR / "docs" / "examples" / "values-minimal.yaml",
    "production": PROJECT_DIR / "docs" / "examples" / "values-production.yaml",
    "regions": PROJECT_DIR / "docs" / "examples" / "values-regions.yaml",
    "demo": CHART / "values-demo.yaml",
}
CHART_CRDS = CHART / "crds"
OPERATIONS_PAGE = PROJECT_DIR / "docs" / "operations.md"
_SNAPSHOTS_DIR = PROJECT_DIR / "tests" / "integration" / "snapshots"

# What lies between these lines of a file is generated. They are comments, and not those of a value.
_IN_VALUES = re.compile(r"(?<=\n)( *#<[^\n]*\n).*?( *#>\n)", re.DOTALL)
_IN_PAGE = re.compile(r"(<!-- durations[^\n]*-->\n).*?(<!-- end of the durations -->\n)", re.DOTALL)

_KEY = re.compile(r"^(?P<indent> *)(?P<key>[A-Za-z0-9_]+):(?P<rest>.*)$")
_README_HEAD = """\
# video-uploads

The API and the operator of a video upload service, see the [project](../../README.md). From an empty namespace to
production: [docs/install.md](../../docs/install.md).

It needs an image, Secrets with the credentials, and the values marked "Required" below; if some are missing, the chart
names all of them at once. A schema checks the values, so a misspelt one is refused.

"""
_TABLE_HEAD = "| value | default | |\n|---|---|---|\n"


@dataclass(frozen=True)
class Described:
    """One value, or a group of them."""

    path: str
    default: Any
    about: str
    is_leaf: bool


def values() -> dict[str, Any]:
    """Return the chart's values."""
    loaded: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
    return loaded


def values_text() -> str:
    """Return the text of the values with the durations."""
    durations = "".join(
        f"    # {about.description}\n    {name.upper()}: {int(about.default)}\n"
        for name, about in Durations.model_fields.items()
    )
    return _IN_VALUES.sub(rf"\g<1>{durations}\g<2>", (CHART / "values.yaml").read_text())


def operations_page() -> str:
    """Return the page for operators with the table of durations."""
    bounds = Durations.model_json_schema()["properties"]
    rows = "".join(
        f"| `{name.upper()}` | {_span(about.default)} | {_span(bounds[name]['minimum'])} "
        f"| {_span(bounds[name]['maximum'])} | {' '.join([str(about.description), *_relations(name)])} |\n"
        for name, about in Durations.model_fields.items()
    )
    head = "| setting of both processes | default | at least | at most | |\n|---|---|---|---|---|\n"
    return _IN_PAGE.sub(rf"\g<1>{head}{rows}\g<2>", OPERATIONS_PAGE.read_text())


def _relations(name: str) -> Iterator[str]:
    for relation, pairs in (("Below", BELOW), ("At most", AT_MOST)):
        longer = [f"`{other.upper()}`" for shorter, other in pairs if shorter == name]
        if longer:
            yield f"{relation} {' and '.join(longer)}."


def _span(seconds: float) -> str:
    """Return a duration in its largest whole unit."""
    for unit, size in (("d", 24 * 3600), ("h", 3600), ("min", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"


def names_of(kind: type[BaseSettings]) -> dict[str, str]:
    """Return the fields of a settings class by the names of their variables."""
    prefix = kind.model_config.get("env_prefix", "")
    return {(about.validation_alias or prefix + field).upper(): field for field, about in kind.model_fields.items()}  # type: ignore[union-attr]


def schema() -> str:
    """Return the text of the schema with the bounds of all settings."""
    document: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text())
    for part, readers in READERS.items():
        document["$defs"][f"{part}Settings"] = {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                name: _bounds(name, default, readers) for name, default in values()["settings"][part].items()
            },
        }
    for node in _nodes(document):
        fields = node.get("properties", {})
        sections = sorted(name for name, inner in fields.items() if _is_section(inner, document["$defs"]))
        if fields:
            node.pop("required", None)
        if sections:
            node["required"] = sections
    for node in _nodes(document["$defs"]["region"]):
        node.pop("required", None)  # an entry of a list has no defaults; the templates name what is missing
    return json.dumps(document, indent=2) + "\n"


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for child in node.values():
            yield from _nodes(child)


def _is_section(node: dict[str, Any], defs: dict[str, Any]) -> bool:
    """Return whether the templates read values inside this one. Helm removes a value that is set to null."""
    if "$ref" in node:
        node = defs[node["$ref"].rpartition("/")[2]]
    return "properties" in node


def readme() -> str:
    """Return the chart's README: one table for each part of the values."""
    text = (CHART / "values.yaml").read_text()
    rows: dict[str, list[Described]] = {}
    intros: dict[str, str] = {}
    for value in described(text):
        part, _, rest = value.path.partition(".")
        if value.is_leaf:
            rows.setdefault(part if rest else "", []).append(value)
        elif value.about:
            intros[part] = " ".join(filter(None, (intros.get(part), _intro(value))))
    page = _README_HEAD + "## Names and others\n\n" + _table(rows.pop("", []))
    for part, own in rows.items():
        intro = f"{intros[part]}\n\n" if part in intros else ""
        page += f"\n## {part}\n\n{intro}" + _table(own)
    return page


def described(text: str) -> Iterator[Described]:
    """Yield every value, and every group of values with its comment.

    A group whose values have no comments counts as one value.
    """
    commented = dict(_commented(text))
    loaded = yaml.safe_load(text)
    whole: tuple[str, ...] | None = None
    for keys, about in commented.items():
        if whole is not None and keys[: len(whole)] == whole:
            continue
        default = _at(loaded, keys)
        inside = [comment for other, comment in commented.items() if other != keys and other[: len(keys)] == keys]
        is_whole = bool(about and inside) and not any(inside)
        whole = keys if is_whole else None
        yield Described(".".join(keys), default, about, is_leaf=is_whole or not inside)


def _commented(text: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the path of every key with the comment above it."""
    path: list[tuple[int, str]] = []
    comment: list[str] = []
    for line in text.splitlines():
        match = _KEY.match(line)
        if line.lstrip().startswith("# "):
            comment.append(line.strip().removeprefix("# "))
        elif match is None:
            comment = []
        else:
            indent = len(match["indent"])
            path = [(depth, key) for depth, key in path if depth < indent] + [(indent, match["key"])]
            yield tuple(key for _, key in path), " ".join(comment)
            comment = []


def snapshot(name: str) -> str:
    """Return the manifests that Helm renders for these values."""
    argv = [str(tool("helm")), "template", "video-uploads", str(CHART), "--namespace=films"]
    values_file = f"--values={SNAPSHOTS[name]}"
    return subprocess.run([*argv, values_file], capture_output=True, text=True, check=True, timeout=60).stdout


def rendered_for_the_stack(namespace: str, *options: str) -> str:
    """Return the manifests that Helm renders for the local stack."""
    argv = [str(tool("helm")), "template", RELEASE, str(CHART), f"--namespace={namespace}", f"--set={LOCAL_VALUES}"]
    return subprocess.run([*argv, *options], capture_output=True, text=True, check=True, timeout=60).stdout


def _at(loaded: Any, keys: tuple[str, ...]) -> Any:
    for key in keys:
        loaded = loaded[key]
    return loaded


def _intro(value: Described) -> str:
    _, _, rest = value.path.partition(".")
    return f"`{rest}`: {value.about}" if rest else value.about


def _table(rows: list[Described]) -> str:
    return _TABLE_HEAD + "".join(
        f"| `{row.path}` | `{json.dumps(row.default)}` | {row.about.replace('|', chr(92) + '|')} |\n" for row in rows
    )


def _bounds(name: str, default: object, readers: tuple[type[BaseSettings], ...]) -> dict[str, Any]:
    """Return the schema of a setting. One that is empty by default may stay empty, which means unset."""
    for reader in readers:
        field = names_of(reader).get(name)
        if field is not None:
            model = reader.model_json_schema()
            bounds = _plain(model["properties"][_property(model, field, name)], model.get("$defs", {}))
            return {"anyOf": [{"const": ""}, bounds]} if default == "" else bounds
    raise KeyError(f"{name}: no process reads such a setting")


def _property(model: dict[str, Any], field: str, name: str) -> str:
    return next(key for key in (field, name) if key in model["properties"])


def _plain(node: dict[str, Any], defs: dict[str, Any]) -> dict[str, Any]:
    """Return only the parts of a node that the schema of a value needs."""
    if "$ref" in node:
        return _plain(defs[node["$ref"].rpartition("/")[2]], defs)
    if "anyOf" in node:
        (node,) = [choice for choice in node["anyOf"] if choice.get("type") != "null"]
        return _plain(node, defs)
    if node.get("type") == "array":
        return {"type": "string"}  # separated by commas
    kept = (
        "type",
        "enum",
        "const",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "pattern",
        "maxLength",
    )
    return {key: node[key] for key in kept if key in node}


def main() -> int:
    """Write all files; values and schema first, because Helm reads them."""
    (CHART / "values.yaml").write_text(values_text())
    OPERATIONS_PAGE.write_text(operations_page())
    (CHART / "values.schema.json").write_text(schema())
    (CHART / "README.md").write_text(readme())
    for definition in DEFINITIONS:
        (CHART_CRDS / definition.file.name).write_text(definition.file.read_text())
    _SNAPSHOTS_DIR.mkdir(exist_ok=True)
    for name in SNAPSHOTS:
        (_SNAPSHOTS_DIR / f"chart-{name}.yaml").write_text(snapshot(name))
    RENDERED.write_text(rendered_for_the_stack(NAMESPACE))
    return 0


if __name__ == "__main__":
    sys.exit(main())
