"""Before the first request: are the buckets there, and may we look into them?

Asked once, because afterwards nobody can tell: a HEAD has no body, so to `Storage.head` a bucket that is
missing looks like an original that has not arrived, and every upload would wait for it to its deadline.
"""

import sys
from collections.abc import Callable
from contextlib import closing

import structlog
from botocore.exceptions import ClientError, ParamValidationError

from domain.errors import RefusedError, UnavailableError, UpstreamError
from storage.client import is_missing_bucket, make_own_client, translate_errors
from storage.settings import StorageSettings

log = structlog.get_logger(__name__)

# The start waits for this, and it must not become a matter of whether storage is well.
_TIMEOUT_SECONDS = 3.0


class MissingBucketError(RefusedError):
    """Storage says that there is no such bucket."""


def check_buckets(settings: StorageSettings, *, process: str) -> None:
    """End the process, naming ``process`` cannot start, if a bucket is certainly not there; log all other trouble.

    A process that only reads rows is of use while storage is away, and one that is refused today may be
    let in tomorrow by somebody who changes no setting of ours.
    """
    patience = {
        "connect_timeout_seconds": min(_TIMEOUT_SECONDS, settings.connect_timeout_seconds),
        "read_timeout_seconds": min(_TIMEOUT_SECONDS, settings.read_timeout_seconds),
        "max_attempts": 1,
    }
    with closing(make_own_client(settings.model_copy(update=patience))) as client:

        def look(bucket: str) -> None:
            with translate_errors("looking into the bucket"):
                try:
                    # Not a HEAD: its 404 may come from anything that speaks HTTP.
                    client.list_objects_v2(Bucket=bucket, MaxKeys=1)
                except ClientError as error:
                    if is_missing_bucket(error):
                        raise MissingBucketError("there is no such bucket") from error
                    raise
                except ParamValidationError as error:
                    raise MissingBucketError("no bucket can have this name") from error

        judge_buckets(_by_bucket(settings), look, process=process)


def judge_buckets(named: dict[str, str], look: Callable[[str], None], *, process: str) -> None:
    """Look into each bucket of ``named``, which tells the variables that name it."""
    missing: list[str] = []
    for bucket, variables in named.items():
        match _trouble_with(bucket, look):
            case None:
                continue
            case MissingBucketError() as trouble:
                missing.append(f"{variables}: {trouble}")
            case UnavailableError() as trouble:
                log.warning("bucket_not_checked", variable=variables, why=str(trouble))
                break  # the other is at the same address: asking for it would only hold up the start
            case trouble:
                log.error("bucket_refused", variable=variables, why=str(trouble))
    if missing:
        sys.exit(f"{process} cannot start: {'; '.join(missing)}")


def _trouble_with(bucket: str, look: Callable[[str], None]) -> UpstreamError | None:
    try:
        look(bucket)
    except UpstreamError as error:
        return error
    return None


def _by_bucket(settings: StorageSettings) -> dict[str, str]:
    raw, processed = "S3_RAW_BUCKET", "S3_PROCESSED_BUCKET"
    if settings.raw_bucket == settings.processed_bucket:
        return {settings.raw_bucket: f"{raw} and {processed}"}
    return {settings.raw_bucket: raw, settings.processed_bucket: processed}
