"""What the edges of CDNs check before they serve a private file, written from their documentation.

They share no code with what signs (storage/private_reads.py): each takes a URL apart, as a server does with a request.
"""

import base64
import hashlib
import hmac
import json
import re
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key


def cloudfront_serves(url: str, *, public_key: str, key_id: str, now: int) -> bool:
    """Return whether CloudFront would serve a URL with a custom policy. ``public_key``: in PEM, as CloudFront has it.

    docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-creating-signed-url-custom-policy.html
    """
    resource, _, query = url.partition("?")
    sent = _parameters(query)
    if sent.keys() != {"Policy", "Signature", "Key-Pair-Id", "Hash-Algorithm"} or sent["Key-Pair-Id"] != key_id:
        return False
    try:
        policy, signature = (_cloudfront_bytes(sent[name]) for name in ("Policy", "Signature"))
    except ValueError:
        return False
    hashed: hashes.HashAlgorithm = hashes.SHA256() if sent["Hash-Algorithm"] == "SHA256" else hashes.SHA1()  # noqa: S303
    key = load_pem_public_key(public_key.encode())
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, policy, padding.PKCS1v15(), hashed)
        else:
            assert isinstance(key, ec.EllipticCurvePublicKey)
            key.verify(signature, policy, ec.ECDSA(hashed))
    except InvalidSignature:
        return False
    (statement,) = json.loads(policy)["Statement"]
    allowed = "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in statement["Resource"])
    return re.fullmatch(allowed, resource) is not None and now < _moment(statement["Condition"], "DateLessThan")


def bunny_serves(url: str, *, key: str, now: int) -> bool:
    """Return whether a pull zone of Bunny would serve a URL with a token in its query.

    docs.bunny.net/cdn/security/token-authentication/advanced
    """
    parts = urlsplit(url)
    sent = _parameters(parts.query)
    token, expires = sent.pop("token", ""), sent.pop("expires", "0")
    path = sent.get("token_path", parts.path)
    signed = "&".join(f"{name}={value}" for name, value in sorted(sent.items()))
    digest = hmac.new(key.encode(), f"{path}{expires}{signed}".encode(), hashlib.sha256).digest()
    expected = "HS256-" + base64.b64encode(digest).decode().replace("+", "-").replace("/", "_").replace("=", "")
    return hmac.compare_digest(token, expected) and parts.path.startswith(path) and now < int(expires)


def cloudflare_serves(url: str, *, key: str, lifetime: int, now: int) -> bool:
    """Return what `is_timed_hmac_valid_v0(key, http.request.uri, lifetime, http.request.timestamp.sec, 8)` returns.

    developers.cloudflare.com/ruleset-engine/rules-language/functions/#hmac-validation
    """
    parts = urlsplit(url)
    found = re.fullmatch(r"(?P<message>.+).{8}(?P<issued>\d{10})-(?P<mac>\S{43,})", f"{parts.path}?{parts.query}")
    if found is None:
        return False
    digest = hmac.new(key.encode(), (found["message"] + found["issued"]).encode(), hashlib.sha256).digest()
    is_ours = hmac.compare_digest(unquote(found["mac"]), base64.b64encode(digest).decode())
    return is_ours and int(found["issued"]) <= now < int(found["issued"]) + lifetime


def _parameters(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query, strict_parsing=True).items() if len(values) == 1}


def _cloudfront_bytes(text: str) -> bytes:
    return base64.b64decode(text.replace("-", "+").replace("_", "=").replace("~", "/"), validate=True)


def _moment(condition: Any, name: str) -> int:
    return int(condition[name]["AWS:EpochTime"])
