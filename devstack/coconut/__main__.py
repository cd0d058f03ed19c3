"""``python -m devstack.coconut --port 0 --state-dir DIR --api-key KEY [--host H]``: serve until SIGTERM.

Prints ``{"port": N, "url": "http://127.0.0.1:N/v2"}`` on stdout as soon as it listens.
"""

import argparse
import json
import logging
import signal
import sys
import threading
from pathlib import Path

from devstack.coconut.callbacks import Callbacks
from devstack.coconut.faults import Faults
from devstack.coconut.ffmpeg import Ffmpeg
from devstack.coconut.runner import Runner
from devstack.coconut.server import CoconutHttpServer, HandlerContext
from devstack.coconut.store import JobStore


def main() -> int:
    arguments = _arguments()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    store, faults = JobStore(), Faults()
    callbacks = Callbacks(faults)
    runner = Runner(
        store=store,
        callbacks=callbacks,
        ffmpeg=Ffmpeg(),
        folder=arguments.state_dir,
        is_holding=lambda: faults.seconds("hold") > 0,
    )
    parts = HandlerContext(arguments.api_key, store, faults, runner)
    server = CoconutHttpServer(arguments.port, parts, host=arguments.host)
    # shutdown() waits for the loop that a signal handler interrupts, so another thread calls it.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    callbacks.start()
    runner.start()
    port = server.server_address[1]
    print(json.dumps({"port": port, "url": f"http://127.0.0.1:{port}/v2"}), flush=True)
    server.serve_forever(poll_interval=0.2)
    server.server_close()
    runner.stop()
    callbacks.stop()
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m devstack.coconut", description="A stand-in for Coconut's API v2.")
    parser.add_argument("--port", type=int, required=True, help="the port to listen on; 0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on; only a pod needs another one")
    parser.add_argument(
        "--state-dir", type=Path, required=True, help="the directory for canned outputs and scratch files"
    )
    parser.add_argument("--api-key", required=True, help="the key that clients authenticate with")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
