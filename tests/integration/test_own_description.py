"""schemathesis holds a running API to its own OpenAPI document, for whatever the document allows and forbids."""

import os
import subprocess
import sys
from pathlib import Path

from devstack.place import PROJECT_DIR
from devstack.s3 import S3Access
from tests.integration.api_process import environment_of, running, token, without_cluster

_HERE = Path(__file__).parent
# More than the run takes; the end of a machine that is too slow, not of the test's patience.
_SECONDS_MAX = 90
_EXAMPLES = 12
_SCHEMATHESIS = [sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()"]


def test_the_api_does_what_its_document_says(database_url: str, s3: S3Access, tmp_path: Path) -> None:
    told = environment_of(database_url, s3, without_cluster(tmp_path))
    user = token("ann", scope="admin", uploads_per_hour=100_000)
    with running(told, tmp_path) as api:
        ended = subprocess.run(
            [
                *_SCHEMATHESIS,
                f"--config-file={_HERE / 'schemathesis.toml'}",
                "run",
                f"{api.url}/openapi.json",
                f"--max-examples={_EXAMPLES}",
                "--seed=1",
                "--no-color",
            ],
            cwd=tmp_path,
            env=os.environ
            | {
                "API_TOKEN": user,
                "PYTHONPATH": str(PROJECT_DIR),
                "SCHEMATHESIS_HOOKS": str(_HERE / "schemathesis_hooks.py"),
            },
            capture_output=True,
            text=True,
            timeout=_SECONDS_MAX,
            check=False,
        )

    assert ended.returncode == 0, ended.stdout[-20_000:] + ended.stderr[-2_000:]
