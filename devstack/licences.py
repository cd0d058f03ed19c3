"""The licences of everything the product's image is made of: `python -m devstack.licences` writes docs/licences.md.

The packages are those of requirements.lock, what each says of itself is in its metadata; a test compares.
"""

import re
import sys
from importlib.metadata import PackageNotFoundError, distribution

from devstack.paths import PROJECT_DIR

PAGE = PROJECT_DIR / "docs" / "licences.md"

# A package that is locked for other systems only is not installed here, nor in the image.
_LOCKED = re.compile(r"^(?P<name>[a-z0-9._-]+)==(?P<version>[^ ;\\]+)(?P<marker> ;[^\\]+)?", re.MULTILINE)
_HEAD = """\
# Licences

What the product's image holds besides Debian's Python and our own code (Apache-2.0), by what the packages say of
themselves. Written by `python -m devstack.licences` from requirements.lock.

| package | version | licence |
|---|---|---|
"""


def locked() -> list[tuple[str, str]]:
    """Return names and versions of the packages that the image holds."""
    text = (PROJECT_DIR / "requirements.lock").read_text()
    return [
        (line["name"], line["version"])
        for line in _LOCKED.finditer(text)
        if not line["marker"] or _is_installed(line["name"])
    ]


def licence_of(name: str) -> str:
    """Return what a package says of its licence, as SPDX where it does so."""
    metadata = distribution(name).metadata
    if expressions := metadata.get_all("License-Expression", []):
        return str(expressions[0])
    classifiers = [
        classifier.rpartition(" :: ")[2]
        for classifier in metadata.get_all("Classifier", [])
        if classifier.startswith("License :: ") and classifier != "License :: OSI Approved"
    ]
    return " and ".join(classifiers or metadata.get_all("License", []))


def page() -> str:
    """Return the page."""
    return _HEAD + "".join(f"| {name} | {version} | {licence_of(name)} |\n" for name, version in locked())


def _is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def main() -> int:
    """Write the page."""
    PAGE.write_text(page())
    return 0


if __name__ == "__main__":
    sys.exit(main())
