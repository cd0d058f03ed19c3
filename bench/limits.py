"""What the machine can do at most, and the API beside a bare minimum and under large files."""

import http.client
import json
import re
import shutil
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.figures import in_milliseconds
from bench.flow import FlowError, call
from bench.load import hammer
from bench.report import Turn
from bench.sides import WEB_PROCESSES, Bench, new_video
from bench.usage import memory_mib
from devstack.child_environment import child_environment
from devstack.http_probe import is_serving
from devstack.paths import PROJECT_DIR
from devstack.pki import ADMIN, Pki
from devstack.ports import HOST, any_free_port
from devstack.process import Command
from devstack.server import Server

CONNECTIONS = 8
_MEBIBYTE = 1024**2
_FILES = 4
_AT_ONCE = 50
_TPS = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)


def measured(bench: Bench, seconds: float) -> dict[str, float]:
    """Measure Postgres and the API server alone. Without pgbench its figure is left out."""
    transactions = _transactions_per_second(bench, max(1, round(seconds)))
    found = {} if transactions is None else {"Postgres: transactions of pgbench per second": transactions}
    return found | {"kube-apiserver: writes per second": _writes_per_second(bench, seconds)}


def _transactions_per_second(bench: Bench, seconds: int) -> float | None:
    program = shutil.which("pgbench")
    if program is None:
        return None
    url = bench.ours.database_url
    subprocess.run([program, "--initialize", "--quiet", url], check=True, capture_output=True)
    arguments = [f"--client={CONNECTIONS}", f"--time={seconds}", "--no-vacuum", url]
    done = subprocess.run([program, *arguments], check=True, capture_output=True, text=True)
    subprocess.run([program, "--initialize", "--init-steps=d", url], check=True, capture_output=True)
    found = _TPS.search(done.stdout)
    return float(found[1]) if found else None


