"""`python -m bench.transcoder`: a stub of Coconut for both sides, as small as the two allow.

Each accepted job writes a tree of one variant and one picture to the storage that the job names, and is reported once
by a callback of Coconut's final event. A datagram tells the driver when a job was accepted and when it called back, by
the clock that the processes of a machine share. `PUT /_settings` changes the delay from accepting to calling back, and
loses callbacks.
"""

import argparse
import base64
import json
import re
import secrets
import socket
import threading
import time
import urllib.parse
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import urllib3
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

DELAY_SECONDS = 0.25
SECONDS = 1.0

_MASTER = b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=500000,RESOLUTION=640x360\n360p/index.m3u8\n"
_VARIANT = b"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:1\n#EXTINF:1.0,\nsegment_0.ts\n#EXT-X-ENDLIST\n"
_SEGMENT = b"\x47" + bytes(187)
_PICTURE = b"\xff\xd8\xff\xe0" + bytes(60) + b"\xff\xd9"
_NUMBER = re.compile(r"%[.0-9]*d")
_POST_SECONDS = 30
_THREADS = 16


@dataclass
class InstantJob:
    """One accepted job. Its storage key names the video on both sides."""

    job_id: str
    body: Mapping[str, Any] = field(repr=False)
    is_done: bool = False

    @property
    def key(self) -> str:
        """Return the key of the input, without the bucket that both sides put into the path."""
        path = urllib.parse.unquote(urllib.parse.urlsplit(self.body["input"]["url"]).path)
        return path.split("/", 2)[2]

    def shown(self) -> dict[str, object]:
        """Return the response to `GET /jobs/{id}`: completed from the callback on."""
        return {
            "id": self.job_id,
            "created_at": _clock(),
            "completed_at": _clock() if self.is_done else None,
            "status": "job.completed" if self.is_done else "job.processing",
            "progress": "100%" if self.is_done else "50%",
            "input": {"status": "input.transferred"},
            "outputs": [
                {"key": "hls", "type": "httpstream", "format": "mp4:360p", "status": "httpstream.packaged",
                 "urls": [{"format": "hls", "url": f"https://cdn.example/{self.job_id}/master.m3u8"}]},
                {"key": "thumbnail", "type": "image", "format": "jpg", "status": "image.created",
                 "urls": [f"https://cdn.example/{self.job_id}/thumbnail.jpg"]},
            ],
        }  # fmt: skip


