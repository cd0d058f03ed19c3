"""Tokens of an issuer that publishes its keys: a real API process reads them from a real server."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import ec

from domain.errors import UnavailableError
from tests.integration.api_process import AUDIENCE, ISSUER, running, without_upstreams
from webapi.http.jwks import from_url

KEY = ec.generate_private_key(ec.SECP256R1())
PUBLISHED = {"keys": [{**jwt.algorithms.ECAlgorithm.to_jwk(KEY.public_key(), as_dict=True), "kid": "e1"}]}
ORIGIN = "https://app.example.com"


class _Issuer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/keys":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(PUBLISHED).encode())
        elif self.path == "/endless":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b" " * 1_000_000)
        else:
            self.send_response(302 if self.path == "/elsewhere" else 500)
            self.send_header("Location", "/keys")
            self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def issuer() -> Iterator[str]:
    """The URL of a server that publishes keys."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Issuer)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    serving.join()
    server.server_close()


def test_an_issuers_tokens_are_accepted_from_allowed_origins(issuer: str, tmp_path: Path) -> None:
    environment = without_upstreams(tmp_path) | {"JWT_JWKS_URL": f"{issuer}/keys", "CORS_ORIGINS": ORIGIN}
    del environment["JWT_SIGNING_KEY"]
    with running(environment, tmp_path) as api:
        statuses = [_listed(api.url, key_id).status_code for key_id in ("e1", "e2")]
        preflight = requests.options(
            f"{api.url}/api/v1/videos",
            headers={"Origin": ORIGIN, "Access-Control-Request-Method": "POST"},
            timeout=20,
        )

    # Postgres is away: who gets so far was let in.
    assert statuses == [503, 401]
    assert (preflight.status_code, preflight.headers["Access-Control-Allow-Origin"]) == (204, ORIGIN)


@pytest.mark.parametrize("path", ["/elsewhere", "/broken"])
def test_keys_are_read_only_from_the_configured_url(issuer: str, path: str) -> None:
    with pytest.raises(UnavailableError):
        from_url(issuer + path)()


def test_an_endless_key_set_is_not_read_to_its_end(issuer: str) -> None:
    with pytest.raises(UnavailableError):
        from_url(f"{issuer}/endless")()


def _listed(url: str, key_id: str) -> requests.Response:
    claims = {"sub": "ann", "iss": ISSUER, "aud": AUDIENCE, "exp": int(time.time()) + 600}
    sent = jwt.encode(claims, KEY, algorithm="ES256", headers={"kid": key_id})
    return requests.get(f"{url}/api/v1/videos", headers={"Authorization": f"Bearer {sent}"}, timeout=20)
