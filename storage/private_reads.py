"""URLs that read private files: signed for the store, or for a CDN in front of it (S3_PRIVATE_CDN).

Signing makes no request. Each verifier has a class, and a URL lasts equally long at all of them.
"""

import hmac
import json
import sys
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol
from urllib.parse import quote, quote_plus, urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from storage.presign import SIGNED_AT_MOST, ReadSigner
from storage.settings import PRIVATE_READER_KEYS, KeyPair, PrivateCdn, StorageSettings, require_narrow_keys

_SHARED_KEY_BYTES_MIN = 32
# What CloudFront takes besides P-256: private-content-trusted-signers.html.
_RSA_BITS = 2048
# Its own alphabet of base64: private-content-linux-openssl.html.
_CLOUDFRONT_ALPHABET = str.maketrans("+=/", "-_~")


class PrivateReads(Protocol):
    """Makes URLs of objects by their keys. ``signed_at``: when they count as signed, where that is part of them."""

    def file(self, key: str, *, signed_at: datetime, ends_at: datetime) -> str:
        """Return a URL that reads this object and no other."""
        ...

    def folder(self, folder: str, *, signed_at: datetime, ends_at: datetime) -> Callable[[str], str]:
        """Return what makes the URL of an object below ``folder``; each may read all that lies there.

        ``folder``: without a slash at its end.
        """
        ...


class S3Reads:
    """Presigned URLs of S3, each for one object."""

    def __init__(self, base: str, pair: KeyPair, region: str) -> None:
        """``base``: of the bucket's objects, with a trailing slash."""
        self._base, self._pair, self._region = base, pair, region

    def file(self, key: str, *, signed_at: datetime, ends_at: datetime) -> str:
        """Return a URL that reads this object and no other."""
        return self._signer(signed_at, ends_at).url(key)

    def folder(self, folder: str, *, signed_at: datetime, ends_at: datetime) -> Callable[[str], str]:
        """Return what makes the URL of each object."""
        del folder
        return self._signer(signed_at, ends_at).url

    def _signer(self, signed_at: datetime, ends_at: datetime) -> ReadSigner:
        return ReadSigner(self._base, self._pair, self._region, signed_at=signed_at, ends_at=ends_at)


class BunnyReads:
    """URLs with a token of Bunny, for one object or for a folder: HMAC-SHA256.

    https://docs.bunny.net/cdn/security/token-authentication/advanced, and Bunny's own code:
    https://github.com/BunnyWay/BunnyCDN.TokenAuthentication
    """

    def __init__(self, base: str, key: str) -> None:
        """``base``: where the pull zone serves the bucket. ``key``: its token authentication key."""
        self._origin, self._path = _origin_and_path(base)
        self._key = key.encode()

    def file(self, key: str, *, signed_at: datetime, ends_at: datetime) -> str:
        """Return a URL that reads this object and no other."""
        del signed_at
        path, expires = self._path + _quoted(key), _epoch(ends_at)
        return f"{self._origin}{path}?token={self._token(f'{path}{expires}')}&expires={expires}"

    def folder(self, folder: str, *, signed_at: datetime, ends_at: datetime) -> Callable[[str], str]:
        """Return what makes the URL of an object below ``folder``, whose token reads all that lies there."""
        del signed_at
        # With the slash: a token for `1-abc` would also open `1-abcd`.
        path, expires = f"{self._path}{_quoted(folder)}/", _epoch(ends_at)
        token = self._token(f"{path}{expires}token_path={path}")
        query = f"token={token}&token_path={quote(path, safe='')}&expires={expires}"
        return lambda key: f"{self._origin}{self._path}{_quoted(key)}?{query}"

    def _token(self, message: str) -> str:
        digest = hmac.digest(self._key, message.encode(), "sha256")
        return f"HS256-{urlsafe_b64encode(digest).decode().rstrip('=')}"


class CloudFrontReads:
    """URLs with a custom policy for CloudFront, of one object or of a folder: RSA or ECDSA, with SHA-256.

    In https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/ the pages
    private-content-creating-signed-url-custom-policy.html and, about SHA-256, PrivateCFSignatureCodeAndExamples.html.

    A signature of RSA takes as long as seventy of S3, so the segments of a playlist share it.
    """

    def __init__(self, base: str, key: str, key_id: str) -> None:
        """``key``: private, as PEM; ``key_id``: of its public key at CloudFront. Raises ValueError for another key."""
        self._origin, self._path = _origin_and_path(base)
        self._key, self._key_id = _cloudfront_key(key), key_id

    def file(self, key: str, *, signed_at: datetime, ends_at: datetime) -> str:
        """Return a URL that reads this object and no other."""
        del signed_at
        url = f"{self._origin}{self._path}{_quoted(key)}"
        return f"{url}?{self._query(url, ends_at)}"

    def folder(self, folder: str, *, signed_at: datetime, ends_at: datetime) -> Callable[[str], str]:
        """Return what makes the URL of an object below ``folder``, whose policy reads all that lies there."""
        del signed_at
        query = self._query(f"{self._origin}{self._path}{_quoted(folder)}/*", ends_at)
        return lambda key: f"{self._origin}{self._path}{_quoted(key)}?{query}"

    def _query(self, resource: str, ends_at: datetime) -> str:
        condition = {"DateLessThan": {"AWS:EpochTime": _epoch(ends_at)}}
        statement = {"Statement": [{"Resource": resource, "Condition": condition}]}
        policy = json.dumps(statement, separators=(",", ":")).encode()
        if isinstance(self._key, RSAPrivateKey):
            signature = self._key.sign(policy, PKCS1v15(), SHA256())
        else:
            signature = self._key.sign(policy, ECDSA(SHA256()))
        encoded, signed = (b64encode(part).decode().translate(_CLOUDFRONT_ALPHABET) for part in (policy, signature))
        return f"Policy={encoded}&Signature={signed}&Key-Pair-Id={self._key_id}&Hash-Algorithm=SHA256"


