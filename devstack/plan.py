"""Which parts a stack has, what needs what, and what each is made of. How they are brought up is in stack.py."""

from collections.abc import Iterable
from pathlib import Path

from devstack import apiserver, coconut_server, etcd, mail_server, ours, page, postgres, s3
from devstack.choices import Choices
from devstack.cluster import API_ACCOUNT, CHART, OPERATOR_ACCOUNT, Cluster
from devstack.coconut_server import CoconutAccess
from devstack.environment import World, local_s3
from devstack.place import PROJECT_DIR, Place
from devstack.ports import HOST, Ports
from devstack.server import Server
from devstack.step import Step, files_below, fingerprint

SCHEMA = "schema"
BUCKET = "bucket"
CLUSTER = "cluster"
BUCKET_NAME = "video-uploads"

# Parts and steps. What somebody replaced by their own is left out, and nothing waits for it.
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
    ours.API: (SCHEMA, BUCKET, CLUSTER),
    ours.OPERATOR: (SCHEMA, BUCKET, CLUSTER, coconut_server.NAME, mail_server.NAME),
}

# The ports each process listens on.
PORTS = {
    **{
        name: (name,)
        for name in (
            postgres.NAME,
            s3.NAME,
            coconut_server.NAME,
            mail_server.NAME,
            apiserver.NAME,
            ours.API,
            ours.OPERATOR,
        )
    },
    etcd.NAME: (etcd.NAME, "etcd-peer"),
}


def tools_for(choices: Choices) -> list[str]:
    """Return the programs that have to be built for these choices."""
    s3_tools = [] if choices.s3 else ["versitygw"]
    cluster_tools = [] if choices.kubeconfig else ["etcd", "kube-apiserver"]
    return [*s3_tools, *cluster_tools, "kubectl", "helm"]


class Plan:
    """The parts of one stack under certain choices."""

    def __init__(self, place: Place, ports: Ports, choices: Choices) -> None:
        self._place = place
        self._ports = ports
        self._choices = choices
        self.world = self._world()
        self.cluster = Cluster(self.admin_kubeconfig, apiserver.NAMESPACE)
        self.parts: dict[str, Server | Step] = {part.name: part for part in self._parts()}
        self.needs = {
            name: [needed for needed in NEEDS[name] if needed in self.parts] for name in NEEDS if name in self.parts
        }

    @property
    def admin_kubeconfig(self) -> Path:
        """Return the kubeconfig of whoever may set the cluster up."""
        return Path(self._choices.kubeconfig) if self._choices.kubeconfig else apiserver.admin_kubeconfig(self._place)

    @property
    def servers(self) -> dict[str, Server]:
        """Return the parts that are processes."""
        return {name: part for name, part in self.parts.items() if isinstance(part, Server)}

    def _world(self) -> World:
        place, choices, made = self._place, self._choices, self._place.secrets()
        local_url = postgres.url(self._ports.of(postgres.NAME), password=made.postgres_password)
        stand_in = coconut_server.access(place, self._ports.of(coconut_server.NAME))
        coconut = stand_in
        if choices.coconut_url and choices.coconut_api_key:
            coconut = CoconutAccess(choices.coconut_url, choices.coconut_api_key)
        return World(
            database_url=choices.database_url or local_url,
            s3=dict(choices.s3) or local_s3(self._local_s3()),
            coconut=coconut,
            mail_url=choices.smtp_url or mail_server.url(self._ports.of(mail_server.NAME)),
            namespace=apiserver.NAMESPACE,
            api_kubeconfig=place.root / "kubeconfig.api",
            operator_kubeconfig=place.root / "kubeconfig.operator",
            api_port=self._ports.of(ours.API),
            operator_port=self._ports.of(ours.OPERATOR),
            secrets=made,
            choices=choices,
            web_dir=page.remembered(place),
        )

    def _local_s3(self) -> s3.S3Access:
        return s3.access(self._place, self._ports.of(s3.NAME), bucket=BUCKET_NAME)

    def _parts(self) -> Iterable[Server | Step]:
        place, ports = self._place, self._ports
        if not self._choices.database_url:
            yield postgres.server(place, ports.of(postgres.NAME))
        yield self._schema()
        if not self._choices.s3:
            yield s3.server(place, ports.of(s3.NAME))
            yield self._bucket()
        if not self._choices.coconut_url:
            yield coconut_server.server(place, ports.of(coconut_server.NAME))
        if not self._choices.smtp_url:
            yield mail_server.server(place, ports.of(mail_server.NAME))
        if not self._choices.kubeconfig:
            yield etcd.server(place, ports)
            yield apiserver.server(place, ports)
        yield self._cluster_set_up()
        yield ours.api(place, self.world)
        yield ours.operator(place, self.world)

    def _schema(self) -> Step:
        is_local = not self._choices.database_url

        def run() -> None:
            if is_local:
                password = self._place.secrets().postgres_password
                postgres.create_role_and_database(self._ports.of(postgres.NAME), password=password)
            ours.migrate(self.world)

        return Step(
            name=SCHEMA,
            run=run,
            depends_on=lambda: fingerprint(
                files=files_below(PROJECT_DIR / "desired" / "migrations"),
                words=[self.world.database_url],
                server=self._place.process(postgres.NAME) if is_local else None,
            ),
            mark=self._mark(SCHEMA),
        )

    def _bucket(self) -> Step:
        reach = self._local_s3()
        origins = [f"http://{host}:{self.world.api_port}" for host in (HOST, "localhost")]

        def run() -> None:
            s3.create_accounts(reach)
            s3.create_bucket(reach, allowed_origins=origins)

        return Step(
            name=BUCKET,
            run=run,
            depends_on=lambda: fingerprint(words=[reach.endpoint, *origins], server=self._place.process(s3.NAME)),
            mark=self._mark(BUCKET),
            address=f"{reach.endpoint}/{reach.raw_bucket}",
        )

    def _cluster_set_up(self) -> Step:
        is_local = not self._choices.kubeconfig
        server = self._place.process(apiserver.NAME) if is_local else None

        def run() -> None:
            self.cluster.create_namespace()
            self.cluster.apply_chart()
            self.cluster.write_account_kubeconfig(self.world.api_kubeconfig, account=API_ACCOUNT)
            self.cluster.write_account_kubeconfig(self.world.operator_kubeconfig, account=OPERATOR_ACCOUNT)

        return Step(
            name=CLUSTER,
            run=run,
            depends_on=lambda: fingerprint(
                files=[*files_below(CHART), *(PROJECT_DIR / "crds").glob("*.yaml"), self.admin_kubeconfig],
                words=[self.cluster.namespace],
                server=server,
            ),
            mark=self._mark(CLUSTER),
            address=f"namespace {self.cluster.namespace}",
        )

    def _mark(self, step: str) -> Path:
        return self._place.root / "run" / f"{step}.done"
