"""Signed URLs: secrets that let whoever has them make one request, until they expire. Signing asks nobody."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# The server's own bound. boto3 signs longer ones, which nobody then accepts.
_EXPIRES_SECONDS_MAX = 7 * 24 * 3600
# Read like this because a URL is signed for every upload, and parsing its whole query takes ten times as long.
_VALID = re.compile(r"[?&]X-Amz-(Date|Expires)=([0-9TZ]+)")
# What would lead out of the folder that a browser saves to, or change how the name reads.
_UNSAFE = re.compile(r"[/\\\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9 !#$&()+,.=@^_`{}~-]")


def sign(signer: "S3Client", operation: str, signed: Mapping[str, Any], expires_seconds: int) -> str:
    """Return the URL of a request with just these parameters."""
    if not 0 < expires_seconds <= _EXPIRES_SECONDS_MAX:
        raise ValueError(f"a signed URL lasts 1 to {_EXPIRES_SECONDS_MAX} seconds")
    return signer.generate_presigned_url(operation, Params=dict(signed), ExpiresIn=expires_seconds)


def expiry(url: str) -> datetime:
    """Return when the URL expires, by the clock that signed it."""
    found = dict(_VALID.findall(url))
    return datetime.fromisoformat(found["Date"]) + timedelta(seconds=int(found["Expires"]))


def safe_filename(filename: str) -> str:
    """Return a name to save a file under."""
    return _UNSAFE.sub("_", filename).strip(" .") or "original"


def attachment(filename: str) -> str:
    """Return the Content-Disposition that makes browsers save a file under its name (RFC 6266)."""
    name = safe_filename(filename)
    return f"attachment; filename=\"{_NOT_PLAIN.sub('_', name)}\"; filename*=UTF-8''{quote(name, safe='')}"
