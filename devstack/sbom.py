"""`python -m devstack.sbom [FILE]` writes a bill of materials of the product's image: CycloneDX 1.6 in JSON.

It is made from the lock files, so two runs write the same bytes: the Python packages of requirements.lock with their
hashes, and those of webui/package-lock.json that the page is built from. Debian's packages are in the base image, whose
digest is in the provenance of a release (docs/release.md).
"""

import base64
import json
import re
import sys
import tomllib
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import quote

from devstack.licences import has_expression, licence_of, locked, page_packages
from devstack.paths import PROJECT_DIR

_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def bill() -> dict[str, Any]:
    """Return the document (https://cyclonedx.org/docs/1.6/json/)."""
    project = tomllib.loads((PROJECT_DIR / "pyproject.toml").read_text())["project"]
    root = {
        "type": "application",
        "bom-ref": f"pkg:generic/{project['name']}@{project['version']}",
        "name": project["name"],
        "version": project["version"],
        "licenses": [{"expression": project["license"]}],
    }
    components = [*_python(), *_page()]
    document: dict[str, Any] = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": root},
        "components": components,
        "dependencies": [{"ref": root["bom-ref"], "dependsOn": [component["bom-ref"] for component in components]}],
    }
    # The same content has the same serial number.
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(document, sort_keys=True))
    return {**document, "serialNumber": f"urn:uuid:{serial}"}


def text() -> str:
    """Return the bill as it is written."""
    return json.dumps(bill(), indent=2, sort_keys=True) + "\n"


def _python() -> list[dict[str, Any]]:
    hashes = _locked_hashes()
    return [
        _component(
            purl=f"pkg:pypi/{name}@{version}",
            name=name,
            version=version,
            licence={"expression": licence_of(name)}
            if has_expression(name)
            else {"license": {"name": licence_of(name)}},
            # Of every file that the lock accepts: which one is installed depends on the image's platform.
            hashes=[{"alg": "SHA-256", "content": digest} for digest in hashes[name]],
        )
        for name, version in locked()
    ]


def _page() -> list[dict[str, Any]]:
    return [
        _component(
            purl=f"pkg:npm/{quote(name, safe='/')}@{package['version']}",
            name=name,
            version=package["version"],
            licence={"expression": package["license"]},
            hashes=[_npm_hash(package["integrity"])],
        )
        for name, package in page_packages()
    ]


def _component(
    *, purl: str, name: str, version: str, licence: dict[str, Any], hashes: list[dict[str, str]]
) -> dict[str, Any]:
    return {
        "type": "library",
        "bom-ref": purl,
        "purl": purl,
        "name": name,
        "version": version,
        "licenses": [licence],
        "hashes": hashes,
    }


def _locked_hashes() -> dict[str, list[str]]:
    """Return the hashes in requirements.lock by the name of their package."""
    entries = re.split(r"(?m)^(?=[a-z0-9])", (PROJECT_DIR / "requirements.lock").read_text())
    return {entry.partition("==")[0]: _HASH.findall(entry) for entry in entries if "==" in entry}


def _npm_hash(integrity: str) -> dict[str, str]:
    """Return the hash of a package's archive, which npm writes as ``sha512-`` and base64."""
    algorithm, _, digest = integrity.partition("-")
    return {"alg": {"sha512": "SHA-512"}[algorithm], "content": base64.b64decode(digest).hex()}


def main() -> int:
    """Write the bill to the file that is named, or to stdout."""
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(text())
    else:
        sys.stdout.write(text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
