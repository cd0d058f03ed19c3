"""Files and jobs to submit, a client and a webhook for the tests of the Coconut stand-in."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from devstack.s3 import S3Access, client_for
from tests.support.eventually import eventually

Json = dict[str, Any]
FINAL = {"job.completed", "job.failed"}


def put(s3: S3Access, path: Path, key: str = "uploads/v1/original.mp4") -> str:
    """Upload a file and return a URL to read it by."""
    client = client_for(s3)
    client.upload_file(str(path), s3.raw_bucket, key)
    target = {"Bucket": s3.raw_bucket, "Key": key}
    return client.generate_presigned_url("get_object", Params=target, ExpiresIn=600)


def listing(s3: S3Access, prefix: str = "processed/") -> dict[str, int]:
    """Return the objects below a prefix with their sizes."""
    pages = client_for(s3).get_paginator("list_objects_v2").paginate(Bucket=s3.processed_bucket, Prefix=prefix)
    return {entry["Key"]: entry["Size"] for page in pages for entry in page.get("Contents", [])}


def a_job(s3: S3Access, input_url: str, hook_url: str, **outputs: Any) -> Json:
    """Return a job that writes below processed/ with the key that may write there."""
    default = {"httpstream": {"key": "hls", "hls": {"path": "v1/1/hls"}, "variants": ["mp4:0x180::quality=3"]}}
    return {
        "input": {"url": input_url},
        "storage": {
            "service": "s3other",
            "endpoint": s3.endpoint,
            "force_path_style": True,
            "bucket": s3.processed_bucket,
            "path": "/processed",
            "credentials": {
                "access_key_id": s3.processed_writer_access_key,
                "secret_access_key": s3.processed_writer_secret_key,
            },
        },
        "notification": {"type": "http", "url": hook_url, "events": True},
        "outputs": outputs or default,
    }


@dataclass(frozen=True)
class StandInClient:
    """A client of the stand-in: Coconut's routes, faults and ledger."""

    url: str
    api_key: str

    @property
    def control_url(self) -> str:
        return self.url.removesuffix("/v2")

    def post(self, job: object, *, timeout_seconds: float = 10) -> requests.Response:
        return requests.post(f"{self.url}/jobs", json=job, auth=(self.api_key, ""), timeout=timeout_seconds)

    def submit(self, job: object) -> str:
        response = self.post(job)
        assert response.status_code == 201, response.text
        job_id: str = response.json()["id"]
        return job_id

    def get(self, path: str) -> Json:
        response = requests.get(f"{self.url}/{path}", auth=(self.api_key, ""), timeout=10)
        assert response.status_code == 200, response.status_code
        body: Json = response.json()
        return body

    def ended(self, job_id: str, *, within_seconds: float = 120) -> Json:
        def final_job() -> Json | None:
            job = self.get(f"jobs/{job_id}")
            return job if job["status"] in FINAL else None

        job = eventually(final_job, within_seconds=within_seconds)
        assert job is not None
        return job

    def set_faults(self, **faults: Any) -> None:
        response = requests.put(f"{self.control_url}/_faults", json=faults, timeout=10)
        assert response.status_code == 200, response.text

    def ledger(self, video: str) -> list[Json]:
        entries = requests.get(f"{self.control_url}/_ledger", timeout=10).json()
        return [entry for entry in entries if entry["video"] == video]


@dataclass
class CallbackReceiver:
    """Receives callbacks and responds with ``status``."""

    url: str = ""
    received: list[tuple[str, Json]] = field(default_factory=list)
    status: int = 204

    def events(self) -> list[str]:
        return [payload["event"] for _, payload in list(self.received)]


@contextmanager
def a_webhook() -> Iterator[CallbackReceiver]:
    """Listen on a free port."""
    webhook = CallbackReceiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            webhook.received.append((urlsplit(self.path).query, body))
            self.send_response(webhook.status)
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Write no log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    webhook.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    try:
        yield webhook
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
