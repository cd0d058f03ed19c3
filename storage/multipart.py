"""Originals that come in parts: open an upload, see what arrived, sign what is missing, join it, or give it up.

Which parts a file has is in plan.py. Everything else about originals is in storage.py.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from domain.errors import UnavailableError
from domain.objects import OpenUpload, SignedUpload, StoredPart
from storage.client import Clients, is_missing, is_missing_upload, make_clients, translate_errors
from storage.object_store import facts_of
from storage.presign import expiry, sign
from storage.settings import StorageSettings

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef, ListMultipartUploadsOutputTypeDef

_PAGE = 1_000


class Multipart:
    """One object store. Every method but the signing one raises UnavailableError or RefusedError. Thread-safe."""

    def __init__(self, settings: StorageSettings, clients: Clients | None = None, *, page_size: int = _PAGE) -> None:
        """Make the clients unless there are some to share; nothing is asked yet."""
        self._bucket = settings.raw_bucket
        self._clients = clients or make_clients(settings)
        self._page_size = page_size

    def create(self, key: str, *, content_type: str) -> str:
        """Open an upload and return its id. Each call opens another one."""
        with translate_errors("opening a multipart upload"):
            answer = self._clients.own.create_multipart_upload(Bucket=self._bucket, Key=key, ContentType=content_type)
        return answer["UploadId"]

    def parts(self, key: str, upload_id: str) -> tuple[StoredPart, ...] | None:
        """Return the parts that arrived, by number; None when there is no such upload any more."""
        found: list[StoredPart] = []
        request: dict[str, Any] = {"Bucket": self._bucket, "Key": key, "UploadId": upload_id}
        while True:
            with translate_errors("listing the parts"):
                try:
                    page = self._clients.own.list_parts(**request, MaxParts=self._page_size)
                except ClientError as error:
                    if is_missing_upload(error):
                        return None
                    raise
            found.extend(
                StoredPart(
                    item["PartNumber"], item["ETag"].strip('"'), item["Size"], item["LastModified"].astimezone(UTC)
                )
                for item in page.get("Parts", ())
            )
            if not page.get("IsTruncated", False):
                return tuple(found)
            request["PartNumberMarker"] = page["NextPartNumberMarker"]

    def presign_part(
        self, key: str, upload_id: str, number: int, *, part_bytes: int, expires_seconds: int
    ) -> SignedUpload:
        """Sign a PUT of just this many bytes as one part."""
        signed = {
            "Bucket": self._bucket,
            "Key": key,
            "UploadId": upload_id,
            "PartNumber": number,
            "ContentLength": part_bytes,
        }
        url = sign(self._clients.upload_signer, "upload_part", signed, expires_seconds)
        return SignedUpload("PUT", url, {}, expiry(url))

    def complete(self, key: str, upload_id: str, parts: Sequence[StoredPart], *, rejected: str | None = None) -> None:
        """Join the parts, which must be all there are. Repeating it after a lost answer is no trouble.

        ``rejected``: the version of an object that was there before and is not the one to be made.
        """
        listed: list[CompletedPartTypeDef] = [{"PartNumber": part.number, "ETag": f'"{part.etag}"'} for part in parts]
        with translate_errors("joining the parts"):
            is_certain = self._join(key, upload_id, listed) and rejected is None
            if not is_certain and not self._is_joined(key, sum(part.file_bytes for part in parts), rejected):
                raise UnavailableError("joining the parts: the upload is gone")

    def abort(self, key: str, upload_id: str) -> None:
        """Give an upload up, with its parts. One that is gone already is no trouble."""
        with translate_errors("giving a multipart upload up"):
            try:
                self._clients.own.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=upload_id)
            except ClientError as error:
                if not is_missing_upload(error):
                    raise

    def open_uploads(self, prefix: str) -> Iterator[list[OpenUpload]]:
        """Walk through the uploads below ``prefix`` that were neither completed nor given up."""
        request: dict[str, Any] = {"Bucket": self._bucket, "Prefix": prefix}
        is_done = False
        while not is_done:
            with translate_errors("listing the multipart uploads"):
                page = self._clients.own.list_multipart_uploads(**request, MaxUploads=self._page_size)
            yield _open(page)
            is_done = not page.get("IsTruncated", False)
            # By keys alone: not every server finds the next page by an upload id. What a page leaves of its last key
            # comes in the next walk, when these are gone.
            request["KeyMarker"] = page.get("NextKeyMarker", "")

    def _join(self, key: str, upload_id: str, listed: "list[CompletedPartTypeDef]") -> bool:
        """Tell whether storage says that the parts are joined now. Some say so of any upload, if an object is there."""
        try:
            self._clients.own.complete_multipart_upload(
                Bucket=self._bucket, Key=key, UploadId=upload_id, MultipartUpload={"Parts": listed}
            )
        except ClientError as error:
            if is_missing_upload(error):
                return False
            raise
        return True

    def _is_joined(self, key: str, file_bytes: int, rejected: str | None) -> bool:
        """Tell whether the object is there: then the upload is gone because an earlier call joined it."""
        try:
            facts = facts_of(self._clients.own.head_object(Bucket=self._bucket, Key=key))
        except ClientError as error:
            if is_missing(error):
                return False
            raise
        return facts.file_bytes == file_bytes and facts.version != rejected


def _open(page: "ListMultipartUploadsOutputTypeDef") -> list[OpenUpload]:
    return [
        OpenUpload(item["Key"], item["UploadId"], item["Initiated"].astimezone(UTC)) for item in page.get("Uploads", ())
    ]