def files_of(job: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the files of a job by their keys, the referring ones last. Pure."""
    outputs: Mapping[str, Any] = job["outputs"]
    streams = outputs["httpstream"]
    # Of complementary outputs one applies; which one does not matter to a tree of one variant.
    stream = streams[0] if isinstance(streams, list) else streams
    folder = stream["hls"]["path"].strip("/")
    picture = next(value["path"] for name, value in outputs.items() if name.startswith("jpg")).strip("/")
    return {
        _NUMBER.sub("01", picture): _PICTURE,
        f"{folder}/360p/segment_0.ts": _SEGMENT,
        f"{folder}/360p/index.m3u8": _VARIANT,
        f"{folder}/master.m3u8": _MASTER,
    }


class InstantTranscoder:
    """The jobs, and the threads that write their files and call back."""

    def __init__(self, delay_seconds: float, driver: tuple[str, int]) -> None:
        self.delay_seconds, self.loses_callbacks = delay_seconds, False
        self._driver = driver
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._lock = threading.Lock()
        self._jobs: dict[str, InstantJob] = {}
        self._pool = ThreadPoolExecutor(_THREADS)
        self._http = urllib3.PoolManager(maxsize=_THREADS, retries=False)

    def accept(self, body: Mapping[str, Any]) -> InstantJob:
        """Accept a job, write its files, and call back after the delay."""
        job = InstantJob(secrets.token_hex(7), body)
        self._report("accepted", job)
        with self._lock:
            self._jobs[job.job_id] = job
        written = self._pool.submit(self._write, body)

        def end() -> None:
            written.result()
            self._pool.submit(self._call_back, job)

        timer = threading.Timer(self.delay_seconds, end)
        timer.daemon = True
        timer.start()
        return job

    def job(self, job_id: str) -> InstantJob | None:
        """Return a job."""
        with self._lock:
            return self._jobs.get(job_id)

    def _write(self, body: Mapping[str, Any]) -> None:
        storage = body["storage"]
        keys = storage["credentials"]
        signer = S3SigV4Auth(
            Credentials(keys["access_key_id"], keys["secret_access_key"]), "s3", storage.get("region", "us-east-1")
        )
        for key, content in files_of(body).items():
            url = f"{storage['endpoint'].rstrip('/')}/{storage['bucket']}/{urllib.parse.quote(key)}"
            request = AWSRequest("PUT", url, {"Content-Type": "application/octet-stream"}, content)
            signer.add_auth(request)
            answer = self._http.request("PUT", url, headers=dict(request.headers.items()), body=content)
            if answer.status != 200:
                raise RuntimeError(f"writing {key}: HTTP {answer.status}")

    def _call_back(self, job: InstantJob) -> None:
        job.is_done = True
        self._report("called_back", job)
        if self.loses_callbacks:
            return
        payload = {"job_id": job.job_id, "event": "job.completed", "metadata": False,
                   "data": {"type": "job", **job.shown()}}  # fmt: skip
        url, headers = job.body["notification"]["url"], {"Content-Type": "application/json"}
        try:
            self._http.request("POST", url, body=json.dumps(payload).encode(), headers=headers, timeout=_POST_SECONDS)
        except urllib3.exceptions.HTTPError as error:
            print(f"calling back: {type(error).__name__}", flush=True)

    def _report(self, event: str, job: InstantJob) -> None:
        self._socket.sendto(json.dumps([event, job.key, time.monotonic()]).encode(), self._driver)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave together
    server: "_Server"

    def do_POST(self) -> None:
        body = json.loads(self._body())
        if self._is_authenticated():
            self._send(201, self.server.transcoder.accept(body).shown())
        else:
            self._send(401, {"error_code": "authentication_failed"})

    def do_GET(self) -> None:
        parts = urllib.parse.urlsplit(self.path)
        transcoder = self.server.transcoder
        match parts.path.strip("/").split("/"):
            case [""]:
                self._send(200, {})
            case ["v2", "jobs", job_id] if job := transcoder.job(job_id):
                self._send(200, job.shown())
            case ["v2", "metadata", "jobs", job_id]:
                stream = {"codec_type": "video", "duration": str(SECONDS)}
                source = {"streams": [stream], "format": {"format_name": "mov,mp4"}}
                self._send(200, {"job_id": job_id, "metadata": {"input": source, "outputs": []}})
            case _:
                self._send(404, None)

    def do_PUT(self) -> None:
        changes = json.loads(self._body())
        transcoder = self.server.transcoder
        transcoder.delay_seconds = float(changes.get("delay_seconds", transcoder.delay_seconds))
        transcoder.loses_callbacks = bool(changes.get("loses_callbacks", transcoder.loses_callbacks))
        self._send(200, {})

    def log_message(self, *_: object) -> None:
        pass

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _is_authenticated(self) -> bool:
        _, _, credentials = self.headers.get("Authorization", "").partition(" ")
        return base64.b64decode(credentials).decode() == f"{self.server.api_key}:"

    def _send(self, status: int, payload: object) -> None:
        body = b"" if payload is None else json.dumps(payload).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def __init__(self, port: int, transcoder: InstantTranscoder, api_key: str) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.transcoder, self.api_key = transcoder, api_key


def _clock() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S %z")


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(prog="python -m bench.transcoder", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--driver-port", type=int, required=True)
    parser.add_argument("--api-key", required=True)
    chosen = parser.parse_args()
    transcoder = InstantTranscoder(DELAY_SECONDS, ("127.0.0.1", chosen.driver_port))
    _Server(chosen.port, transcoder, chosen.api_key).serve_forever()


if __name__ == "__main__":
    main()
