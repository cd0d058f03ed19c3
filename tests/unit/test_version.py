"""All files that hold the version agree."""

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).parents[2]
VERSION: str = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"]
CHART = yaml.safe_load((PROJECT / "charts/video-uploads/Chart.yaml").read_text())


def test_the_chart_has_this_version() -> None:
    assert (CHART["version"], CHART["appVersion"]) == (VERSION, VERSION)


@pytest.mark.parametrize("directory", ["webui", "clients/typescript"])
@pytest.mark.parametrize("name", ["package.json", "package-lock.json"])
def test_the_page_and_the_package_have_this_version(directory: str, name: str) -> None:
    assert json.loads((PROJECT / directory / name).read_text())["version"] == VERSION


@pytest.mark.parametrize(
    "path",
    ["Dockerfile", "docs/install.md", "docs/examples/flux.yaml", "docs/examples/argocd.yaml",
     "charts/video-uploads/values-demo.yaml"],
)  # fmt: skip
def test_images_and_examples_name_this_version(path: str) -> None:
    versions = re.findall(
        r"(?:video-uploads(?:-demo)?:|VERSION=|(?:tag|targetRevision): v)(\d[\w.]*)", (PROJECT / path).read_text()
    )
    assert set(versions) == {VERSION}


def test_the_changelog_has_this_version_below_unreleased() -> None:
    versions = re.findall(r"^## \[(.+?)\]", (PROJECT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert versions[:2] == ["Unreleased", VERSION]
