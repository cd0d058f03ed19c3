"""`python -m tests.breaks [WORD...]`: break each invariant of docs/invariants.md once, and see its tests fail.

Everything happens in a copy of the last commit. With words, only those breaks whose description has them all. Tests
against a whole stack (tests/e2e) are left to people. Exits with 1 if a test did not notice.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from devstack.paths import PROJECT_DIR
from tests.breaks.page import named
from tests.breaks.table import BREAKS, Edit

# Contracts are collected by the classes that use them.
_CONTRACTS = {
    "support/contracts/records_contract.py": "integration/test_records.py",
    "support/contracts/retention_contract.py": "integration/test_retention.py",
}
_LEFT_OUT = "e2e/"
_FAILED, _WITHIN_SECONDS = 1, 900


def main() -> int:
    """Make the breaks one after the other; print one line for each test."""
    parser = argparse.ArgumentParser(prog="python -m tests.breaks", description=__doc__)
    parser.add_argument("words", nargs="*", metavar="WORD")
    words = parser.parse_args().words
    unnoticed = 0
    with tempfile.TemporaryDirectory(prefix="breaks-") as directory:
        copy = Path(directory) / "copy"
        subprocess.run(["git", "clone", "--quiet", str(PROJECT_DIR), str(copy)], check=True)
        for about, tests in named().items():
            if all(word in about for word in words):
                for test in (test for test in tests if not test.startswith(_LEFT_OUT)):
                    is_noticed = _is_noticed(copy, BREAKS[about], test)
                    unnoticed += not is_noticed
                    print(f"{'red' if is_noticed else 'NOT NOTICED'}  {about} → {test}", flush=True)
    return int(unnoticed > 0)


def _is_noticed(copy: Path, edits: Sequence[Edit], test: str) -> bool:
    """Return whether a test fails with these edits: by an assertion, not because nothing could be collected."""
    for edit in edits:
        file = copy / edit.file
        file.write_text(file.read_text().replace(edit.was, edit.becomes))
    try:
        path, _, name = test.partition("::")
        chosen = ["-k", name.rpartition("::")[2]] if name else []
        argv = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-x",
            "-p",
            "no:cacheprovider",
            f"tests/{_CONTRACTS.get(path, path)}",
        ]
        done = subprocess.run(
            [*argv, *chosen], cwd=copy, timeout=_WITHIN_SECONDS, capture_output=True, text=True, check=False
        )
        if done.returncode not in (0, _FAILED):
            print(done.stdout[-2000:], done.stderr[-2000:], sep="\n", flush=True)
        return done.returncode == _FAILED
    finally:
        subprocess.run(["git", "checkout", "--quiet", "."], cwd=copy, check=True)


if __name__ == "__main__":
    sys.exit(main())
