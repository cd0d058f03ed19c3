"""docs/clients.md: its blocks are run against a real API and real storage."""

import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack.page import PACKAGE_DIR, install
from devstack.paths import PROJECT_DIR
from devstack.s3 import S3Access, client_for
from tests.integration.api_process import ApiProcess, environment_of, running, token, without_cluster

PAGE = (PROJECT_DIR / "docs" / "clients.md").read_text()
PART_BYTES = 5 * 1024**2
FILE_BYTES = 2 * PART_BYTES + 1000
# What the page says it is answered there.
_ANNOUNCED = ("upload_closed", "not_retryable", "not_retranscodable", "original_unavailable")
# Whatever runs these has the packages of those names.
_PROGRAMS = ("bash", "curl", "jq", "openssl")


def blocks(language: str) -> list[str]:
    """Return the fenced blocks of a language, in order."""
    found = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found
    return found


@pytest.fixture
def api(database_url: str, s3: S3Access, tmp_path: Path) -> Iterator[ApiProcess]:
    """A running API without an operator."""
    environment = environment_of(database_url, s3, without_cluster(tmp_path), S3_PART_BYTES=str(PART_BYTES))
    with running(environment, tmp_path) as process:
        yield process


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of three parts."""
    path = tmp_path / "the cats.mp4"
    path.write_bytes(secrets.token_bytes(FILE_BYTES))
    return path


def ran(argv: list[str], api: ApiProcess, file: Path) -> str:
    """Run a program in an empty directory with the page's variables, and return its output."""
    directory = file.parent / "empty"
    directory.mkdir(exist_ok=True)
    variables = {"API": api.url, "TOKEN": token("ann"), "FILE": str(file), "PYTHONPATH": str(PROJECT_DIR)}
    done = subprocess.run(
        argv, cwd=directory, env={**os.environ, **variables}, capture_output=True, text=True, check=False, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    return done.stdout


def stored(s3: S3Access, video_id: str) -> bytes:
    answer = client_for(s3).get_object(Bucket=s3.raw_bucket, Key=f"uploads/{video_id}/original.mp4")
    return answer["Body"].read()


def test_every_curl_command_does_what_the_page_says(api: ApiProcess, s3: S3Access, file: Path) -> None:
    missing = [program for program in _PROGRAMS if shutil.which(program) is None]
    assert not missing, f"apt-get install {' '.join(missing)}"

    # curl's own message about a 409 that the page announces goes nowhere.
    output = ran(["bash", "-euc", "\n".join(["exec 2>&1", *blocks("bash")])], api, file)

    videos = api.call("GET", "/api/v1/videos").json()["videos"]
    assert {video["title"] for video in videos} == {"Cats", "Cats, again"}
    for video in videos:
        assert stored(s3, video["id"]) == file.read_bytes()
    assert [code for code in _ANNOUNCED if code not in output] == []
    assert output.count("processing_queued") == 2
    assert "en  English  pending" in output
    assert output.endswith("uploading\n")
    assert "uploading, waiting for" in output


def test_the_js_block_uploads_a_file(api: ApiProcess, s3: S3Access, file: Path) -> None:
    # The other one signs for a viewer: clients/typescript/tests/playback-tokens.test.ts runs it.
    block, _signs = blocks("js")
    directory = file.parent / "empty"
    package = directory / "node_modules" / "video-uploads-client"
    package.mkdir(parents=True)
    install(PACKAGE_DIR)
    subprocess.run(
        ["npx", "--no-install", "tsc", "--project", "tsconfig.build.json", "--outDir", package / "dist"],
        cwd=PACKAGE_DIR,
        check=True,
        timeout=300,
    )
    shutil.copy(PACKAGE_DIR / "package.json", package)
    (directory / "node_modules" / "@noble").symlink_to(PACKAGE_DIR / "node_modules" / "@noble")
    (directory / "block.mjs").write_text(block)
    output = ran(["node", "--no-warnings", "block.mjs"], api, file)

    (video,) = api.call("GET", "/api/v1/videos").json()["videos"]
    assert video["title"] == "Cats"
    assert stored(s3, video["id"]) == file.read_bytes()
    assert output.startswith("sent\n")
    assert "not_retryable false" in output


def test_every_line_of_curl_is_in_a_block_that_is_run() -> None:
    run = "".join(blocks("bash"))
    assert all(line in run for line in PAGE.splitlines() if re.match(r"\s*(?:curl|ask) -|.*\| curl ", line))


def test_the_python_block_uploads_a_file(api: ApiProcess, s3: S3Access, file: Path) -> None:
    block, _signs = blocks("python")
    output = ran([sys.executable, "-c", block], api, file)

    (video,) = api.call("GET", "/api/v1/videos").json()["videos"]
    assert video["title"] == "Cats"
    assert stored(s3, video["id"]) == file.read_bytes()
    assert "not_retryable False" in output
