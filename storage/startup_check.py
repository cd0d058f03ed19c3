"""Start-up check: the buckets exist and can be listed.

Later requests cannot detect a missing one: a HEAD has no body, so to `Storage.head` it looks like an original that has
not arrived, and every upload would wait for it until its deadline.
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

# The start waits this long at most: it must not depend on the health of the store.
_TIMEOUT_SECONDS = 3.0


class MissingBucketError(RefusedError):
    """A bucket does not exist."""


def check_buckets(settings: StorageSettings, *, process: str) -> None:
    """If a bucket certainly does not exist, exit saying that ``process`` cannot start; log all other errors.

    A process is useful while the store is away, because it still reads rows, and access that is refused today may be
    granted tomorrow without a change of our settings.
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

        _check(_variables_by_bucket(settings), probe, process=process)


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


def _variables_by_bucket(settings: StorageSettings) -> dict[str, str]:
    """Return the names of the variables that name each bucket."""
    raw, processed = "S3_RAW_BUCKET", "S3_PROCESSED_BUCKET"
    if settings.raw_bucket == settings.processed_bucket:
        return {settings.raw_bucket: f"{raw} and {processed}"}
    return {settings.raw_bucket: raw, settings.processed_bucket: processed}
