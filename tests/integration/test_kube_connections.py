"""The connections to an API server that calls at the same time take, and leave for the next ones."""

import json
import multiprocessing
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from crds.client import Cluster

AT_ONCE = 16


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # One more than the calls that come at once.
    request_queue_size = AT_ONCE + 1

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.accepted = 0
        self.all_here = threading.Barrier(AT_ONCE)

    def process_request(self, request: object, client_address: object) -> None:
        self.accepted += 1
        super().process_request(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        self.server.all_here.wait(20)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        pass


def test_each_worker_finds_its_connection_again_however_few_cores_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(multiprocessing, "cpu_count", lambda: 1)
    with _Server() as server, ThreadPoolExecutor(AT_ONCE) as pool:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        config = {
            "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{server.server_address[1]}"}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "users": [{"name": "u", "user": {}}],
            "current-context": "c",
        }
        (tmp_path / "kubeconfig").write_text(json.dumps(config))
        cluster = Cluster.from_environment(namespace="n", kubeconfig=tmp_path / "kubeconfig")
        for _ in range(3):
            list(pool.map(lambda _: cluster.request("GET", "/api"), range(AT_ONCE)))
        server.shutdown()
        thread.join()
    assert server.accepted == AT_ONCE
