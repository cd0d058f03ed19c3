"""``python -m devstack.coconut --port 0 --state-dir DIR --api-key KEY [--seed N] [--host H]``: serve until SIGTERM.

Prints ``{"port": N, "url": "http://127.0.0.1:N/v2"}`` on stdout once it listens.
"""

import argparse
import json
import logging
import signal
import sys
import threading
from pathlib import Path

from devstack.coconut.callbacks import Callbacks
from devstack.coconut.faults import BadFaultError, Faults, parse_seed
from devstack.coconut.ffmpeg import Ffmpeg
from devstack.coconut.runner import Runner
from devstack.coconut.server import Parts, Server
from devstack.coconut.store import Store


def main() -> int:
    arguments = _arguments()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    folder: Path = arguments.state_dir
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    store = Store(folder)
    faults = Faults(arguments.seed)
    callbacks = Callbacks(faults)
    runner = Runner(store=store, callbacks=callbacks, ffmpeg=Ffmpeg(), folder=folder)
    parts = Parts(arguments.api_key, store, faults, callbacks, runner)
    server = Server(arguments.port, parts, host=arguments.host)
    # Not from the handler itself: shutdown() waits for the loop that the handler interrupts.
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
    store.close()
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m devstack.coconut", description="A stand-in for Coconut's API v2.")
    parser.add_argument("--port", type=int, required=True, help="0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at; others than loopback in a pod only")
    parser.add_argument("--state-dir", type=Path, required=True, help="where jobs and files in work are kept")
    parser.add_argument("--api-key", required=True, help="the key clients authenticate with")
    parser.add_argument(
        "--seed", type=_seed, help="decides by chance as any other run with this seed; else one is drawn"
    )
    return parser.parse_args()


def _seed(text: str) -> int:
    try:
        return parse_seed(text)
    except BadFaultError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


if __name__ == "__main__":
    sys.exit(main())
