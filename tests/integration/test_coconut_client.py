"""The adapter on the wire: a submission is one request whatever the server does, and each answer is classified."""

import base64
import json
import socket
import ssl
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from controller.coconut.client import Coconut
from controller.coconut.job_request import job_body
from devstack.coconut_server import CoconutAccess
from domain.errors import UnavailableError, UpstreamError
from domain.jobs import JobOrder, UncertainError
from storage.settings import OutputTarget
from tests.integration.wire import Ending, answering, closing, resetting, silent, wire
from tests.support.eventually import eventually

TARGET = OutputTarget("s3other", "http://127.0.0.1:9/", "", "outputs", SecretStr("key"), SecretStr("secret"), None)
ORDER = JobOrder(
    "coconutcoconutcoconutcocon",
    1,
    "1-word",
    "http://127.0.0.1:9/original",
    "http://127.0.0.1:9/hook?video=v&attempt=1&sig=s",
)
ACCEPTED = '{"id": "S9BkOufdntiPR9", "status": "job.starting"}'


def a_client(url: str, *, api_key: str = "api-key", timeout_seconds: float = 5) -> Coconut:
    return Coconut(url, SecretStr(api_key), TARGET, timeout_seconds=timeout_seconds)


def redirecting(status: str) -> Ending:
    """Point to another path of the same server, where it would be seen."""
    return lambda connection: answering(f"{status}\r\nLocation: http://%s:%d/elsewhere" % connection.getsockname())(
        connection
    )


def test_a_submission_has_the_documented_request() -> None:
    with wire(answering("201 Created", ACCEPTED)) as server:
        assert a_client(server.url).start(ORDER) == "S9BkOufdntiPR9"
    (request,) = server.requests
    head, _, body = request.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /v2/jobs HTTP/1.1"
    assert f"Authorization: Basic {base64.b64encode(b'api-key:').decode()}" in lines
    assert json.loads(body) == job_body(ORDER, TARGET)


def test_each_submission_opens_its_own_connection() -> None:
    with wire(answering("201 Created", ACCEPTED)) as server:
        client = a_client(server.url)
        client.start(ORDER)
        client.start(ORDER)
    assert server.connections == 2
    assert all(b"\r\nConnection: close\r\n" in request for request in server.requests)


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
@pytest.mark.parametrize("ask", [lambda it: it.start(ORDER), lambda it: it.job("job1")], ids=["order", "question"])
def test_no_redirect_is_followed(status: str, ask: Callable[[Coconut], object]) -> None:
    with wire(redirecting(status)) as server, pytest.raises(UnavailableError, match=f"HTTP {status[:3]}$"):
        ask(a_client(server.url))
    assert (server.connections, len(server.requests)) == (1, 1)


@pytest.mark.parametrize(
    ("ending", "kind"),
    [
        pytest.param(closing, UncertainError, id="closed"),
        pytest.param(resetting, UncertainError, id="reset"),
        pytest.param(silent, UncertainError, id="silent"),
        pytest.param(answering("201 Created", ACCEPTED, missing_bytes=9), UncertainError, id="cut-off"),
        pytest.param(lambda it: it.sendall(b"220 mail.test ESMTP\r\n"), UncertainError, id="not-http"),
        pytest.param(answering("500 Oh"), UncertainError, id="500"),
        pytest.param(answering("503 Busy\r\nRetry-After: 30"), UncertainError, id="503"),
        pytest.param(answering("408 Too slow\r\nConnection: close"), UncertainError, id="408"),
        pytest.param(answering("429 Too many\r\nRetry-After: 0"), UnavailableError, id="429"),
        pytest.param(answering('401 Who\r\nWWW-Authenticate: Basic realm="v2"'), UnavailableError, id="401"),
        pytest.param(answering("421 Misdirected"), UnavailableError, id="421"),
        pytest.param(answering("425 Too early"), UnavailableError, id="425"),
    ],
)
def test_a_submission_is_sent_once_whatever_the_answer(ending: Ending, kind: type[UpstreamError]) -> None:
    timeout_seconds = 1 if ending is silent else 10
    with wire(ending) as server, pytest.raises(kind) as raised:
        a_client(server.url, timeout_seconds=timeout_seconds).start(ORDER)
    assert type(raised.value) is kind
    assert (server.connections, len(server.requests)) == (1, 1)


def test_a_retry_after_date_is_understood() -> None:
    head = "503 Busy\r\nDate: Wed, 01 Jul 2026 09:00:00 GMT\r\nRetry-After: Wed, 01 Jul 2026 09:00:20 GMT"
    with wire(answering(head)) as server:
        with pytest.raises(UncertainError) as raised:
            a_client(server.url).start(ORDER)
        with pytest.raises(UnavailableError) as polled:
            a_client(server.url).job("job1")
    assert (raised.value.retry_after_seconds, polled.value.retry_after_seconds) == (20, 20)


def test_a_refused_connection_means_that_no_submission_arrived() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(UnavailableError, match="no connection"):
        a_client(f"http://127.0.0.1:{port}/v2").start(ORDER)


def a_certificate(folder: Path) -> ssl.SSLContext:
    """Return the server's side of a certificate of an unknown authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    file = folder / "both.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def test_a_server_with_an_untrusted_certificate_gets_no_submission(tmp_path: Path) -> None:
    tls = a_certificate(tmp_path)
    with wire(answering("201 Created", ACCEPTED), tls) as server, pytest.raises(UnavailableError, match="not trusted"):
        a_client(server.url).start(ORDER)
    assert (server.connections, server.requests) == (1, [])


def ordered(coconut: CoconutAccess, video: str) -> int:
    """Return how many jobs the stand-in accepted for one video."""
    ledger = requests.get(f"{coconut.control_url}/_ledger", timeout=5).json()
    return sum(entry["video"] == video for entry in ledger)


def an_order(video: str) -> JobOrder:
    callback_url = f"http://127.0.0.1:9/hook?video={video}&attempt=1&sig=s"
    return replace(ORDER, video_id=video, callback_url=callback_url)


def test_a_submission_that_gets_no_answer_makes_one_job(coconut: CoconutAccess) -> None:
    requests.put(f"{coconut.control_url}/_faults", json={"hang_after": 1}, timeout=5).raise_for_status()
    with pytest.raises(UncertainError):
        a_client(coconut.url, api_key=coconut.api_key, timeout_seconds=1).start(an_order("wirehangafter"))
    eventually(lambda: ordered(coconut, "wirehangafter") == 1)


def test_a_revoked_api_key_counts_as_a_provider_failure(coconut: CoconutAccess) -> None:
    with pytest.raises(UnavailableError, match="HTTP 401 authentication_failed"):
        a_client(coconut.url, api_key="revoked").start(an_order("wirerevoked"))
