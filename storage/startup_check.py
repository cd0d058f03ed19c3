"""Start-up checks: the buckets exist and can be listed, and a signed upload cannot be turned into a copy.

Later requests cannot detect a missing one: a HEAD has no body, so to `Storage.head` it looks like an original that has
not arrived, and every upload would wait for it until its deadline.
"""

import re
import sys
from collections.abc import Callable
from contextlib import closing, suppress

import structlog
from botocore.exceptions import ClientError, ParamValidationError

from domain.errors import RefusedError, UnavailableError, UpstreamError
from domain.object_keys import UPLOADS_PREFIX
from storage.client import (
    is_missing_bucket,
    make_own_client,
    make_probe_signer,
    put_signed,
    translate_errors,
)
from storage.presign import sign
from storage.settings import StorageSettings
from storage.signed_session import NO_RESPONSE

log = structlog.get_logger(__name__)

# The start waits this long at most: it must not depend on the health of the store.
_TIMEOUT_SECONDS = 3.0
_PROBE = f"{UPLOADS_PREFIX}.probe"
_PROBE_SECONDS = 60
# Stores differ in how they refuse a header that was not signed, or a copy. Any other status means that they took it.
_REFUSALS = frozenset({400, 401, 403, 405, 501})
_TOO_MANY_REQUESTS = 429
_ANSWER_BYTES_MAX = 4096
_CODE = re.compile(r"<Code>(\w+)</Code>")


class MissingBucketError(RefusedError):
    """A bucket does not exist."""


def check_buckets(settings: StorageSettings, *, process: str, prefix: str = "S3_") -> None:
    """If a bucket certainly does not exist, exit saying that ``process`` cannot start; log all other errors.

    A process is useful while the store is away, because it still reads rows, and access that is refused today may be
    granted tomorrow without a change of our settings. ``prefix``: how the store's variables begin.
    """
    short_timeouts = {
        "connect_timeout_seconds": min(_TIMEOUT_SECONDS, settings.connect_timeout_seconds),
        "read_timeout_seconds": min(_TIMEOUT_SECONDS, settings.read_timeout_seconds),
        "max_attempts": 1,
    }
    with closing(make_own_client(settings.model_copy(update=short_timeouts))) as client:

        def probe(bucket: str) -> None:
            with translate_errors("listing the bucket"):
                try:
                    # Not a HEAD: any HTTP server may answer 404.
                    client.list_objects_v2(Bucket=bucket, MaxKeys=1)
                except ClientError as error:
                    if is_missing_bucket(error):
                        raise MissingBucketError("there is no such bucket") from error
                    raise
                except ParamValidationError as error:
                    raise MissingBucketError("no bucket can have this name") from error

        _check(_variables_by_bucket(settings, prefix), probe, process=process)


def check_upload_signing(settings: StorageSettings, *, process: str, prefix: str = "S3_") -> None:
    """If the store takes a header that was not signed, exit saying that ``process`` cannot start; log missing answers.

    With `x-amz-copy-source` the holder of an upload's URL would have any object copied, with the rights of the key that
    signed it (CVE-2026-54330). The store refuses that, or the key cannot read.
    """
    signer, own = make_probe_signer(settings), make_own_client(settings)
    with closing(signer), closing(own):
        url = sign(signer, "put_object", {"Bucket": settings.raw_bucket, "Key": _PROBE}, _PROBE_SECONDS)
        source = f"/{settings.raw_bucket}/{_PROBE}-source"
        try:
            with translate_errors("probing the signature of uploads"):
                status, code = _put(url, {"x-amz-copy-source": source})
        except UpstreamError as error:
            log.warning("upload_signing_not_checked", error=str(error))
            return
        if status in _REFUSALS:
            return
        if status >= 500 or status == _TOO_MANY_REQUESTS or 300 <= status < 400 or code == "NoSuchBucket":
            log.warning("upload_signing_not_checked", error=f"HTTP {status} {code}".rstrip())
            return
        with suppress(ClientError, *NO_RESPONSE):
            own.delete_object(Bucket=settings.raw_bucket, Key=_PROBE)
    sys.exit(
        f"{process} cannot start: {prefix}ENDPOINT: the store takes headers that were not signed (CVE-2026-54330; it "
        f"answered HTTP {status}), so every user could copy any object; update the store, or give "
        f"{prefix}RAW_WRITER_ACCESS_KEY a key that can do nothing but put objects below uploads/"
    )


def _put(url: str, headers: dict[str, str]) -> tuple[int, str]:
    """Send a PUT without a body; return the status of the response, and the code of S3 in it."""
    answer = put_signed(url, headers, seconds=_TIMEOUT_SECONDS)
    code = _CODE.search(answer.content[:_ANSWER_BYTES_MAX].decode(errors="replace"))
    return answer.status_code, code[1] if code else ""


def _check(variables_by_bucket: dict[str, str], probe: Callable[[str], None], *, process: str) -> None:
    missing: list[str] = []
    for bucket, variables in variables_by_bucket.items():
        try:
            probe(bucket)
        except MissingBucketError as error:
            missing.append(f"{variables}: {error}")
        except UnavailableError as error:
            log.warning("bucket_not_checked", variable=variables, error=str(error))
            break  # the other bucket is at the same endpoint: trying it would only delay the start
        except UpstreamError as error:
            # Without a traceback: the message says it all.
            log.error("bucket_refused", variable=variables, error=str(error))  # noqa: TRY400
    if missing:
        sys.exit(f"{process} cannot start: {'; '.join(missing)}")


def _variables_by_bucket(settings: StorageSettings, prefix: str) -> dict[str, str]:
    """Return the names of the variables that name each bucket."""
    raw, processed = f"{prefix}RAW_BUCKET", f"{prefix}PROCESSED_BUCKET"
    if settings.raw_bucket == settings.processed_bucket:
        return {settings.raw_bucket: f"{raw} and {processed}"}
    return {settings.raw_bucket: raw, settings.processed_bucket: processed}
