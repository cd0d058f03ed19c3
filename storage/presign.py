"""Signed URLs: secrets that allow their holder one kind of request until they expire. Signing makes no request."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# The limit of S3 itself. boto3 would sign longer ones, which no server accepts.
_EXPIRES_SECONDS_MAX = 7 * 24 * 3600
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
