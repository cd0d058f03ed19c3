"""The parts of a stack and their dependencies. stack.py starts and stops them."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from devstack import apiserver, coconut_server, etcd, mail_server, page, postgres, s3, services
from devstack.cluster import API_ACCOUNT, CHART, OPERATOR_ACCOUNT, RENDERED, ClusterAdmin
from devstack.coconut_server import CoconutAccess
from devstack.environment import ServiceConfig, local_s3
from devstack.options import StackOptions
from devstack.paths import PROJECT_DIR, Paths
from devstack.ports import HOST, Ports
from devstack.server import Server
from devstack.step import Step, files_below, fingerprint

SCHEMA = "schema"
BUCKET = "bucket"
CLUSTER = "cluster"
BUCKET_NAME = "video-uploads"

# Parts and steps with their needs. A part that an option replaces is left out, and nothing waits for it.
NEEDS = {
    postgres.NAME: (),
    SCHEMA: (postgres.NAME,),
    s3.NAME: (),
    BUCKET: (s3.NAME,),
    coconut_server.NAME: (),
    mail_server.NAME: (),
    etcd.NAME: (),
    apiserver.NAME: (etcd.NAME,),
    CLUSTER: (apiserver.NAME,),
    services.API: (SCHEMA, BUCKET, CLUSTER),
    services.OPERATOR: (SCHEMA, BUCKET, CLUSTER, coconut_server.NAME, mail_server.NAME),
}

# The ports that each process listens on.
PORTS = {
    **{
        name: (name,)
        for name in (
            postgres.NAME,
            s3.NAME,
            coconut_server.NAME,
            mail_server.NAME,
            apiserver.NAME,
            services.API,
            services.OPERATOR,
        )
    },
    etcd.NAME: (etcd.NAME, "etcd-peer"),
}


def tools_for(options: StackOptions) -> list[str]:
    """Return the programs that these options need built."""
    s3_tools = [] if options.s3 else ["versitygw"]
    cluster_tools = [] if options.kubeconfig else ["etcd", "kube-apiserver"]
    return [*s3_tools, *cluster_tools, "kubectl"]


class Plan:
    """The parts of one stack under its options."""

    def __init__(self, paths: Paths, ports: Ports, options: StackOptions) -> None:
        self._paths = paths
        self._ports = ports
        self._options = options
        # How the services reach the parts, and how everyone else does.
        self.config = self._service_config(options.reached_by)
        self.direct = self._service_config({}) if options.reached_by else self.config
        self.cluster = ClusterAdmin(self.admin_kubeconfig, apiserver.NAMESPACE)
        self.parts: dict[str, Server | Step] = {part.name: part for part in self._parts()}
        self.needs = {
            name: [needed for needed in NEEDS[name] if needed in self.parts] for name in NEEDS if name in self.parts
        }

    @property
    def admin_kubeconfig(self) -> Path:
        """Return the kubeconfig of the cluster's administrator."""
        return Path(self._options.kubeconfig) if self._options.kubeconfig else apiserver.admin_kubeconfig(self._paths)

    @property
    def servers(self) -> dict[str, Server]:
        """Return the parts that are processes."""
        return {name: part for name, part in self.parts.items() if isinstance(part, Server)}

    def _service_config(self, reached_by: Mapping[str, int]) -> ServiceConfig:
        paths, options, made = self._paths, self._options, self._paths.secrets()

        def port(name: str) -> int:
            return reached_by.get(name) or self._ports.of(name)

        local_url = postgres.url(port(postgres.NAME), password=made.postgres_password)
        stand_in = coconut_server.access(paths, port(coconut_server.NAME))
        coconut = stand_in
        if options.coconut_url and options.coconut_api_key:
            coconut = CoconutAccess(options.coconut_url, options.coconut_api_key)
        return ServiceConfig(
            database_url=options.database_url or local_url,
            s3=dict(options.s3) or local_s3(self._local_s3(port(s3.NAME))),
            coconut=coconut,
            mail_url=options.smtp_url or mail_server.url(self._ports.of(mail_server.NAME)),
            namespace=apiserver.NAMESPACE,
            api_kubeconfig=paths.root / "kubeconfig.api",
            operator_kubeconfig=paths.root / "kubeconfig.operator",
            api_port=self._ports.of(services.API),
            operator_port=self._ports.of(services.OPERATOR),
            secrets=made,
            options=options,
            web_dir=page.remembered(paths),
        )

    def _local_s3(self, port: int) -> s3.S3Access:
        return s3.access(self._paths, port, bucket=BUCKET_NAME)

    def _parts(self) -> Iterable[Server | Step]:
        paths, ports = self._paths, self._ports
        if not self._options.database_url:
            yield postgres.server(paths, ports.of(postgres.NAME))
        yield self._schema()
        if not self._options.s3:
            yield s3.server(paths, ports.of(s3.NAME))
            yield self._bucket()
        if not self._options.coconut_url:
            yield coconut_server.server(paths, ports.of(coconut_server.NAME))
        if not self._options.smtp_url:
            yield mail_server.server(paths, ports.of(mail_server.NAME))
        if not self._options.kubeconfig:
            yield etcd.server(paths, ports)
            yield apiserver.server(paths, ports)
        yield self._cluster_set_up()
        yield services.api(paths, self.config)
        yield services.operator(paths, self.config)

    def _schema(self) -> Step:
        is_local = not self._options.database_url

        def run() -> None:
            if is_local:
                password = self._paths.secrets().postgres_password
                postgres.create_role_and_database(self._ports.of(postgres.NAME), password=password)
            services.migrate(self.direct)

        return Step(
            name=SCHEMA,
            run=run,
            depends_on=lambda: fingerprint(
                files=files_below(PROJECT_DIR / "database" / "migrations"),
                words=[self.direct.database_url],
                server=self._paths.process(postgres.NAME) if is_local else None,
            ),
            mark=self._mark(SCHEMA),
        )

    def _bucket(self) -> Step:
        reach = self._local_s3(self._ports.of(s3.NAME))
        origins = [f"http://{host}:{self.config.api_port}" for host in (HOST, "localhost")]

        def run() -> None:
            s3.create_accounts(reach)
            s3.create_bucket(reach, allowed_origins=origins)

        return Step(
            name=BUCKET,
            run=run,
            depends_on=lambda: fingerprint(words=[reach.endpoint, *origins], server=self._paths.process(s3.NAME)),
            mark=self._mark(BUCKET),
            address=f"{reach.endpoint}/{reach.raw_bucket}",
        )

    def _cluster_set_up(self) -> Step:
        is_local = not self._options.kubeconfig
        server = self._paths.process(apiserver.NAME) if is_local else None
        proxy = self._options.reached_by.get(apiserver.NAME)
        server_url = f"https://{HOST}:{proxy}" if proxy else None

        def run() -> None:
            self.cluster.create_namespace()
            self.cluster.apply_chart()
            for file, account in (
                (self.config.api_kubeconfig, API_ACCOUNT),
                (self.config.operator_kubeconfig, OPERATOR_ACCOUNT),
            ):
                self.cluster.write_account_kubeconfig(file, account=account, server_url=server_url)

        return Step(
            name=CLUSTER,
            run=run,
            depends_on=lambda: fingerprint(
                files=[*files_below(CHART / "crds"), RENDERED, self.admin_kubeconfig],
                words=[self.cluster.namespace, server_url or ""],
                server=server,
            ),
            mark=self._mark(CLUSTER),
            address=f"namespace {self.cluster.namespace}",
        )

    def _mark(self, step: str) -> Path:
        return self._paths.root / "run" / f"{step}.done"
