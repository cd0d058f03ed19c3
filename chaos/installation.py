"""The service on a stack of its own, behind proxies that can fail, with all that a schedule does to it.

Dead processes are started again, as a kubelet does.
"""

import os
import random
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import psycopg
import requests
from botocore.exceptions import BotoCoreError, ClientError
from mypy_boto3_s3 import S3Client

from chaos.schedule import PROCESSES, UPSTREAMS
from devstack import apiserver, etcd, postgres, s3, services, tokens
from devstack.cluster import CRD
from devstack.description import StackDescription
from devstack.fault_proxy import FaultProxy, LineFault, fault_proxy
from devstack.options import StackOptions
from devstack.paths import Paths
from devstack.ports import HOST
from devstack.process import DetachedProcess
from devstack.server import PartFailedError, Server
from devstack.skewed_clock import skewed
from devstack.stack import Stack
from devstack.waiting import NotInTimeError, until

SECOND_OPERATOR = "operator-2"
TIME_SCALE = 0.02

# The smallest part of S3.
PART_BYTES = 5 * 1024**2

_UNLIMITED = 1_000_000
_STAND_IN_SECONDS = 10
_ADOPTED_WITHIN_SECONDS = 60
_SKEWED_WITHIN_SECONDS = 20
_RESTARTED_EVERY_SECONDS = 1.0
_LOOK_EVERY_SECONDS = 0.2
# On a busy machine an API server takes a minute to serve a kind.
_ACT_WITHIN_SECONDS = 90
# What both services must agree on, in seconds before scaling: a file is waited for for 40 s, a job for 30 s.
_SERVICES = {
    "S3_PART_BYTES": str(PART_BYTES),
    "UPLOADING_DEADLINE_SECONDS": "2000",
    "UPLOADING_LONGEST_SECONDS": "4000",
    "PROCESSING_DEADLINE_SECONDS": "1500",
    "UPLOADED_DEADLINE_SECONDS": "14400",
    # Less often than by default, which saves two cores.
    "UPLOADING_FIRST_CHECK_SECONDS": "50",
    "UPLOADED_FIRST_CHECK_SECONDS": "50",
    "PROCESSING_FIRST_CHECK_SECONDS": "50",
}
# Settings that the time scale does not shorten.
_OPERATOR = {
    "COCONUT_TIMEOUT_SECONDS": "4",
    "SWEEP_SECONDS": "3",
    "RESYNC_SECONDS": "15",
    "AUDIT_SECONDS": "20",
    "AUDIT_VIDEOS_PER_SECOND": "50",
    "LEASE_DURATION_SECONDS": "10",
    "LEASE_RENEW_DEADLINE_SECONDS": "7",
    "LEASE_RETRY_SECONDS": "1",
    "MAX_RUNNING_JOBS": "1000",
    "SUBMISSIONS_PER_MINUTE": "10000",
    "SUBMISSIONS_BURST": "100",
}
# What calls raise while a server is down, frozen or starting.
_NOT_YET = (PartFailedError, NotInTimeError, subprocess.TimeoutExpired, BotoCoreError, ClientError)
_Result = TypeVar("_Result")


