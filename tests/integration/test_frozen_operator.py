"""The operator while an upstream or a receiver hangs: it accepts connections, and says nothing more.

Every part keeps beating, so liveness stays; passes and deliveries that do not need it are made; and once it answers
again the upload becomes ready with one attempt, and the notification arrives.
"""

import base64
import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from email import message_from_bytes
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import requests
import yaml
from aiosmtpd.controller import Controller
from prometheus_client.parser import text_string_to_metric_families
from psycopg.rows import dict_row

from database.pool import Database
from database.webhook_endpoints import Endpoints
from devstack.cluster import ClusterAdmin
from devstack.coconut_server import CoconutAccess
from devstack.fault_proxy import FaultProxy, fault_proxy
from devstack.ports import any_free_port
from devstack.s3 import S3Access, client_for
from domain.notifications import VIDEO_NOTIFICATION_KINDS
from tests.integration.buckets import with_fresh_bucket
from tests.integration.databases import fresh_database
from tests.integration.operator_process import environment_of, running
from tests.support.clips import a_clip
from tests.support.eventually import eventually
from tests.support.webhook_receiver import Receiver

TIMEOUT_SECONDS = 1
# A call to the API server takes ten seconds at most, one to the others far less.
ROUND_SECONDS = 15.0
FROZEN_SECONDS = 17.0
# These have a round every second or two; the others wait for longer, or come and go.
QUICK_PARTS = {"event-loop", "listen", "resync", "stats", "outbox"}
READY_SECONDS = 120
# The sender stops waiting for a frozen receiver after 15 seconds, and sends again 5 seconds later.
DELIVERED_SECONDS = 60
WEBHOOK, MAIL = "webhook", "mail"


@dataclass(frozen=True)
class Mailbox:
    """A mail server that keeps what it receives."""

    mails: list[bytes] = field(default_factory=list)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        self.mails.append(envelope.content)
        return "250 OK"


@dataclass(frozen=True)
class OperatorWorld:
    """A leading operator, and the way to each of its upstreams."""

    cluster: ClusterAdmin
    s3: S3Access
    database_url: str
    probe_url: str
    clip: bytes
    proxies: dict[str, FaultProxy]
    receiver: Receiver
    mailbox: Mailbox

    def apply(self, name: str) -> None:
        """Import a file that has yet to arrive."""
        body = {
            "apiVersion": "video.uploads.dev/v1alpha1",
            "kind": "VideoUpload",
            "metadata": {"name": name},
            "spec": {"source": {"storageKey": self._key(name)}},
        }
        self.cluster.kubectl("apply", "--filename=-", stdin=json.dumps(body))

    def send(self, name: str) -> None:
        """Let its file arrive."""
        client_for(self.s3).put_object(Bucket=self.s3.raw_bucket, Key=self._key(name), Body=self.clip)

    def pause(self, name: str, mark: str) -> None:
        """Pause it with the mark ``=true``, and go on with ``-``."""
        self.cluster.kubectl("annotate", "--overwrite", "videouploads", name, f"video.uploads.dev/paused{mark}")

    def row(self, name: str) -> dict[str, object]:
        """Return what is observed of it; empty before it was adopted."""
        with psycopg.connect(self.database_url, row_factory=dict_row) as connection:
            row = connection.execute("SELECT phase, is_paused FROM videos WHERE video_id = %s", [name]).fetchone()
        return row or {}

    def attempts(self, name: str) -> int:
        """Return how many attempts were made, each of which leads to one job at most."""
        with psycopg.connect(self.database_url) as connection:
            counted = connection.execute("SELECT count(*) FROM attempts WHERE video_id = %s", [name]).fetchone()
        assert counted is not None
        return int(counted[0])

    def notify_by_mail(self, name: str) -> None:
        """Give it the address of an owner, which an import does not have."""
        with psycopg.connect(self.database_url) as connection:
            connection.execute("UPDATE videos SET owner_email = 'ann@example.com' WHERE video_id = %s", [name])

    def arrived(self, channel: str, name: str) -> set[str]:
        """Return the ids of the messages about it that have arrived; a repetition has the id of the first."""
        if channel == WEBHOOK:
            bodies = [(one.message_id, one.body.decode()) for one in self.receiver.received]
        else:
            bodies = [(message_from_bytes(one)["Message-ID"], one.decode()) for one in self.mailbox.mails]
        return {message_id for message_id, body in bodies if name in body}

    def stuck(self) -> list[str]:
        """Return what liveness names, and the quick parts that have not beaten for too long."""
        with requests.Session() as session:
            session.trust_env = False
            livez = session.get(f"{self.probe_url}/livez", timeout=5)
            metrics = session.get(f"{self.probe_url}/metrics", timeout=5).text
        families = {family.name: family for family in text_string_to_metric_families(metrics)}
        ages = {
            sample.labels["part"]: sample.value for sample in families["video_uploads_heartbeat_age_seconds"].samples
        }
        assert ages.keys() >= QUICK_PARTS
        late = [f"{part}: {ages[part]}" for part in QUICK_PARTS if ages[part] > ROUND_SECONDS]
        return late if livez.status_code == 200 else [livez.text, *late]

    def _key(self, name: str) -> str:
        return f"imports/{self.cluster.namespace}/{name}.mp4"


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return a_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", rate=15).read_bytes()


