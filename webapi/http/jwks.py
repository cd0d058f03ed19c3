"""The token issuer's public keys (JWKS): fetched, cached, each bound to one algorithm.

The URL is a setting; no part of a token is ever fetched. An unknown key id causes another fetch, at most once a minute.
Fetching happens in a thread of its own. Calls wait for it only if they cannot do without, only few of them, and only
those with a token that names the issuer's algorithms.
"""

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import jwt
import orjson
import requests
import structlog
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from domain.errors import UnavailableError
from runtime.bulkhead import Bulkhead
from runtime.deadline import exchange

ALGORITHMS: Final = ("RS256", "ES256")
_BYTES_MAX = 64 * 1024
_KEYS_MAX = 32
_RSA_BITS_MIN = 2048
# The longest that a withdrawn key stays trusted, and the age at which keys are fetched again while calls continue.
_MAX_AGE_SECONDS = 600.0
_RENEWAL_SECONDS = 540.0
_REFRESH_SECONDS_MIN = 60.0
# While there are no keys at all, no token is accepted, so the issuer is asked more often.
_FIRST_SECONDS_MIN = 5.0
# For the whole answer. A call that waits for it waits a little longer.
_TIMEOUT_SECONDS = 3.0
_WAIT_SECONDS = 4.0
# Threads that wait for keys at a time.
_WAITING_MAX = 4

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class VerifyingKey:
    """A public key and the one algorithm that it verifies."""

    key: RSAPublicKey | EllipticCurvePublicKey
    algorithm: str


class KeySet:
    """The newest keys by their ids. Thread-safe; one thread at a time fetches."""

    def __init__(self, fetch: Callable[[], bytes], monotonic: Callable[[], float]) -> None:
        self._fetch = fetch
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._waiting = Bulkhead("the issuer's keys", at_most=_WAITING_MAX, patience_seconds=0)
        self._keys: dict[str, VerifyingKey] | None = None
        # When the last fetch began, and when the last one ended, with or without keys.
        self._began_at = self._ended_at = -math.inf
        self._fetching: threading.Thread | None = None
        self.version = 0

    def key(self, key_id: str) -> VerifyingKey | None:
        """Return the key of this id, None if there is none. Raises UnavailableError until keys were fetched once."""
        self.refresh()
        if self._keys is not None and key_id not in self._keys:
            self._wait_for(self._fetch_after(_REFRESH_SECONDS_MIN))
        if self._keys is None:
            raise UnavailableError("fetching the issuer's keys: none were fetched yet")
        return self._keys.get(key_id)

    def refresh(self) -> None:
        """Fetch the keys again if they are old, and wait for that if they are too old to be used."""
        is_too_old = self._keys is None or self._monotonic() - self._ended_at >= _MAX_AGE_SECONDS
        fetching = self._fetch_after(_RENEWAL_SECONDS if self._keys is not None else _FIRST_SECONDS_MIN)
        if is_too_old:
            self._wait_for(fetching)

    def _fetch_after(self, seconds: float) -> threading.Thread | None:
        """Begin a fetch unless one began so lately; return the one under way."""
        with self._lock:
            if self._fetching is None and self._monotonic() - self._began_at >= seconds:
                self._began_at = self._monotonic()
                self._fetching = threading.Thread(target=self._replace, name="jwks", daemon=True)
                self._fetching.start()
            return self._fetching

    def _wait_for(self, fetching: threading.Thread | None) -> None:
        if fetching is not None:
            with self._waiting.slot():
                fetching.join(_WAIT_SECONDS)

    def _replace(self) -> None:
        try:
            keys = parse_keys(self._fetch())
            if keys != self._keys:
                self._keys = keys
                self.version += 1
        except (UnavailableError, ValueError) as error:
            # The old keys stay: a short outage of the issuer must not lock users out.
            _log.warning("jwks_fetch_failed", error=str(error))
        finally:
            with self._lock:
                self._ended_at = self._monotonic()
                self._fetching = None


def parse_keys(document: bytes) -> dict[str, VerifyingKey]:
    """Return the usable keys of a JWK set by their ids. Raises ValueError if the document is no JWK set."""
    if len(document) > _BYTES_MAX:
        raise ValueError(f"more than {_BYTES_MAX} bytes")
    match orjson.loads(document):
        case {"keys": list(entries)} if len(entries) <= _KEYS_MAX:
            keys = [(entry.get("kid"), _usable(entry)) for entry in entries if isinstance(entry, dict)]
        case _:
            raise ValueError(f"not a set of at most {_KEYS_MAX} keys")
    return {key_id: key for key_id, key in keys if key is not None and isinstance(key_id, str)}


def _usable(entry: dict[str, Any]) -> VerifyingKey | None:
    if entry.get("use", "sig") != "sig":
        return None
    try:
        # PyJWK also reads private and symmetric keys; the checks below leave only public ones.
        key = jwt.PyJWK(entry, algorithm=_algorithm_of(entry)).key
    except (jwt.PyJWTError, ValueError, KeyError, TypeError):
        return None
    if isinstance(key, RSAPublicKey) and key.key_size >= _RSA_BITS_MIN:
        return VerifyingKey(key, "RS256")
    if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        return VerifyingKey(key, "ES256")
    return None


def _algorithm_of(entry: dict[str, Any]) -> str:
    """Return the one algorithm for a key of this type. Raises KeyError if the key names another."""
    algorithm = {"RSA": "RS256", "EC": "ES256"}[entry["kty"]]
    if entry.get("alg", algorithm) != algorithm:
        raise KeyError(entry["alg"])
    return algorithm


def from_url(url: str, *, timeout_seconds: float = _TIMEOUT_SECONDS) -> Callable[[], bytes]:
    """Return a function that fetches a URL without following redirects. It raises UnavailableError."""

    def fetch() -> bytes:
        try:
            response = exchange(
                "GET",
                url,
                timeout_seconds=(timeout_seconds, timeout_seconds),
                longest_seconds=timeout_seconds,
                bytes_max=_BYTES_MAX,
            )
        except (requests.RequestException, OSError) as error:
            raise UnavailableError("fetching the issuer's keys: no response") from error
        if response.status_code != requests.codes.ok:
            raise UnavailableError(f"fetching the issuer's keys: HTTP {response.status_code}")
        return response.content

    return fetch


def from_file(file: Path) -> Callable[[], bytes]:
    """Return a function that reads a file, which may be replaced when keys are rotated. It raises UnavailableError."""

    def fetch() -> bytes:
        try:
            return file.read_bytes()
        except OSError as error:
            raise UnavailableError("reading the issuer's keys") from error

    return fetch
