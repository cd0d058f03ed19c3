"""Processes whose clock is ten minutes wrong work by the time of Postgres and of storage."""

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from database.pool import Database
from devstack.paths import PROJECT_DIR
from devstack.process import Command
from devstack.s3 import S3Access
from devstack.skewed_clock import library, skewed
from runtime.clock import SharedClock
from storage.client import make_clients
from storage.listing import Inventory
from tests.integration import api_process
from tests.integration.storage.reach import settings_for
from tests.support.eventually import eventually

WRONG = [pytest.param(600, id="ahead"), pytest.param(-600, id="behind")]
# Prints its clocks around a sleep.
SHOW = """
import json, time
before = time.monotonic(); time.sleep(0.2)
print(json.dumps([time.time(), time.monotonic(), time.clock_gettime(time.CLOCK_BOOTTIME), time.monotonic() - before]))
"""


def environment(given: Mapping[str, str], ahead: int) -> dict[str, str]:
    assert library() is not None, "apt-get install faketime"
    return dict(skewed(Command([], given, PROJECT_DIR), ahead).environment)


@pytest.mark.parametrize("ahead", WRONG)
def test_only_the_wall_clock_is_shifted(ahead: int) -> None:
    given = environment({}, ahead)
    shown = subprocess.run([sys.executable, "-c", SHOW], env=given, capture_output=True, text=True, check=True)
    wall, monotonic, boot, slept = json.loads(shown.stdout)
    assert wall - time.time() == pytest.approx(ahead, abs=60)
    assert monotonic == pytest.approx(time.monotonic(), abs=60)
    assert boot == pytest.approx(time.clock_gettime(time.CLOCK_BOOTTIME), abs=60)
    assert slept >= 0.2


@pytest.mark.parametrize("ahead", WRONG)
def test_the_time_of_postgres_is_learnt_with_the_first_call(database_url: str, ahead: int) -> None:
    clock = SharedClock(own=lambda: datetime.now(UTC) + timedelta(seconds=ahead))
    with closing(Database(database_url, max_size=1, clock=clock)) as database, database.connection():
        assert clock.skew_seconds() == pytest.approx(ahead, abs=5)


def test_the_time_of_storage_is_learnt_from_its_responses(s3: S3Access) -> None:
    clock = SharedClock()
    settings = settings_for(s3)
    list(Inventory(settings, make_clients(settings, clock)).file_pages("uploads/"))
    assert clock.skew_seconds() == pytest.approx(0, abs=5)


@pytest.mark.parametrize("ahead", WRONG)
def test_an_api_with_a_wrong_clock_takes_uploads_and_says_by_how_much(
    ahead: int, database_url: str, s3: S3Access, tmp_path: Path, api_kubeconfig: Path
) -> None:
    given = environment(api_process.environment_of(database_url, s3, api_kubeconfig), ahead)
    with api_process.running(given, tmp_path) as api:
        eventually(lambda: api.probe("/readyz") == 200)
        created = api.create(size_bytes=4)
        api.send_file(created, b"1234")
        assert api.call("GET", f"/api/v1/videos/{created['video_id']}").status_code == 200
        left = datetime.fromisoformat(created["expires_at"]) - datetime.now(UTC)
        assert timedelta(minutes=10) < left < timedelta(minutes=16)
        metrics = requests.get(f"{api.url}/metrics", timeout=20).text
    (line,) = [line for line in metrics.splitlines() if line.startswith("video_uploads_clock_skew_seconds{")][:1]
    assert float(line.split()[-1]) == pytest.approx(ahead, abs=5)