@pytest.fixture(scope="module")
def world(
    postgres_url: str,
    s3_access: S3Access,
    api_server: ClusterAdmin,
    coconut_access: CoconutAccess,
    clip: bytes,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[OperatorWorld]:
    directory = tmp_path_factory.mktemp("frozen-operator")
    own = ClusterAdmin(api_server.admin_kubeconfig, "test-frozen-operator")
    own.create_namespace()
    with ExitStack() as opened:
        url = opened.enter_context(fresh_database(postgres_url))
        s3 = with_fresh_bucket(s3_access)
        kubeconfig = yaml.safe_load(api_server.admin_kubeconfig.read_text())
        server = kubeconfig["clusters"][0]["cluster"]
        receiver = opened.enter_context(Receiver("127.0.0.1").serving())
        mailbox, mail_port = Mailbox(), any_free_port()
        post_office = Controller(mailbox, hostname="127.0.0.1", port=mail_port)
        post_office.start()
        opened.callback(post_office.stop)
        upstreams = {
            "postgres": url,
            "storage": s3.endpoint,
            "coconut": coconut_access.url,
            "kubernetes": server["server"],
            WEBHOOK: receiver.url(),
            MAIL: f"smtp://127.0.0.1:{mail_port}",
        }
        proxies = {name: opened.enter_context(_before(address)) for name, address in upstreams.items()}
        server["server"] = _through(proxies["kubernetes"], server["server"])
        (directory / "kubeconfig").write_text(yaml.safe_dump(kubeconfig))
        _register(url, _through(proxies[WEBHOOK], receiver.url()))
        probe_port = any_free_port()
        environment = environment_of(
            directory / "kubeconfig",
            own.namespace,
            DATABASE_URL=_through(proxies["postgres"], url),
            DATABASE_TIMEOUT_SECONDS=str(TIMEOUT_SECONDS),
            COCONUT_URL=_through(proxies["coconut"], coconut_access.url),
            COCONUT_API_KEY=coconut_access.api_key,
            COCONUT_TIMEOUT_SECONDS=str(TIMEOUT_SECONDS),
            S3_ENDPOINT=_through(proxies["storage"], s3.endpoint),
            S3_PUBLIC_ENDPOINT=s3.endpoint,
            S3_PUBLIC_BASE_URL=f"{s3.endpoint}/{s3.processed_bucket}",
            S3_REGION=s3.region,
            S3_ACCESS_KEY=s3.access_key,
            S3_SECRET_KEY=s3.secret_key,
            S3_RAW_BUCKET=s3.raw_bucket,
            S3_PROCESSED_BUCKET=s3.processed_bucket,
            S3_ACL="none",
            S3_COCONUT_SERVICE="s3other",
            S3_CONNECT_TIMEOUT_SECONDS=str(TIMEOUT_SECONDS),
            S3_READ_TIMEOUT_SECONDS=str(TIMEOUT_SECONDS),
            S3_MAX_ATTEMPTS="1",
            SMTP_URL=_through(proxies[MAIL], upstreams[MAIL]),
            MAIL_FROM="videos@example.com",
            WEBHOOKS_ALLOW_PRIVATE_TARGETS="true",
            PROBE_PORT=str(probe_port),
            SWEEP_SECONDS="20",
            TIME_SCALE="0.05",
            # An API server that hangs must not cost the Lease here: test_outages.py is about that.
            LEASE_DURATION_SECONDS="120",
            LEASE_RENEW_DEADLINE_SECONDS="100",
        )
        requests.put(f"{coconut_access.control_url}/_faults", json={"canned": 1}, timeout=5).raise_for_status()
        opened.callback(requests.delete, f"{coconut_access.control_url}/_faults", timeout=5)
        opened.enter_context(running(environment, directory))
        yield OperatorWorld(own, s3, url, f"http://127.0.0.1:{probe_port}", clip, proxies, receiver, mailbox)


def _register(database_url: str, endpoint_url: str) -> None:
    """Send every notification to an endpoint."""
    database = Database(database_url, max_size=1)
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    Endpoints(database).create(url=endpoint_url, description="", kinds=VIDEO_NOTIFICATION_KINDS, secret=secret)
    database.close()


def _before(url: str) -> AbstractContextManager[FaultProxy]:
    parts = urlsplit(url)
    return fault_proxy(str(parts.hostname), int(parts.port or 0))


def _through(proxy: FaultProxy, url: str) -> str:
    parts = urlsplit(url)
    account, at, _ = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{account}{at}127.0.0.1:{proxy.port}").geturl()


def nothing(_world: OperatorWorld, _name: str) -> None:
    """Without Postgres no pass is made."""


def pausing(world: OperatorWorld, name: str) -> None:
    """A pass that needs no file is made."""
    world.pause(name, "=true")
    eventually(lambda: world.row(name)["is_paused"], within_seconds=30)
    world.pause(name, "-")


def accepting(world: OperatorWorld, name: str) -> None:
    """A file is found, judged and accepted."""
    world.send(name)
    eventually(lambda: world.row(name)["phase"] != "uploading", within_seconds=60)


def all_parts_beat(world: OperatorWorld, *, since: float) -> None:
    """Look at every part until the upstream has been frozen for long enough."""
    stuck = list[str]()

    def is_over() -> bool:
        stuck.extend(world.stuck())
        return time.monotonic() - since > FROZEN_SECONDS

    eventually(is_over, within_seconds=120, every_seconds=0.5)
    assert stuck == []


@pytest.mark.parametrize(
    ("upstream", "goes_on"),
    [("postgres", nothing), ("storage", pausing), ("coconut", accepting), ("kubernetes", accepting)],
    ids=["postgres", "storage", "coconut", "kubernetes"],
)
def test_while_an_upstream_hangs_every_part_beats_and_passes_without_it_are_made(
    upstream: str, goes_on: Callable[[OperatorWorld, str], None], world: OperatorWorld
) -> None:
    name = f"film-{upstream}"
    world.apply(name)
    eventually(lambda: world.row(name).get("phase") == "uploading", within_seconds=60)
    with world.proxies[upstream].frozen():
        began = time.monotonic()
        goes_on(world, name)
        all_parts_beat(world, since=began)
    if goes_on is not accepting:
        world.send(name)
    eventually(lambda: world.row(name)["phase"] == "ready", within_seconds=READY_SECONDS)
    assert world.attempts(name) == 1


@pytest.mark.parametrize(("frozen", "other"), [(WEBHOOK, MAIL), (MAIL, WEBHOOK)], ids=[WEBHOOK, MAIL])
def test_while_a_receiver_hangs_uploads_become_ready_and_the_other_channel_delivers(
    frozen: str, other: str, world: OperatorWorld
) -> None:
    name = f"film-for-{frozen}"
    world.apply(name)
    eventually(lambda: world.row(name).get("phase") == "uploading", within_seconds=60)
    world.notify_by_mail(name)
    with world.proxies[frozen].frozen():
        began = time.monotonic()
        world.send(name)
        eventually(lambda: world.row(name)["phase"] == "ready", within_seconds=READY_SECONDS)
        eventually(lambda: world.arrived(other, name), within_seconds=DELIVERED_SECONDS)
        all_parts_beat(world, since=began)
        assert world.arrived(frozen, name) == set()
    eventually(lambda: world.arrived(frozen, name), within_seconds=DELIVERED_SECONDS)
    for channel in (frozen, other):
        assert len(world.arrived(channel, name)) == 1