def _writes_per_second(bench: Bench, seconds: float) -> float:
    # A kubeconfig of the local stack is JSON.
    config, folder = json.loads(Path(bench.ours.stack.description.kubeconfig).read_text()), bench.ours.stack.paths.root
    pki, server = Pki(folder / "pki"), config["clusters"][0]["cluster"]["server"]
    context = ssl.create_default_context(cafile=pki.file("ca.crt"))
    context.load_cert_chain(pki.file(f"{ADMIN.name}.crt"), pki.file(f"{ADMIN.name}.key"))
    host = server.removeprefix("https://")
    path = f"/api/v1/namespaces/{bench.ours.stack.description.namespace}/configmaps"
    until = time.monotonic() + seconds

    def write(number: int) -> int:
        connection, written = http.client.HTTPSConnection(host, context=context), 0
        while time.monotonic() < until:
            name = f"bench-{number}-{written}"
            body = json.dumps({"metadata": {"name": name, "labels": {"bench": "limits"}}, "data": {"a": "b"}})
            connection.request("POST", path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            if answer.status != 201:
                raise FlowError(f"creating a ConfigMap: HTTP {answer.status} {answer.read()[:200]!r}")
            answer.read()
            written += 1
        return written

    began = time.monotonic()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        written = sum(pool.map(write, range(CONNECTIONS)))
    elapsed = time.monotonic() - began
    bench.ours.stack.cluster.kubectl("delete", "configmaps", "--selector=bench=limits", "--wait=false")
    return written / elapsed


def beside_bare(bench: Bench, seconds: float, *, rounds: int) -> Iterator[tuple[str, Turn]]:
    """Send GET and POST to the service and to the bare minimum, alternating."""
    ours, server = bench.ours, _bare(bench)
    videos = ours.driver.all_at(CONNECTIONS, in_flight=CONNECTIONS)
    requests = {
        "GET": [ours.read(video) for video in videos],
        "POST": [ours.request("POST", "/api/v1/videos", number, new_video(number)) for number in range(500)],
    }
    server.up()
    try:
        addresses = {ours.name: ours.address, "bare": (HOST, int(server.address.rpartition(":")[2]))}
        for _ in range(rounds):
            taken: dict[str, dict[str, float]] = {name: {} for name in addresses}
            for method, sent in requests.items():
                for name, address in addresses.items():
                    one = hammer(address, sent, connections=CONNECTIONS, seconds=seconds)
                    latency = in_milliseconds(f"{method} latency", one.latencies)
                    taken[name] |= {f"{method} per second": one.per_second, **latency}
            yield from taken.items()
    finally:
        server.down()
        ours.reset()


def _bare(bench: Bench) -> Server:
    bind = f"{HOST}:{any_free_port()}"
    options = [f"--bind={bind}", "--worker-class=gthread", "--threads=16", "--keep-alive=75", "--no-control-socket"]
    options.append(f"--workers={WEB_PROCESSES}")
    argv = [sys.executable, "-m", "gunicorn", *options, "bench.bare:app"]
    described = bench.ours.stack.description
    environment = child_environment() | {
        "DATABASE_URL": described.database_url,
        "S3_ENDPOINT": described.s3.endpoint,
        "S3_REGION": described.s3.region,
        "S3_ACCESS_KEY": described.s3.access_key,
        "S3_SECRET_KEY": described.s3.secret_key,
        "S3_RAW_BUCKET": described.s3.bucket,
    }
    return Server(
        process=bench.ours.stack.paths.process("bare"),
        command=Command(argv, environment, PROJECT_DIR),
        is_ready=lambda: is_serving(f"http://{bind}/livez"),
        address=bind,
    )


def memory_of_large_files(bench: Bench, mebibytes: int) -> dict[str, float]:
    """Send files in parts, and watch the API's memory."""
    pid = bench.ours.pids()["api"]
    _send_in_parts(bench, 0, _MEBIBYTE)  # the first upload fills pools and caches
    before = memory_mib(pid)
    with _watched(pid) as sizes, ThreadPoolExecutor(_FILES) as pool:
        list(pool.map(lambda number: _send_in_parts(bench, number, mebibytes * _MEBIBYTE), range(_FILES)))
    found = {"before, MiB": before, "most, MiB": max(sizes), "after, MiB": memory_mib(pid), "file, MiB": mebibytes}
    bench.ours.reset()
    return found


def _send_in_parts(bench: Bench, number: int, file_bytes: int) -> None:
    videos = f"{bench.ours.url}/api/v1/videos"
    headers = bench.ours.headers(number)

    def post(path: str, body: object) -> Any:
        answer = call(videos + path, "POST", json.dumps(body).encode(), headers)
        if answer.status >= 300:
            raise FlowError(f"POST {path}: HTTP {answer.status} {answer.body[:200]!r}")
        return json.loads(answer.body)

    new = {"title": "Large", "filename": "large.mp4", "content_type": "video/mp4", "size_bytes": file_bytes}
    created = post("", {**new, "upload_mode": "multipart"})
    video_id, count = created["video_id"], created["upload"]["part_count"]
    for first in range(1, count + 1, _AT_ONCE):
        numbers = list(range(first, min(first + _AT_ONCE, count + 1)))
        for part in post(f"/{video_id}/parts", {"part_numbers": numbers})["parts"]:
            sent = call(part["upload_url"], "PUT", bytes(part["size_bytes"]), part["headers"])
            if sent.status != 200:
                raise FlowError(f"PUT of a part: HTTP {sent.status}")
    post(f"/{video_id}/upload_complete", {})


@contextmanager
def _watched(pid: int) -> Iterator[list[float]]:
    """Sample the memory of a process and its children until the end of the block."""
    sizes, is_over = [memory_mib(pid)], threading.Event()

    def watch() -> None:
        while not is_over.wait(0.2):
            sizes.append(memory_mib(pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield sizes
    finally:
        is_over.set()
        watcher.join()