class CloudflareReads:
    """URLs that a custom rule of Cloudflare verifies by `is_timed_hmac_valid_v0`, each for one object.

    https://developers.cloudflare.com/waf/custom-rules/use-cases/configure-token-authentication/

    The rule has one lifetime for all URLs, a week (`SIGNED_AT_MOST`). Each says that it was issued a week before its
    end, which is in the past.
    """

    def __init__(self, base: str, key: str) -> None:
        """``base``: where Cloudflare serves the bucket. ``key``: the secret in the rule."""
        self._origin, self._path = _origin_and_path(base)
        self._key = key.encode()

    def file(self, key: str, *, signed_at: datetime, ends_at: datetime) -> str:
        """Return a URL that reads this object and no other."""
        del signed_at
        return self._url(key, _epoch(ends_at - SIGNED_AT_MOST))

    def folder(self, folder: str, *, signed_at: datetime, ends_at: datetime) -> Callable[[str], str]:
        """Return what makes the URL of each object: a rule would need folders of one length."""
        del folder, signed_at
        issued = _epoch(ends_at - SIGNED_AT_MOST)
        return lambda key: self._url(key, issued)

    def _url(self, key: str, issued: int) -> str:
        path = self._path + _quoted(key)
        digest = hmac.digest(self._key, f"{path}{issued}".encode(), "sha256")
        return f"{self._origin}{path}?verify={issued}-{quote_plus(b64encode(digest))}"


def cdn_reads(settings: StorageSettings) -> PrivateReads | None:
    """Return what signs for the CDN of private files, None if there is none. Raises ValueError for an unusable key."""
    kind, base = settings.private_cdn, settings.private_cdn_base_url
    if kind is None:
        return None
    if base is None or settings.private_cdn_key is None:
        raise ValueError("is missing")
    key = settings.private_cdn_key.get_secret_value()
    if kind == "cloudfront":
        return CloudFrontReads(base, key, settings.private_cdn_key_id or "")
    if len(key.encode()) < _SHARED_KEY_BYTES_MIN:
        raise ValueError(f"must have at least {_SHARED_KEY_BYTES_MIN} bytes")
    return _SHARED_KEY_CDNS[kind](base, key)


_SHARED_KEY_CDNS: Mapping[PrivateCdn, Callable[[str, str], PrivateReads]] = {
    "bunny": BunnyReads,
    "cloudflare": CloudflareReads,
}


def require_private_reads(settings: StorageSettings, *, process: str, prefix: str = "S3_") -> None:
    """Exit with one line unless the settings have a key that may sign reads of private files.

    That is the CDN's, or the store's narrower one, unless the store is on this machine. ``prefix``: of the variables.
    """
    if settings.private_cdn is None:
        peer = settings.signing_endpoint
        require_narrow_keys(settings, PRIVATE_READER_KEYS, peer=peer, process=process, prefix=prefix)
        return
    try:
        cdn_reads(settings)
    except ValueError as error:
        sys.exit(f"{process} cannot start: {prefix}PRIVATE_CDN_KEY: {error}")


def _cloudfront_key(pem: str) -> RSAPrivateKey | EllipticCurvePrivateKey:
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None  # an error may quote what it could not read
    if isinstance(key, RSAPrivateKey) and key.key_size == _RSA_BITS:
        return key
    if isinstance(key, EllipticCurvePrivateKey) and isinstance(key.curve, SECP256R1):
        return key
    raise ValueError("must be a private key in PEM, of RSA with 2048 bits or of ECDSA with the curve P-256")


def _origin_and_path(base: str) -> tuple[str, str]:
    parts = urlsplit(base)
    return f"{parts.scheme}://{parts.netloc}", f"{parts.path.rstrip('/')}/"


def _quoted(key: str) -> str:
    return quote(key, safe="/~")


def _epoch(instant: datetime) -> int:
    return int(instant.timestamp())