class Installation:
    """A running stack, its proxies, and the supervisor of its processes."""

    def __init__(self, stack: Stack, proxies: Mapping[str, FaultProxy], options: StackOptions) -> None:
        self.stack = stack
        self.proxies = proxies
        self._options = options
        self._signing_keys = [stack.paths.secrets().webhook_signing_key]
        self._second: Server | None = None
        # How many acts keep the supervisor from starting a process; the lock is held while one is started.
        self._held: Counter[str] = Counter()
        # By how many seconds the clocks of services are ahead, by their names.
        self._ahead: dict[str, int] = {}
        self._starting = threading.Lock()
        self._is_over = threading.Event()
        self._supervisor = threading.Thread(target=self._supervise)

    @property
    def described(self) -> StackDescription:
        """Return the description of the stack, with addresses that bypass the proxies."""
        return self.stack.description

    def token(self, user: str, *, is_admin: bool = False) -> str:
        """Return a token without a limit of uploads."""
        return tokens.mint(self.described.jwt.signing_key, user=user, uploads_per_hour=_UNLIMITED, is_admin=is_admin)

    def secret_texts(self) -> list[str]:
        """Return the strings that no log may hold."""
        return sorted({*vars(self.stack.paths.secrets()).values(), *self._signing_keys})

    def logs(self) -> list[str]:
        """Return the logs of the service's processes."""
        names = (services.API, services.OPERATOR, SECOND_OPERATOR)
        return [str(file) for file in map(self.stack.paths.log, names) if file.exists()]

    def kill(self, name: str, seconds: float) -> None:
        """Kill a process and all that it started, and keep it down."""
        with self._unsupervised(name):
            self._process(name).kill()
            _wait(seconds)

    def freeze(self, name: str, seconds: float) -> None:
        """Stop a process and all that it started with SIGSTOP, and let it go on."""
        pid = self._process(name).pid()
        family = _family(pid) if pid else []
        try:
            for member in family:
                _signal(member, signal.SIGSTOP)
            _wait(seconds)
        finally:
            for member in family:
                _signal(member, signal.SIGCONT)

    def break_line(self, upstream: str, fault: LineFault, seconds: float) -> None:
        """Disturb the connections between the services and an upstream."""
        self.proxies[upstream].begin(fault)
        try:
            _wait(seconds)
        finally:
            self.proxies[upstream].end()

    def run_with_wrong_clock(self, name: str, seconds: float, *, ahead_seconds: int) -> None:
        """Restart a service with a clock that is wrong, and after so long with the right one."""
        self._ahead[name] = ahead_seconds
        try:
            self._restart(name)
            self.wait_until_served(name, within_seconds=_SKEWED_WITHIN_SECONDS)
            _wait(seconds)
        finally:
            del self._ahead[name]
            self._restart(name)

    def _restart(self, name: str) -> None:
        """Stop a service as a rollout does, so that a standby need not wait; the supervisor starts it again."""
        with self._unsupervised(name):
            self.stack.server(name).down()

    def run_second_operator(self, seconds: float) -> None:
        """Run another operator and kill it."""
        self._second = self.stack.another_operator(SECOND_OPERATOR)
        self._second.process.start(self._second.command)
        _wait(seconds)
        self._second.process.kill()
        self._second.process.stop()

    def rotate_keys(self) -> None:
        """Sign callbacks with a new key; those signed with the old one are still on their way."""
        old, new = self._signing_keys[-1], secrets.token_hex(24)
        self._signing_keys.append(new)
        settings = {**self._options.service_settings, "WEBHOOK_SIGNING_KEYS": f"{new},{old}"}
        self._options = replace(self._options, service_settings=settings)
        self._up()

    def delete_one_resource(self, draw: random.Random) -> None:
        """Delete the resource of one upload."""
        names = self.kubectl("get", "videouploads", "--output=name").split()
        if names:
            self.kubectl("delete", draw.choice(sorted(names)), "--wait=false", "--ignore-not-found")

    def delete_all_resources(self) -> None:
        """Delete the resources of all uploads."""
        self.kubectl("delete", "videouploads", "--all", "--wait=false")

    def delete_kind(self) -> None:
        """Delete the CRD, and with it every resource, and install it again."""
        self.kubectl("delete", "crd", CRD, "--wait=true")
        _repeat(self.stack.cluster.apply_chart)

    def wipe_etcd(self) -> None:
        """Lose the cluster: its pods, its objects and its accounts."""
        lost = (services.OPERATOR, services.API, apiserver.NAME, etcd.NAME)
        with self._unsupervised(*lost):
            for name in lost:
                self._process(name).kill()
            shutil.rmtree(self.stack.paths.data(etcd.NAME))
            self._up()

    def restore_dump(self, age_seconds: float) -> None:
        """Dump Postgres, and restore the dump when it has this age."""
        dump = self.stack.paths.root / "dump"
        self._postgres("pg_dump", "--format=custom", f"--file={dump}")
        _wait(age_seconds)
        with self._unsupervised(services.OPERATOR, services.API):
            for name in (services.OPERATOR, services.API):
                self.stack.server(name).down()
            self._postgres("pg_restore", "--clean", "--if-exists", "--single-transaction", str(dump))
        with suppress(NotInTimeError):
            until(self._has_every_row, within_seconds=_ADOPTED_WITHIN_SECONDS, what="a row for each resource")

    def _has_every_row(self) -> bool:
        """Return whether the rows that the dump lacked were made again: only then may the cluster be lost, too."""
        names = set(self.kubectl("get", "videouploads", "--output=jsonpath={.items[*].metadata.name}").split())
        with psycopg.connect(self.described.database_url, autocommit=True) as connection:
            return names <= {row[0] for row in connection.execute("SELECT video_id FROM videos")}

    def kubectl(self, *arguments: str, stdin: str = "") -> str:
        """Run kubectl as administrator, again while the API server is not back yet."""
        return _repeat(lambda: self.stack.cluster.kubectl(*arguments, stdin=stdin))

    def put_object(self, key: str, content: bytes) -> None:
        """Put a file into the bucket, as its owner does."""
        bucket = self.described.s3
        _repeat(lambda: self._s3.put_object(Bucket=bucket.bucket, Key=key, Body=content, ContentType="video/mp4"))

    def set_stand_in(self, **values: float) -> None:
        """Change faults of the stand-in for Coconut."""
        url = f"{self.described.coconut.url.removesuffix('/v2')}/_faults"
        requests.put(url, json=values, timeout=_STAND_IN_SECONDS).raise_for_status()

    def wait_until_served(self, *names: str, within_seconds: float) -> None:
        """Wait until these processes serve, but no longer."""
        with suppress(NotInTimeError):
            until(
                lambda: all(self.stack.server(name).is_ready() for name in names),
                within_seconds=within_seconds,
                what=f"{', '.join(names)} to serve",
            )

    def start(self) -> None:
        """Start the stack, then the supervisor."""
        self._up()
        self._supervisor.start()

    def stop(self) -> None:
        """Stop everything, also what is frozen."""
        self._is_over.set()
        if self._supervisor.is_alive():
            self._supervisor.join()
        if self._second is not None:
            self._second.process.kill()
        self.stack.down()

    @cached_property
    def _s3(self) -> S3Client:
        return s3.client_for(s3.access(self.stack.paths, self.stack.port(s3.NAME), bucket=self.described.s3.bucket))

    def _up(self) -> None:
        """Start what does not run with these options; on a busy machine that may take more than one turn."""
        with self._unsupervised(*PROCESSES):
            _repeat(lambda: self.stack.up(self._options))

    def _process(self, name: str) -> DetachedProcess:
        return self.stack.paths.process(name)

    @contextmanager
    def _unsupervised(self, *names: str) -> Iterator[None]:
        with self._starting:
            self._held.update(names)
        try:
            yield
        finally:
            with self._starting:
                self._held.subtract(names)

    def _supervise(self) -> None:
        started: dict[str, float] = {}
        while not self._is_over.wait(_LOOK_EVERY_SECONDS):
            for name in PROCESSES:
                with self._starting:
                    is_due = time.monotonic() - started.get(name, 0) > _RESTARTED_EVERY_SECONDS
                    if not self._held[name] and is_due and not self._process(name).is_alive():
                        self._start_again(name)
                        started[name] = time.monotonic()

    def _start_again(self, name: str) -> None:
        try:
            server = self.stack.server(name)
            server.prepare()
            ahead = self._ahead.get(name)
            server.process.start(skewed(server.command, ahead) if ahead else server.command)
        except Exception:
            # The next turn tries again: without this thread nothing that dies would come back.
            print(f"{name} was not started again:\n{traceback.format_exc()}", file=sys.stderr, flush=True)

    def _postgres(self, program: str, *arguments: str) -> None:
        argv = [str(postgres.binaries() / program), f"--dbname={self.described.database_url}", "--no-owner", *arguments]

        def run() -> str:
            done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=_ACT_WITHIN_SECONDS)
            if done.returncode != 0:
                raise PartFailedError(f"{program}: {done.stderr.strip()}")
            return done.stdout

        _repeat(run)


