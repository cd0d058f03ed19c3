"""The public keys of whoever issues tokens: fetched, kept for a while, each bound to the one algorithm it is for.

Which URL is asked is a setting; nothing in a token leads anywhere. An unknown key id lets us ask again, but not more
often than once a minute, whoever sends how many of them.
"""

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

ALGORITHMS: Final = ("RS256", "ES256")
_BYTES_MAX = 64 * 1024
_KEYS_MAX = 32
_PIECE_BYTES = 8192
_RSA_BITS_MIN = 2048
# So long a key that was withdrawn is still believed.
_KEPT_SECONDS = 600.0
_REFRESH_SECONDS_MIN = 60.0
# As long as there are none at all, nobody gets in: that is worth asking more often.
_FIRST_SECONDS_MIN = 5.0
_TIMEOUT_SECONDS = 3

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class VerifyingKey:
    """A public key, and the only algorithm that it verifies."""

    key: RSAPublicKey | EllipticCurvePublicKey
    algorithm: str


class KeySet:
    """The newest keys by their ids. Safe from several threads; only one of them asks for new ones."""

    def __init__(self, fetch: Callable[[], bytes], monotonic: Callable[[], float]) -> None:
        self._fetch = fetch
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._keys: dict[str, VerifyingKey] | None = None
        self._asked_at = -_KEPT_SECONDS
        self.version = 0

    def key(self, key_id: str) -> VerifyingKey | None:
        """Return the key of this id; None if there is none. Raises UnavailableError as long as no keys were got."""
        self.refresh()
        if self._keys is not None and key_id not in self._keys:
            self._refresh_after(_REFRESH_SECONDS_MIN)
        if self._keys is None:
            raise UnavailableError("getting the keys of tokens: none were got yet")
        return self._keys.get(key_id)

    def refresh(self) -> None:
        """Get the keys anew if those that are here are old."""
        self._refresh_after(_KEPT_SECONDS if self._keys is not None else _FIRST_SECONDS_MIN)

    def _refresh_after(self, seconds: float) -> None:
        if self._monotonic() - self._asked_at < seconds:
            return
        # Whoever comes meanwhile goes on with what is there, and waits only while there is nothing.
        if not self._lock.acquire(blocking=self._keys is None):
            return
        try:
            if self._monotonic() - self._asked_at >= seconds:
                self._asked_at = self._monotonic()
                self._replace()
        finally:
            self._lock.release()

    def _replace(self) -> None:
        try:
            keys = parse_keys(self._fetch())
        except (UnavailableError, ValueError) as error:
            # The old ones stay: an issuer that is away for a moment locks nobody out.
            _log.warning("the keys of tokens were not got", detail=str(error))
            return
        if keys != self._keys:
            self._keys = keys
            self.version += 1


def parse_keys(document: bytes) -> dict[str, VerifyingKey]:
    """Return the keys of a set that we can use; others are left out. Raises ValueError when it is no set of keys."""
    if len(document) > _BYTES_MAX:
        raise ValueError(f"more than {_BYTES_MAX} bytes")
    match orjson.loads(document):
        case {"keys": list(entries)} if len(entries) <= _KEYS_MAX:
            found = [(entry.get("kid"), _usable(entry)) for entry in entries if isinstance(entry, dict)]
        case _:
            raise ValueError(f"not a set of at most {_KEYS_MAX} keys")
    return {key_id: key for key_id, key in found if key is not None and isinstance(key_id, str)}


def _usable(entry: dict[str, Any]) -> VerifyingKey | None:
    if entry.get("use", "sig") != "sig":
        return None
    try:
        # Without private parts and symmetric secrets: what everybody can read signs nothing.
        key = jwt.PyJWK(entry, algorithm=_algorithm_of(entry)).key
    except (jwt.PyJWTError, ValueError, KeyError, TypeError):
        return None
    if isinstance(key, RSAPublicKey) and key.key_size >= _RSA_BITS_MIN:
        return VerifyingKey(key, "RS256")
    if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        return VerifyingKey(key, "ES256")
    return None


def _algorithm_of(entry: dict[str, Any]) -> str:
    """Return the algorithm of a key's kind, if the key says no other. Raises KeyError."""
    algorithm = {"RSA": "RS256", "EC": "ES256"}[entry["kty"]]
    if entry.get("alg", algorithm) != algorithm:
        raise KeyError(entry["alg"])
    return algorithm


def from_url(url: str) -> Callable[[], bytes]:
    """Return what asks the issuer. It follows nobody elsewhere, and raises UnavailableError."""

    def fetch() -> bytes:
        try:
            with requests.get(url, timeout=_TIMEOUT_SECONDS, allow_redirects=False, stream=True) as answer:
                if answer.status_code != requests.codes.ok:
                    raise UnavailableError(f"getting the keys of tokens: HTTP {answer.status_code}")
                received = b""
                for piece in answer.iter_content(_PIECE_BYTES):
                    received += piece
                    if len(received) > _BYTES_MAX:
                        break
                return received
        except (requests.RequestException, OSError) as error:
            raise UnavailableError("getting the keys of tokens: no answer") from error

    return fetch


def from_file(file: Path) -> Callable[[], bytes]:
    """Return what reads a mounted file, which is replaced when keys are rotated. It raises UnavailableError."""

    def fetch() -> bytes:
        try:
            return file.read_bytes()
        except OSError as error:
            raise UnavailableError("reading the keys of tokens") from error

    return fetch
