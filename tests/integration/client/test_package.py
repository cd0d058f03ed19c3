"""`pip install .` brings everything that is needed at run time, and the command.

It is installed beside this environment, whose libraries it uses: which ones a fresh one gets is what its own metadata
says. The back-end that builds it is the one in the lock, so no network is needed.
"""

import os
import subprocess
import sys
import tomllib
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from devstack.paths import PROJECT_DIR

PROJECT = tomllib.loads((PROJECT_DIR / "pyproject.toml").read_text())
ROOMS: list[str] = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]


# What only a checkout needs.
_OURS_ALONE = {"devstack", "bench", "chaos"}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project, installed into an empty directory."""
    target = tmp_path_factory.mktemp("site-packages")
    install = ["pip", "install", "--quiet", "--no-index", "--no-build-isolation", "--no-deps", "--target", str(target)]
    subprocess.run([sys.executable, "-m", *install, "."], cwd=PROJECT_DIR, check=True)
    return target


def ran(installed: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    """Run a program where nothing of this project can be found but what is installed."""
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    return subprocess.run(argv, cwd=installed.parent, env=environment, capture_output=True, text=True, check=False)


def test_the_wheel_holds_every_package_of_the_product_and_nothing_else() -> None:
    rooms = set(PROJECT["tool"]["importlinter"]["root_packages"]) - _OURS_ALONE
    assert set(ROOMS) == rooms


def test_nothing_else_is_installed(installed: Path) -> None:
    [known_as] = installed.glob("*.dist-info")
    assert {path.name for path in installed.iterdir()} == {*ROOMS, "bin", known_as.name}


def test_the_command_is_installed_and_runs_without_the_source_tree(installed: Path) -> None:
    done = ran(installed, str(installed / "bin" / "videoupload"), "--help")

    assert (done.returncode, done.stderr) == (0, "")
    assert "upload" in done.stdout


def test_the_wheel_requires_the_libraries_that_pyproject_names(installed: Path) -> None:
    [known_as] = installed.glob("*.dist-info")
    metadata = PathDistribution(known_as)

    assert metadata.version == PROJECT["project"]["version"]
    assert {Requirement(line) for line in metadata.requires or ()} == {
        Requirement(line) for line in PROJECT["project"]["dependencies"]
    }


@pytest.mark.parametrize("file", ["crds/videouploads.yaml", "videoupload/py.typed"])
def test_data_files_are_in_the_wheel(installed: Path, file: str) -> None:
    assert (installed / file).is_file()


def test_every_migration_is_in_the_wheel(installed: Path) -> None:
    versions = Path("database/migrations/versions")
    brought = {path.name for path in (installed / versions).glob("*.*")}
    assert {path.name for path in (PROJECT_DIR / versions).glob("*.*")} == brought


def test_every_module_can_be_imported_from_the_installed_wheel(installed: Path) -> None:
    modules = sorted(
        ".".join(path.relative_to(installed).with_suffix("").parts).removesuffix(".__init__")
        for path in installed.rglob("*.py")
        if not {"versions", "env.py", "__main__.py", "gunicorn.conf.py", "wsgi.py"} & {path.name, path.parent.name}
    )
    imports = "".join(f"import {module}\n" for module in modules)
    done = ran(installed, sys.executable, "-c", f"{imports}print(crds.__file__)")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(installed / "crds" / "__init__.py")
