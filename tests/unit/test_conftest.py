"""What a skip means."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

_CONFTEST = Path(__file__).parent.parent / "conftest.py"
_SKIPS = {
    "one-test": "import pytest\ndef test_it():\n    pytest.skip('no network')\n",
    "a-whole-module": "import pytest\npytest.skip('no network', allow_module_level=True)\n",
}


def _run(directory: Path, body: str, **environment: str) -> subprocess.CompletedProcess[str]:
    (directory / "conftest.py").write_text(_CONFTEST.read_text())
    (directory / "test_it.py").write_text(body)
    without = {name: value for name, value in os.environ.items() if name != "CI"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(directory)]
    # Other plugins have no part in this and take seconds to load.
    alone = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(command, env=without | alone | environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("body", _SKIPS.values(), ids=_SKIPS.keys())
def test_in_ci_a_skip_is_a_failure_that_says_why(tmp_path: Path, body: str) -> None:
    ran = _run(tmp_path, body, CI="true")
    assert ran.returncode != 0
    assert "counts as a failure in CI" in ran.stdout
    assert "no network" in ran.stdout


def test_elsewhere_a_skip_is_a_skip(tmp_path: Path) -> None:
    ran = _run(tmp_path, _SKIPS["one-test"])
    assert "1 skipped" in ran.stdout


def test_in_ci_a_known_failure_stays_known(tmp_path: Path) -> None:
    ran = _run(tmp_path, "import pytest\n@pytest.mark.xfail\ndef test_it():\n    assert False\n", CI="true")
    assert ran.returncode == 0
