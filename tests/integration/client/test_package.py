"""`pip install .` brings everything that is needed at run time, and the command.

The wheel holds the rooms that pyproject.toml names, with all files in them. Building it takes a
back-end that pip fetches, so here the same files are laid out as an installation has them.
"""

import os
import shutil
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from devstack.place import PROJECT_DIR

PROJECT = tomllib.loads((PROJECT_DIR / "pyproject.toml").read_text())
ROOMS: list[str] = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]


# What only a checkout needs.
_OURS_ALONE = {"devstack", "bench"}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rooms in an empty directory."""
    target = tmp_path_factory.mktemp("site-packages")
    for room in ROOMS:
        shutil.copytree(PROJECT_DIR / room, target / room, ignore=shutil.ignore_patterns("__pycache__"))
    return target


def ran(installed: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    """Run Python where nothing of this project can be found but what is installed."""
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    return subprocess.run(
        [sys.executable, *argv], cwd=installed.parent, env=environment, capture_output=True, text=True, check=False
    )


def test_every_room_of_the_product_is_in_the_wheel_and_nothing_else() -> None:
    rooms = set(PROJECT["tool"]["importlinter"]["root_packages"]) - _OURS_ALONE
    assert set(ROOMS) == rooms


def test_the_command_is_there_and_runs_alone(installed: Path) -> None:
    module, _, function = PROJECT["project"]["scripts"]["videoupload"].partition(":")
    assert callable(getattr(import_module(module), function))

    done = ran(installed, "-c", f"import sys; from {module} import {function}; sys.exit({function}(['--help']))")
    assert (done.returncode, done.stderr) == (0, "")
    assert "upload" in done.stdout


@pytest.mark.parametrize("file", ["crds/videouploads.yaml", "videoupload/py.typed"])
def test_files_that_are_no_modules_come_along(installed: Path, file: str) -> None:
    assert (installed / file).is_file()


def test_every_migration_comes_along(installed: Path) -> None:
    versions = Path("desired/migrations/versions")
    brought = {path.name for path in (installed / versions).iterdir()}
    assert {path.name for path in (PROJECT_DIR / versions).glob("*.*")} == brought


def test_every_module_can_be_imported_from_there(installed: Path) -> None:
    modules = sorted(
        ".".join(path.relative_to(installed).with_suffix("").parts).removesuffix(".__init__")
        for path in installed.rglob("*.py")
        if not {"versions", "env.py", "__main__.py", "gunicorn.conf.py", "wsgi.py"} & {path.name, path.parent.name}
    )
    imports = "".join(f"import {module}\n" for module in modules)
    done = ran(installed, "-c", f"{imports}print(crds.__file__)")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(installed / "crds" / "__init__.py")
