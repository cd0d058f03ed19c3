"""A receiver of webhooks that writes down each one."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from chaos.journal import Journal
from devstack.ports import HOST


@contextmanager
def receiving(journal: Journal) -> Iterator[str]:
    """Receive until the end of the block; yields the URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            data = message["data"]
            journal.notification(
                id=self.headers["webhook-id"],
                video_id=data.get("video_id"),
                type=message["type"],
                edition=data.get("edition"),
            )
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer((HOST, 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_port}/hooks"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
