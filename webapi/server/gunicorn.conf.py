# ruff: noqa: N999  gunicorn looks for a file of this name
"""gunicorn's settings: `gunicorn -c webapi/server/gunicorn.conf.py`, wherever the packages can be imported.

PROCESSES workers accept from one socket, each with its own threads, connections, readiness and publisher; their metrics
are one page. The application is loaded after the fork: its pools and threads belong to the worker
(docs/decisions/0022-worker-processes.md).
"""

import gc
import os
import signal
from typing import Any

from runtime import logs
from runtime.secret_files import on_change
from storage.regions import by_prefix
from storage.startup_check import check_buckets, check_upload_signing
from webapi.server.shared_metrics import SharedMetrics, lowest_free
from webapi.server.worker import DrainingWorker, SharedLogger
from webapi.wiring import CONNECTIONS_MAX, WHO, read_environment

# Read here first so that a wrong setting ends the start with one line instead of a worker's traceback.
_environment = read_environment()
_settings = _environment.settings
logs.configure(_settings.log_format, _settings.log_level)

wsgi_app = "webapi.wsgi:app"
bind = _settings.bind
workers = _settings.processes
worker_class = DrainingWorker
threads = _settings.threads
preload_app = False
# At this number the longest-idle connection is closed. Clients that wait for a change are not counted.
worker_connections = CONNECTIONS_MAX
# Longer than an ingress keeps its connections, so that the server is never the first to close one.
keepalive = 75
# Covers draining, the requests under way and emptying the publisher; Kubernetes kills after 30.
graceful_timeout = 25
logger_class = SharedLogger
# An access log would contain query strings, and with them signatures. See webapi/http/request_log.py.
accesslog = None
# It would be a file in the home directory, which a container does not have.
control_socket_disable = True
# No proxy's header about path or scheme is trusted: nothing here is derived from them. The address of a client is read
# by webapi/http/client_address.py, for limits only.
forwarded_allow_ips = ""
limit_request_line = 4094
limit_request_fields = 50


def on_starting(server: Any) -> None:
    """Check the stores once, before the first worker: losing a bucket later is no reason to stop answering."""
    SharedMetrics(server.pid).create()
    for prefix, store in by_prefix(_environment.spaces).items():
        check_buckets(store, process=WHO, prefix=prefix)
        check_upload_signing(store, process=WHO, prefix=prefix)


def pre_fork(server: Any, worker: DrainingWorker) -> None:
    """Number the worker, and let one worker of each generation watch for rotated credentials."""
    # Objects that the collector leaves alone stay on pages that all workers share: 60 MiB a worker instead of 90.
    gc.collect()
    gc.freeze()
    others = server.WORKERS.values()
    worker.number = lowest_free(other.number for other in others)
    worker.watches_credentials = not any(other.watches_credentials for other in others if other.cfg is worker.cfg)


def post_fork(server: Any, worker: DrainingWorker) -> None:
    """Keep the worker's metrics where the other workers read them."""
    SharedMetrics(server.pid).begin_worker(worker.number)


def post_worker_init(worker: DrainingWorker) -> None:
    """Give the worker its service, and replace all workers when credentials are rotated, while the old ones drain."""
    from webapi.wsgi import service

    worker.service, worker.waits = service, service.waits if _settings.waits else None
    service.metrics.export(SharedMetrics(worker.ppid).registry())
    if worker.watches_credentials and _environment.secret_files is not None:
        # Compared with what the arbiter read: a worker that was started later has newer ones than those beside it.
        on_change(_environment.secret_files, lambda: os.kill(worker.ppid, signal.SIGHUP), beats=service.beats)


def worker_exit(_server: object, worker: DrainingWorker) -> None:
    """Close what the worker opened; it has no service if it failed to start."""
    if worker.service is not None:
        worker.service.stop()


def child_exit(server: Any, worker: DrainingWorker) -> None:
    """Drop the gauges of a worker that has ended."""
    SharedMetrics(server.pid).end_worker(worker.number)


def on_exit(server: Any) -> None:
    """Remove the files of the metrics."""
    SharedMetrics(server.pid).remove()
