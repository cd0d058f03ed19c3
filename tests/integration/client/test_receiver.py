"""docs/notifications.md: its receiver of webhooks is run, and takes what the service signs."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import requests

from controller.notify.webhook_signature import signed_headers
from devstack.paths import PROJECT_DIR
from devstack.ports import any_free_port
from tests.support.eventually import eventually

PAGE = (PROJECT_DIR / "docs" / "notifications.md").read_text()
OLD, NEW = "whsec_" + "b2xk" * 8, "whsec_" + "bmV3" * 8
BODY = b'{"type": "video.ready", "data": {"video_id": "cats"}}'


@contextmanager
def receiving(port: int) -> Iterator["subprocess.Popen[str]"]:
    (block,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    variables = {"PORT": str(port), "WEBHOOK_SECRETS": f"{OLD} {NEW}", "PYTHONPATH": str(PROJECT_DIR)}
    with subprocess.Popen(
        [sys.executable, "-c", block],
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def posted(port: int, *secrets: str) -> int:
    headers = dict(signed_headers("an-id", BODY, secrets=secrets, at=datetime.now(UTC)))
    return requests.post(f"http://127.0.0.1:{port}/", data=BODY, headers=headers, timeout=10).status_code


def test_the_receiver_of_the_page_takes_what_is_signed_and_refuses_the_rest() -> None:
    port = any_free_port()
    with receiving(port) as process:

        def taken() -> bool:
            try:
                return posted(port, NEW) == 204
            except requests.ConnectionError:
                return False

        eventually(taken, within_seconds=30)
        assert process.stdout is not None
        assert process.stdout.readline() == "an-id video.ready cats\n"
        assert posted(port, OLD) == 204
        assert posted(port, "whsec_" + "c3Bvb2Y=") == 400
        assert posted(port) == 400
