"""Multipart uploads of originals: create, list parts, sign or send parts, complete, abort.

Which parts a file has is in domain/part_plan.py; other requests about originals are in storage/object_store.py.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from domain.errors import UnavailableError
from domain.objects import OpenUpload, SignedUpload, StoredPart
from storage.client import Clients, is_missing, is_missing_upload, make_clients, translate_errors
from storage.presign import expiry, sign
from storage.settings import StorageSettings

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef, ListMultipartUploadsOutputTypeDef

_PAGE = 1_000


class Multipart:
    """The multipart uploads of one store. Every method but `presign_part` raises UnavailableError or RefusedError.

    Thread-safe.
    """

    def __init__(self, settings: StorageSettings, clients: Clients | None = None, *, page_size: int = _PAGE) -> None:
        """Use ``clients``, or make new ones. Makes no request."""
        self._bucket = settings.raw_bucket
        self._clients = clients or make_clients(settings)
        self._page_size = page_size

    def create(self, key: str, *, content_type: str) -> str:
        """Create an upload and return its id. Every call creates another one."""
        with translate_errors("creating a multipart upload"):
            created = self._clients.own.create_multipart_upload(Bucket=self._bucket, Key=key, ContentType=content_type)
        return created["UploadId"]

    def parts(self, key: str, upload_id: str) -> tuple[StoredPart, ...] | None:
        """Return the parts that have arrived, by number; None if the upload no longer exists."""
        parts: list[StoredPart] = []
        request: dict[str, Any] = {"Bucket": self._bucket, "Key": key, "UploadId": upload_id}
        while True:
            with translate_errors("listing the parts"):
                try:
                    page = self._clients.own.list_parts(**request, MaxParts=self._page_size)
                except ClientError as error:
                    if is_missing_upload(error):
                        return None
                    raise
            parts.extend(
                StoredPart(
                    item["PartNumber"], item["ETag"].strip('"'), item["Size"], item["LastModified"].astimezone(UTC)
                )
                for item in page.get("Parts", ())
            )
            if not page.get("IsTruncated", False):
                return tuple(parts)
            request["PartNumberMarker"] = page["NextPartNumberMarker"]

    def presign_part(
        self, key: str, upload_id: str, number: int, *, part_bytes: int, expires_seconds: int
    ) -> SignedUpload:
        """Sign a PUT of exactly ``part_bytes`` bytes as one part."""
        signed = {
            "Bucket": self._bucket,
            "Key": key,
            "UploadId": upload_id,
            "PartNumber": number,
            "ContentLength": part_bytes,
        }
        url = sign(self._clients.upload_signer, "upload_part", signed, expires_seconds)
        return SignedUpload("PUT", url, {}, expiry(url))

    def put_part(self, key: str, upload_id: str, number: int, body: bytes) -> StoredPart:
        """Send one part ourselves, and return it. Its time is ours, since no part of the response says it."""
        with translate_errors("sending a part"):
            sent = self._clients.own.upload_part(
                Bucket=self._bucket, Key=key, UploadId=upload_id, PartNumber=number, Body=body
            )
        return StoredPart(number, sent["ETag"].strip('"'), len(body), datetime.now(UTC))

    def complete(self, key: str, upload_id: str, parts: Sequence[StoredPart], *, rejected: str | None = None) -> None:
        """Join all parts into the object. Safe to repeat after a lost response.

        ``rejected``: the version of an earlier object under this key, which must not be taken for the result.
        """
        listed: list[CompletedPartTypeDef] = [{"PartNumber": part.number, "ETag": f'"{part.etag}"'} for part in parts]
        with translate_errors("joining the parts"):
            is_joined = self._join(key, upload_id, listed) and rejected is None
            if not is_joined and not self._is_object_there(key, sum(part.file_bytes for part in parts), rejected):
                raise UnavailableError("joining the parts: the upload is gone")

    def abort(self, key: str, upload_id: str) -> None:
        """Abort an upload and remove its parts; succeeds if it is already gone."""
        with translate_errors("aborting a multipart upload"):
            try:
                self._clients.own.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=upload_id)
            except ClientError as error:
                if not is_missing_upload(error):
                    raise

    def open_uploads(self, prefix: str) -> Iterator[list[OpenUpload]]:
        """List the uploads below ``prefix`` that were neither completed nor aborted."""
        request: dict[str, Any] = {"Bucket": self._bucket, "Prefix": prefix}
        is_done = False
        while not is_done:
            with translate_errors("listing the multipart uploads"):
                page = self._clients.own.list_multipart_uploads(**request, MaxUploads=self._page_size)
            yield _open(page)
            is_done = not page.get("IsTruncated", False)
            # By key alone: not every server continues from an upload id. Further uploads of a page's last key appear
            # in the next listing, once these are gone.
            request["KeyMarker"] = page.get("NextKeyMarker", "")

    def _join(self, key: str, upload_id: str, listed: "list[CompletedPartTypeDef]") -> bool:
        """Return whether the store reports success. Some stores do so for any upload id if an object exists."""
        try:
            # Joining a large file takes minutes at some stores.
            self._clients.copier.complete_multipart_upload(
                Bucket=self._bucket, Key=key, UploadId=upload_id, MultipartUpload={"Parts": listed}
            )
        except ClientError as error:
            if is_missing_upload(error):
                return False
            raise
        return True

    def _is_object_there(self, key: str, file_bytes: int, rejected: str | None) -> bool:
        """Return whether the joined object exists: then the upload is gone because an earlier call completed it."""
        try:
            facts = self._clients.session.head(self._bucket, key)
        except ClientError as error:
            if is_missing(error):
                return False
            raise
        return facts.file_bytes == file_bytes and facts.version != rejected


def _open(page: "ListMultipartUploadsOutputTypeDef") -> list[OpenUpload]:
    return [
        OpenUpload(item["Key"], item["UploadId"], item["Initiated"].astimezone(UTC)) for item in page.get("Uploads", ())
    ]
