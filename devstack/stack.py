"""One whole stack: starts and stops it, and kills parts of it for tests.

Only the pid files say what is alive, so any command may come from any shell, in any order.
"""

import contextlib
import fcntl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from devstack import description, page, services, tokens
from devstack.cluster import ClusterAdmin
from devstack.dependency_order import in_order, reversed_needs
from devstack.description import StackDescription
from devstack.environment import JWT_AUDIENCE, JWT_ISSUER
from devstack.options import StackOptions
from devstack.paths import Paths
from devstack.plan import NEEDS, PORTS, Plan, tools_for
from devstack.ports import Ports
from devstack.server import Server
from devstack.tools import build, link

_ADMIN_UPLOADS_PER_HOUR = 100_000


class UnknownPartError(Exception):
    """No process has this name. The message lists the names."""


@dataclass(frozen=True)
class PartStatus:
    """One line of `status`."""

    name: str
    pid: int | None
    address: str
    was_started: bool


class Stack:
    """The stack in one state directory."""

    def __init__(self, paths: Paths, *, say: Callable[[str], None] = lambda _line: None) -> None:
        self.paths = paths
        self._say = say
        self._ports = Ports(paths.root / "ports.json", prefer_fixed=paths.is_default)

    def up(self, options: StackOptions) -> StackDescription:
        """Start the parts that do not run with these options, wait until all serve, and describe the stack."""
        self.paths.prepare()
        with self._alone():
            self._take_down_replaced_parts(options)
            options.remember(self._options_file)
            # The page is mostly downloads, the tools are mostly compiling.
            builds = {"tools": lambda: self._link_tools(options), page.NAME: self._build_page}
            in_order(dict.fromkeys(builds, ()), lambda name: builds[name]())
            for name, ports in PORTS.items():
                if not self.paths.process(name).is_alive():
                    for port in ports:
                        self._ports.choose(port)
            plan = self._plan()
            try:
                in_order(plan.needs, lambda name: self._bring_up(plan, name))
            finally:
                self._describe(plan)
            return self.description

    def down(self) -> None:
        """Stop every process that `up` started. Their data stays."""
        if not self.paths.root.exists():
            return
        with self._alone():
            in_order(reversed_needs(NEEDS), self._take_down)
            description.file_of(self.paths).unlink(missing_ok=True)

    def start(self, name: str) -> None:
        """Start one process and wait until it serves."""
        with self._alone():
            self.server(name).up()
            self._describe(self._plan())

    def stop(self, name: str) -> None:
        """Stop one process gracefully."""
        with self._alone():
            self.server(name).down()
            self._describe(self._plan())

    def restart(self, name: str) -> None:
        """Stop one process gracefully and start it again."""
        with self._alone():
            server = self.server(name)
            server.down()
            server.up()
            self._describe(self._plan())

    def kill(self, name: str) -> None:
        """End one process and its children with SIGKILL."""
        with self._alone():
            self.server(name).process.kill()
            self._describe(self._plan())

    def status(self) -> list[PartStatus]:
        """Return the state of each process."""
        if not self._options_file.exists():
            return []
        return [
            PartStatus(name, server.process.pid(), server.address, was_started=server.process.identity() is not None)
            for name, server in self._plan().servers.items()
        ]

    def another_operator(self, name: str, **settings: str) -> Server:
        """Return one more operator, which the caller starts and stops."""
        return services.another_operator(self.paths, self._plan().config, name, settings)

    def server(self, name: str) -> Server:
        """Return one process. Raises UnknownPartError."""
        servers = self._plan().servers
        if name not in servers:
            raise UnknownPartError(f"no process is called {name!r}; there are {', '.join(servers)}")
        return servers[name]

    def port(self, name: str) -> int:
        """Return the port of a part, which is chosen now if it never ran."""
        return self._ports.of(name)

    @property
    def description(self) -> StackDescription:
        """Return the description that the last command wrote."""
        return StackDescription.read(self.paths)

    @property
    def cluster(self) -> ClusterAdmin:
        """Return the cluster, with administrator access."""
        return self._plan().cluster

    def token(self, *, user: str, uploads_per_hour: int | None, is_admin: bool) -> str:
        """Return a bearer token for this stack's API."""
        key = self.paths.secrets().jwt_signing_key
        return tokens.mint(key, user=user, uploads_per_hour=uploads_per_hour, is_admin=is_admin)

    @property
    def _options_file(self) -> Path:
        return self.paths.root / "options.json"

    def _plan(self) -> Plan:
        return Plan(self.paths, self._ports, StackOptions.remembered(self._options_file))

    def _bring_up(self, plan: Plan, name: str) -> None:
        part, began = plan.parts[name], time.monotonic()
        happened = part.up()
        self._say(f"{name:<15} {happened:<21} {part.address} ({time.monotonic() - began:.1f} s)")

    def _take_down(self, name: str) -> None:
        process = self.paths.process(name)
        if process.identity() is None:
            return
        was_alive = process.is_alive()
        process.stop()
        self._say(f"{name:<15} {'stopped' if was_alive else 'was not running'}")

    def _take_down_replaced_parts(self, options: StackOptions) -> None:
        planned = Plan(self.paths, self._ports, options).servers
        for name in NEEDS:
            if name not in planned:
                self._take_down(name)

    def _link_tools(self, options: StackOptions) -> None:
        needed = tools_for(options)
        build(needed)
        for name in needed:
            link(name, self.paths.root / "bin")

    def _build_page(self) -> None:
        page.remember(self.paths, page.built_page(self._say))

    def _describe(self, plan: Plan) -> None:
        config, s3 = plan.direct, plan.direct.s3
        key = config.secrets.jwt_signing_key
        StackDescription(
            api_url=config.api_url,
            # Page and API share one origin, so a browser needs no CORS for the API.
            web_url=config.api_url,
            kubeconfig=str(plan.admin_kubeconfig),
            namespace=config.namespace,
            database_url=config.database_url,
            s3=description.S3(
                endpoint=s3["S3_ENDPOINT"],
                region=s3["S3_REGION"],
                access_key=s3["S3_ACCESS_KEY"],
                secret_key=s3["S3_SECRET_KEY"],
                bucket=s3["S3_RAW_BUCKET"],
                processed_bucket=s3["S3_PROCESSED_BUCKET"],
                public_base_url=s3["S3_PUBLIC_BASE_URL"],
            ),
            coconut=description.CoconutServer(url=config.coconut.url, api_key=config.coconut.api_key),
            mail_url=config.mail_url,
            operator_metrics_url=config.operator_metrics_url,
            jwt=description.Jwt(signing_key=key, issuer=JWT_ISSUER, audience=JWT_AUDIENCE),
            tokens=description.Tokens(
                user=tokens.mint(key, user="user"),
                other_user=tokens.mint(key, user="other-user"),
                admin=tokens.mint(key, user="admin", uploads_per_hour=_ADMIN_UPLOADS_PER_HOUR, is_admin=True),
            ),
            pids={name: pid for name, server in plan.servers.items() if (pid := server.process.pid())},
            logs={name: str(server.process.log_file) for name, server in plan.servers.items()},
        ).write(self.paths)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Allow one command at a time in one state directory."""
        with (self.paths.root / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
