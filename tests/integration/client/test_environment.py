"""The command in environments that are not as it would like them: encodings, pipes, proxies, no home directory."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from devstack.paths import PROJECT_DIR
from tests.support.builders.client import VIDEO_ID, a_video

TITLE = "Grüße 😀"
VIDEO = a_video("ready", title=TITLE)


class Handler(BaseHTTPRequestHandler):
    """An API with one video, which is also the storage."""

    def do_GET(self) -> None:
        listed = {"videos": [VIDEO.model_dump(mode="json")] * 2000, "next_page_token": None}
        self._answer(200, listed if "?" in self.path else VIDEO.model_dump(mode="json"))

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path.endswith("/upload_complete"):
            self._answer(202, {"status": "processing_queued", "video_id": VIDEO_ID})
            return
        target = {"upload_url": f"http://{self.headers['Host']}/file", "storage_key": "k", "method": "PUT"}
        self._answer(201, {**target, "video_id": VIDEO_ID, "headers": {}, "upload": {"mode": "single"}})

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(200, {})

    def _answer(self, status: int, body: object) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Write nothing."""


@pytest.fixture(scope="module")
def api_url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture
def environment(api_url: str, tmp_path: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return {**kept, "HOME": str(tmp_path), "VIDEOUPLOAD_API": api_url, "VIDEOUPLOAD_TOKEN": "secret"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"film")
    return path


def ran(environment: dict[str, str], *words: str | Path) -> subprocess.CompletedProcess[str]:
    return run([sys.executable, "-m", "videoupload", *map(str, words)], environment)


def shell(script: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return run(["bash", "-c", script], environment)


def run(argv: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        argv,
        cwd=PROJECT_DIR,
        env=environment,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=30,
    )


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_text_that_the_terminal_lacks_is_escaped(environment: dict[str, str], file: Path, encoding: str) -> None:
    done = ran({**environment, "PYTHONIOENCODING": encoding}, "upload", "--wait", "--title", TITLE, file)

    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_json_stays_json_in_any_encoding(environment: dict[str, str], encoding: str) -> None:
    argv = [sys.executable, "-m", "videoupload", "get", VIDEO_ID, "--json"]
    out = subprocess.run(
        argv, cwd=PROJECT_DIR, env={**environment, "PYTHONIOENCODING": encoding}, stdout=subprocess.PIPE, check=True
    ).stdout
    assert json.loads(out.decode(encoding))["title"] == TITLE


@pytest.mark.parametrize(
    ("redirection", "code"),
    [
        pytest.param("| true", "141", id="reader-gone"),
        pytest.param("| head -c 9 > /dev/null", "141", id="reader-leaves"),
        pytest.param(">&-", "0", id="closed"),
        pytest.param("> /dev/full", "2", id="disk-full"),
    ],
)
def test_output_that_cannot_be_written_ends_in_no_traceback(
    environment: dict[str, str], redirection: str, code: str
) -> None:
    script = f"({sys.executable} -m videoupload list --json; echo $? >&3) {redirection}"
    done = shell(f"{{ {script}; }} 3>&1", environment)
    assert done.stdout.split() == [code]
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert ("No space left" in done.stderr) == (code == "2")


@pytest.mark.parametrize("words", ["--help", "upload --help", "get --help"])
def test_help_for_a_reader_that_is_gone_ends_quietly(environment: dict[str, str], words: str) -> None:
    script = f"{{ ({sys.executable} -m videoupload {words}; echo $? >&3) | true; }} 3>&1"
    done = shell(script, environment)
    assert (done.stdout.split(), done.stderr) == (["141"], "")


@pytest.mark.parametrize("redirection", ["2>&-", "2> /dev/full", "2> >(true)"])
def test_progress_that_cannot_be_written_does_not_end_the_upload(
    environment: dict[str, str], file: Path, redirection: str
) -> None:
    script = f"sleep 0.3; {sys.executable} -m videoupload upload --wait {file} {redirection}"
    done = shell(script, environment)
    assert done.returncode == 0, done.stderr
    assert VIDEO_ID in done.stdout


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "http://127.0.0.1:1", "nonsense://x", "http://[::1"])
@pytest.mark.parametrize("variable", ["ALL_PROXY", "HTTP_PROXY", "http_proxy", "all_proxy"])
def test_requests_to_this_machine_use_no_proxy(
    environment: dict[str, str], file: Path, variable: str, proxy: str
) -> None:
    done = ran({**environment, variable: proxy}, "upload", "--wait", file)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("proxy", "why"),
    [
        pytest.param("socks5://u:Tr0ub4dor@127.0.0.1:1", "needs SOCKS", id="socks"),
        pytest.param("http://u:Tr0ub4dor@127.0.0.1:1", "cannot be reached", id="nothing-listens"),
        pytest.param("nonsense://u:Tr0ub4dor@x", "is not the address of a proxy", id="scheme"),
        pytest.param("http://u:Tr0ub4dor@[::1", "is not the address of a proxy", id="no-address"),
        pytest.param("http://u:Tr0ub4dor@127.0.0.1:99999", "is not the address of a proxy", id="port"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_one_line_at_once(
    environment: dict[str, str], file: Path, proxy: str, why: str
) -> None:
    settings = {**environment, "ALL_PROXY": proxy, "VIDEOUPLOAD_API": "https://video.example.com"}
    done = ran(settings, "upload", "--wait", file)

    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert why in done.stderr
    assert "Tr0ub4dor" not in done.stderr


@pytest.mark.parametrize("home", ["/dev/null", "/proc/nowhere", "/nowhere/at/all"])
def test_without_a_place_for_its_record_an_upload_goes_on_and_says_so(
    environment: dict[str, str], file: Path, home: str
) -> None:
    if home == "/nowhere/at/all":
        home = str(file)  # a file where a directory should be
    done = ran({**environment, "HOME": home}, "upload", file)

    assert done.returncode == 0, done.stderr
    assert done.stderr.count("its record cannot be saved") == 1
    assert VIDEO_ID in done.stdout


@pytest.mark.parametrize(
    "api", ["http://[::1", "http://h:99999", "http://h:0", "ftp://h", "http://", "http://a b", "h"]
)
def test_an_address_that_is_none_is_wrong_usage(environment: dict[str, str], api: str) -> None:
    done = ran({**environment, "VIDEOUPLOAD_API": api}, "list")

    assert done.returncode == 2
    assert "is not the address of a service" in done.stderr


def test_a_title_that_is_not_utf_8_is_named(environment: dict[str, str], file: Path) -> None:
    done = ran(environment, "upload", "--title", os.fsdecode(b"Gr\xfc\xdfe"), file)

    assert done.returncode == 2
    assert "bytes that are not UTF-8" in done.stderr
