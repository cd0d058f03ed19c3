"""The bill of materials: every locked package, each with version, licence and hashes."""

import re
from typing import Any

import pytest

from devstack.licences import locked, page_packages
from devstack.paths import PROJECT_DIR
from devstack.sbom import bill, text

COMPONENTS: list[dict[str, Any]] = bill()["components"]


def purls(kind: str) -> set[str]:
    return {one["purl"] for one in COMPONENTS if one["purl"].startswith(f"pkg:{kind}/")}


def test_it_has_every_package_of_the_image() -> None:
    assert purls("pypi") == {f"pkg:pypi/{name}@{version}" for name, version in locked()}
    assert "pkg:pypi/falcon" in {purl.partition("@")[0] for purl in purls("pypi")}


def test_it_has_every_package_that_the_page_is_built_from_and_no_tool() -> None:
    assert len(purls("npm")) == len(page_packages())
    names = {purl.partition("@")[0] for purl in purls("npm")}
    assert "pkg:npm/%40uppy/core" in names
    assert not names & {"pkg:npm/vite", "pkg:npm/typescript"}


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda one: str(one["purl"]))
def test_a_component_is_complete(component: dict[str, Any]) -> None:
    lengths = {"SHA-256": 64, "SHA-512": 128}
    assert component["hashes"]
    assert all(re.fullmatch(rf"[0-9a-f]{{{lengths[one['alg']]}}}", one["content"]) for one in component["hashes"])
    (licence,) = component["licenses"]
    assert licence.get("expression") or licence["license"]["name"]


def test_hashes_are_those_of_the_lock() -> None:
    falcon = next(one for one in COMPONENTS if one["name"] == "falcon")
    lock = (PROJECT_DIR / "requirements.lock").read_text()
    entry = lock[lock.index("falcon==") :].split("# via")[0]
    assert {one["content"] for one in falcon["hashes"]} == set(re.findall(r"sha256:([0-9a-f]{64})", entry))


def test_references_are_unique_and_resolve() -> None:
    (dependency,) = bill()["dependencies"]
    references = [one["bom-ref"] for one in COMPONENTS]
    assert len(set(references)) == len(references)
    assert dependency["dependsOn"] == references
    assert dependency["ref"] == bill()["metadata"]["component"]["bom-ref"]


def test_the_same_locks_give_the_same_bytes() -> None:
    assert text() == text()
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", bill()["serialNumber"])