@contextmanager
def installation(directory: Path) -> Iterator[Installation]:
    """Run an installation until the end of the block."""
    paths = Paths(directory)
    paths.prepare()
    directory.chmod(0o755)  # as root, Postgres runs as another user
    stack = Stack(paths)
    with ExitStack() as ending:
        proxies = {name: ending.enter_context(fault_proxy(HOST, stack.port(name))) for name in UPSTREAMS}
        options = StackOptions(
            time_scale=TIME_SCALE,
            uploads_per_hour=_UNLIMITED,
            operator_settings=_OPERATOR,
            service_settings=_SERVICES,
            reached_by={name: proxy.port for name, proxy in proxies.items()},
        )
        installed = Installation(stack, proxies, options)
        ending.callback(installed.stop)
        installed.start()
        yield installed


def _repeat(act: Callable[[], _Result]) -> _Result:
    """Repeat what needs a server that may still be starting, for a bounded time."""
    ends_at = time.monotonic() + _ACT_WITHIN_SECONDS
    while True:
        try:
            return act()
        except _NOT_YET:
            if time.monotonic() > ends_at:
                raise
        _wait(0.5)


def _wait(seconds: float) -> None:
    threading.Event().wait(seconds)


def _family(pid: int) -> list[int]:
    """Return a process and its descendants: Postgres' children lead sessions of their own."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    family = [pid]
    for member in family:
        family.extend(child for child, parent in parents.items() if parent == member)
    return family


def _signal(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
