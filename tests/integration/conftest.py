"""Real servers for tests: each starts at its first use, on a free port, and ends with the session.

`database_url`, `s3`, `api_server`, `kube_namespace` and `coconut` are what tests ask for; the others carry them.
"""

import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import requests
from psycopg import sql

from database.pool import Database
from devstack import apiserver, coconut_server, etcd, postgres
from devstack import s3 as s3_server
from devstack.cluster import API_ACCOUNT, OPERATOR_ACCOUNT, ClusterAdmin
from devstack.coconut_server import CoconutAccess
from devstack.paths import PROJECT_DIR, Paths
from devstack.ports import Ports
from devstack.s3 import S3Access
from devstack.server import Server
from tests.integration.buckets import with_fresh_bucket
from tests.integration.databases import fresh_database

_TEMPLATE_DATABASE = "migrated"


@pytest.fixture(scope="session")
def paths(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    """The state directory of this session's servers."""
    return Paths(tmp_path_factory.mktemp("servers"))


@pytest.fixture(scope="session")
def ports(paths: Paths) -> Ports:
    """Free ports, so that several sessions can run at once."""
    return Ports(paths.root / "ports.json", prefer_fixed=False)


@pytest.fixture(scope="session")
def run_server() -> Iterator[Callable[[Server], None]]:
    """Start a server now and stop it at the end of the session, last started first."""
    started: list[Server] = []

    def run(server: Server) -> None:
        started.append(server)
        server.up()

    yield run
    for server in reversed(started):
        server.down()


@pytest.fixture(scope="session")
def postgres_url(paths: Paths, ports: Ports, run_server: Callable[[Server], None]) -> str:
    """A migrated database on a real server. Only for reading: tests that write take ``database_url``."""
    port, password = ports.of(postgres.NAME), paths.secrets().postgres_password
    run_server(postgres.server(paths, port))
    postgres.create_role_and_database(port, password=password)
    _turn_fsync_off(postgres.url(port, password=password, role=postgres.SUPERUSER, database="postgres"))
    template_url = postgres.url(port, password=password, database=_TEMPLATE_DATABASE)
    with psycopg.connect(postgres.url(port, password=password), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(_TEMPLATE_DATABASE)))
    subprocess.run(
        [sys.executable, "-m", "database.migrations", "upgrade"],
        cwd=PROJECT_DIR,
        env=os.environ | {"DATABASE_URL": template_url},
        check=True,
    )
    return template_url


def _turn_fsync_off(superuser_url: str) -> None:
    """Stop waiting for the disk: only the death of this machine could lose what was committed."""
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("ALTER SYSTEM SET full_page_writes = off")
        connection.execute("SELECT pg_reload_conf()")


@pytest.fixture
def database_url(postgres_url: str) -> Iterator[str]:
    """A migrated, empty database of this test's own."""
    with fresh_database(postgres_url) as url:
        yield url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A pool on this test's own database."""
    pool = Database(database_url, max_size=8)
    yield pool
    pool.close()


@pytest.fixture(scope="session")
def s3_access(paths: Paths, ports: Ports, run_server: Callable[[Server], None]) -> S3Access:
    """A real S3 server with its three keys, without any bucket."""
    port = ports.of(s3_server.NAME)
    run_server(s3_server.server(paths, port))
    reach = s3_server.access(paths, port, bucket="unused")
    s3_server.create_accounts(reach)
    return reach


@pytest.fixture
def s3(s3_access: S3Access) -> S3Access:
    """A fresh bucket of this test's own."""
    return with_fresh_bucket(s3_access)


@pytest.fixture(scope="session")
def bare_api_server(paths: Paths, ports: Ports, run_server: Callable[[Server], None]) -> ClusterAdmin:
    """A real API server with nothing of ours in it but the namespace."""
    run_server(etcd.server(paths, ports))
    run_server(apiserver.server(paths, ports))
    made = ClusterAdmin(apiserver.admin_kubeconfig(paths), apiserver.NAMESPACE)
    made.create_namespace()
    return made


@pytest.fixture(scope="session")
def api_server(bare_api_server: ClusterAdmin) -> ClusterAdmin:
    """A real API server with the chart applied, CRDs included, and its administrator's kubeconfig."""
    bare_api_server.apply_chart()
    return bare_api_server


@pytest.fixture(scope="session")
def operator_kubeconfig(api_server: ClusterAdmin, paths: Paths) -> Path:
    """Acts as the operator's ServiceAccount: may do what the chart grants, no more."""
    file = paths.root / "operator.kubeconfig"
    api_server.write_account_kubeconfig(file, account=OPERATOR_ACCOUNT)
    return file


@pytest.fixture(scope="session")
def api_kubeconfig(api_server: ClusterAdmin, paths: Paths) -> Path:
    """Acts as the API's ServiceAccount."""
    file = paths.root / "api.kubeconfig"
    api_server.write_account_kubeconfig(file, account=API_ACCOUNT)
    return file


@pytest.fixture
def kube_namespace(api_server: ClusterAdmin) -> str:
    """A fresh namespace of this test's own. The administrator may work in it; the chart's accounts may not."""
    own = ClusterAdmin(api_server.admin_kubeconfig, f"test-{secrets.token_hex(6)}")
    own.create_namespace()
    return own.namespace


@pytest.fixture(scope="session")
def coconut_access(paths: Paths, ports: Ports, run_server: Callable[[Server], None]) -> CoconutAccess:
    """The stand-in for Coconut as a process."""
    port = ports.of(coconut_server.NAME)
    run_server(coconut_server.server(paths, port))
    return coconut_server.access(paths, port)


@pytest.fixture
def coconut(coconut_access: CoconutAccess) -> Iterator[CoconutAccess]:
    """The stand-in, without faults at the beginning and at the end. Its ledger keeps what earlier tests did."""
    requests.delete(f"{coconut_access.control_url}/_faults", timeout=5).raise_for_status()
    yield coconut_access
    requests.delete(f"{coconut_access.control_url}/_faults", timeout=5).raise_for_status()
