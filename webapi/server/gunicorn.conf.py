# ruff: noqa: N999  gunicorn looks for a file of this name
"""gunicorn: `gunicorn -c webapi/server/gunicorn.conf.py` from anywhere the packages can be imported.

One worker for each process: its counters, its readiness and its publisher are then those of the process, and
more capacity is more replicas. The application is loaded after the fork, so pools and threads are the worker's own.
"""

import os
import signal
import sys
from typing import Any

from runtime import logs
from runtime.secret_files import on_change
from storage.startup_check import check_buckets
from webapi.server.worker import SERVICE_MODULE, DrainingWorker, SharedLogger
from webapi.wiring import WHO, read_environment

# Read here first so that a wrong setting ends the start with one line instead of a worker's traceback.
_environment = read_environment()
_settings = _environment.settings
logs.configure(_settings.log_format, _settings.log_level)

wsgi_app = f"{SERVICE_MODULE}:app"
bind = _settings.bind
workers = 1
worker_class = DrainingWorker
threads = _settings.threads
preload_app = False
# Below the thousand files that a process may have open where nobody has raised that; the idlest makes room.
worker_connections = 512
# Longer than an ingress keeps its own connections, so that it is never the server that closes first.
keepalive = 75
# Draining, the requests under way and the publisher's rest; Kubernetes kills after 30.
graceful_timeout = 25
logger_class = SharedLogger
# An access log would hold query strings, and with them signatures. See webapi/http/request_log.py.
accesslog = None
# It would be a file in the home directory, which a container does not have.
control_socket_disable = True
# Nobody is believed about the path, the scheme or the address of a request: nothing here is made from them.
forwarded_allow_ips = ""
limit_request_line = 4094
limit_request_fields = 50


def on_starting(_server: object) -> None:
    """Ask before the first worker, and only once: a bucket that is lost later is no reason to stop answering."""
    check_buckets(_environment.spaces, who=WHO)


def post_worker_init(worker: Any) -> None:
    """Have the worker replaced when credentials were rotated: the old one drains while the new one serves."""
    secret_files = sys.modules[SERVICE_MODULE].service.secret_files
    if secret_files is not None:
        on_change(secret_files, lambda: os.kill(worker.ppid, signal.SIGHUP))


def worker_exit(_server: object, _worker: object) -> None:
    """Close what the worker opened. It may have failed before it opened anything."""
    module = sys.modules.get(SERVICE_MODULE)
    if module is not None:
        module.service.stop()
