"""schemathesis holds a running API to its own OpenAPI document, for inputs that the document allows and forbids.

It makes every call but one, and each of them succeeds too: videos that each call is good for are there, and callbacks
are signed. The one that it leaves out is where it got the document from, which it has called by then. What its report
calls skipped are calls without an example in the document, in the phase that sends examples.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from devstack.paths import PROJECT_DIR
from devstack.s3 import S3Access
from domain.callback_url import callback_url
from tests.integration.api_process import environment_of, token, without_cluster
from tests.integration.hostile_world import real_world
from tests.support.hostile.calls import CALLS
from tests.support.hostile.requests import plan_of, playback_token

_HERE = Path(__file__).parent
# More than the run takes; the end of a machine that is too slow, not of the test's patience.
_SECONDS_MAX = 240
_EXAMPLES = 12
_SCHEMATHESIS = [sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()"]


def test_the_api_conforms_to_its_openapi_document(database_url: str, s3: S3Access, tmp_path: Path) -> None:
    inside = {"WEBHOOKS_ALLOW_PRIVATE_TARGETS": "true"}
    environment = environment_of(database_url, s3, without_cluster(tmp_path), **inside)
    user = token("ann", scope="admin", uploads_per_hour=100_000)
    with real_world(environment, tmp_path) as world:
        facts = world.facts
        video_ids = {str(call): facts.about(call).own for call in CALLS if "{video_id}" in call.template}
        signed = urlsplit(callback_url("", facts.callback_keys, video_id=facts.own, attempt=1)).query
        plans = {call.template: plan_of(facts, call.plans, facts.about(call).own) for call in CALLS if call.plans}
        playback = {call.template: playback_token(facts, call.opens) for call in CALLS if call.opens is not None}
        ended = subprocess.run(
            [
                *_SCHEMATHESIS,
                f"--config-file={_HERE / 'schemathesis.toml'}",
                "run",
                f"{world.api.url}/openapi.json",
                f"--max-examples={_EXAMPLES}",
                "--seed=1",
                "--no-color",
            ],
            cwd=tmp_path,
            env=os.environ
            | {
                "API_TOKEN": user,
                "VIDEO_IDS": json.dumps(video_ids),
                "WEBHOOK_IDS": json.dumps({name: getattr(facts, name) for name in ("endpoint", "secret", "delivery")}),
                "DATABASE_URL": database_url,
                "PLANS": json.dumps(plans),
                "PLAYBACK_TOKENS": json.dumps(playback),
                "SIGNED_QUERY": json.dumps(dict(parse_qsl(signed))),
                "PYTHONPATH": str(PROJECT_DIR),
                "SCHEMATHESIS_HOOKS": str(_HERE / "schemathesis_hooks.py"),
            },
            capture_output=True,
            text=True,
            timeout=_SECONDS_MAX,
            check=False,
        )

    report = ended.stdout[-20_000:] + ended.stderr[-2_000:]
    assert ended.returncode == 0, report
    assert f"Tested: {len(CALLS) - 1}" in report, report
    for nothing_but in ("Authentication failed", "Missing test data"):
        assert nothing_but not in report, report
