"""Signed URLs: secrets that allow their holder one kind of request until they expire. Signing makes no request."""

import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import reduce
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from storage.settings import KeyPair

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# The limit of S3 itself. boto3 would sign longer ones, which no server accepts.
_EXPIRES_SECONDS_MAX = 7 * 24 * 3600
SIGNED_AT_MOST = timedelta(seconds=_EXPIRES_SECONDS_MAX)
# A regular expression, because parsing the whole query takes ten times as long and every upload signs a URL.
_VALIDITY = re.compile(r"[?&]X-Amz-(Date|Expires)=([0-9TZ]+)")
# Characters that would leave the browser's download folder, or change how the name is displayed.
_UNSAFE = re.compile(r"[/\\\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9 !#$&()+,.=@^_`{}~-]")


def sign(signer: "S3Client", operation: str, signed: Mapping[str, Any], expires_seconds: int) -> str:
    """Return a URL for one request with exactly the parameters in ``signed``."""
    if not 0 < expires_seconds <= _EXPIRES_SECONDS_MAX:
        raise ValueError(f"a signed URL lasts 1 to {_EXPIRES_SECONDS_MAX} seconds")
    return signer.generate_presigned_url(operation, Params=dict(signed), ExpiresIn=expires_seconds)


class ReadSigner:
    """Signs reads of many objects of one bucket, as of a given instant.

    A playlist has thousands of segments, and boto3 takes half a millisecond for each URL: fifty times as long as this.
    Signature version 4 in the query: docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
    """

    def __init__(self, base: str, pair: KeyPair, region: str, *, signed_at: datetime, ends_at: datetime) -> None:
        """``base``: of the bucket's objects, with a trailing slash. Raises ValueError if the URLs last too long."""
        seconds = int((ends_at - signed_at).total_seconds())
        if not 0 < seconds <= _EXPIRES_SECONDS_MAX:
            raise ValueError(f"a signed URL lasts 1 to {_EXPIRES_SECONDS_MAX} seconds")
        parts, moment = urlsplit(base), signed_at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        scope = (moment[:8], region, "s3", "aws4_request")
        self._base, self._path = base, parts.path
        self._query = (
            f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={quote('/'.join((pair.access_key, *scope)), safe='')}"
            f"&X-Amz-Date={moment}&X-Amz-Expires={seconds}&X-Amz-SignedHeaders=host"
        )
        self._rest = f"{self._query}\nhost:{parts.netloc}\n\nhost\nUNSIGNED-PAYLOAD"
        self._head = f"AWS4-HMAC-SHA256\n{moment}\n{'/'.join(scope)}\n"
        secret = f"AWS4{pair.secret_key.get_secret_value()}".encode()
        self._key = reduce(lambda key, word: hmac.digest(key, word.encode(), "sha256"), scope, secret)

    def url(self, key: str) -> str:
        """Return the URL that reads the object with this key."""
        quoted = quote(key, safe="/~")
        request = sha256(f"GET\n{self._path}{quoted}\n{self._rest}".encode()).hexdigest()
        signature = hmac.digest(self._key, (self._head + request).encode(), "sha256").hex()
        return f"{self._base}{quoted}?{self._query}&X-Amz-Signature={signature}"


def expiry(url: str) -> datetime:
    """Return when the URL expires, by the clock that signed it."""
    validity = dict(_VALIDITY.findall(url))
    return datetime.fromisoformat(validity["Date"]) + timedelta(seconds=int(validity["Expires"]))


def safe_filename(filename: str) -> str:
    """Return ``filename`` without unsafe characters."""
    return _UNSAFE.sub("_", filename).strip(" .") or "original"


def attachment(filename: str) -> str:
    """Return the Content-Disposition that makes browsers save a file under its name (RFC 6266)."""
    name = safe_filename(filename)
    return f"attachment; filename=\"{_NOT_PLAIN.sub('_', name)}\"; filename*=UTF-8''{quote(name, safe='')}"
