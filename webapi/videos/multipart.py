"""Multipart uploads: opened in storage when a client asks for URLs, inspected, completed, aborted.

The row names the newest upload; storage is asked each time whether it is open and which parts it has. The operator
aborts uploads that no row names, left by a process that ended in between (controller/actions/multipart_gc.py).
"""

import structlog

from database.commands import VideoCommands
from domain.errors import UpstreamError
from domain.objects import SignedUpload, StoredPart
from domain.part_plan import PartPlan, plan_for
from domain.records import VideoRow
from domain.video import UploadMode
from webapi.http.problems import HttpProblemError, ProblemCode
from webapi.videos.stores import Stores

_log = structlog.get_logger(__name__)

# How many part numbers a problem names; `GET …/parts` has the whole list.
_NAMED_MAX = 5
_JOINED = "all parts have arrived; the file is about to be verified"


class Multiparts:
    """The multipart uploads of all videos. Every method raises HttpProblemError and UnavailableError."""

    def __init__(
        self,
        commands: VideoCommands,
        stores: Stores,
        *,
        part_bytes: int,
        url_seconds: int,
    ) -> None:
        self._commands = commands
        self._stores = stores
        self._part_bytes = part_bytes
        self._url_seconds = url_seconds

    def plan(self, row: VideoRow) -> PartPlan | None:
        """Return how the file is cut into parts, None if it is sent in one piece."""
        file_bytes = row.desired.declared_bytes
        if row.desired.upload_mode is not UploadMode.MULTIPART or file_bytes is None:
            return None
        if row.part_bytes is not None:
            return PartPlan(file_bytes, row.part_bytes)
        return plan_for(file_bytes, preferred_part_bytes=self._part_bytes)

    def arrived(self, row: VideoRow, plan: PartPlan) -> tuple[StoredPart, ...]:
        """Return the valid parts in storage. Raises HttpProblemError if the file is complete already."""
        parts = self._parts_in_storage(row)
        if parts is None:
            self._refuse_complete(row)
        return plan.valid(parts or ())

    def open(self, row: VideoRow, plan: PartPlan) -> VideoRow:
        """Open an upload unless storage has one open, and return the row that names it."""
        parts = self._stores.for_upload(row).parts
        if self._parts_in_storage(row) is not None:
            return row
        self._refuse_complete(row)
        key = row.desired.storage_key
        upload_id = parts.create(key, content_type=row.desired.content_type)
        updated = self._commands.open_upload(
            row.desired.video_id, upload_id=upload_id, part_bytes=plan.part_bytes, instead_of=row.upload_id
        )
        if updated.upload_id != upload_id:
            self._abort(row, upload_id)
        if updated.upload_id is None or updated.upload_id == row.upload_id:
            raise HttpProblemError(ProblemCode.UPLOAD_CLOSED, "the video is no longer waiting for a file")
        return updated

    def sign(self, row: VideoRow, plan: PartPlan, number: int) -> SignedUpload:
        """Sign the PUT of one part. The row must come from `open`."""
        assert row.upload_id is not None  # noqa: S101  `open` returns no other row
        return self._stores.of(row).parts.presign_part(
            row.desired.storage_key,
            row.upload_id,
            number,
            part_bytes=plan.bytes_of(number),
            expires_seconds=self._url_seconds,
        )

    def join(self, row: VideoRow, plan: PartPlan) -> None:
        """Complete the upload, unless that was done before."""
        parts = self._parts_in_storage(row)
        if parts is None and self._stores.of(row).storage.head(row.desired.storage_key) is not None:
            return
        missing = plan.missing(parts or ())
        if missing or row.upload_id is None:
            raise HttpProblemError(ProblemCode.PARTS_MISSING, f"{_missing(missing)}; nothing was changed")
        rejected = row.observed.rejected.version if row.observed.rejected else None
        valid = plan.valid(parts or ())
        self._stores.of(row).parts.complete(row.desired.storage_key, row.upload_id, valid, rejected=rejected)

    def abort(self, row: VideoRow) -> None:
        """Abort the upload of a deleted video. If storage does not respond, the operator aborts it later."""
        if row.upload_id is not None:
            self._abort(row, row.upload_id)

    def _parts_in_storage(self, row: VideoRow) -> tuple[StoredPart, ...] | None:
        if row.upload_id is None:
            return None
        return self._stores.of(row).parts.parts(row.desired.storage_key, row.upload_id)

    def _refuse_complete(self, row: VideoRow) -> None:
        """Raise HttpProblemError if storage has the file, and it is not the one that was rejected before."""
        facts, rejected = self._stores.of(row).storage.head(row.desired.storage_key), row.observed.rejected
        is_known_bad = facts is not None and rejected is not None and facts.version == rejected.version
        if facts is not None and not is_known_bad:
            raise HttpProblemError(ProblemCode.UPLOAD_CLOSED, _JOINED)

    def _abort(self, row: VideoRow, upload_id: str) -> None:
        try:
            self._stores.of(row).parts.abort(row.desired.storage_key, upload_id)
        except (UpstreamError, HttpProblemError) as error:
            _log.warning("upload_left_open", error=str(error))


def _missing(numbers: tuple[int, ...]) -> str:
    if len(numbers) == 1:
        return f"part {numbers[0]} has not arrived"
    named = ", ".join(map(str, numbers[:_NAMED_MAX]))
    rest = len(numbers) - _NAMED_MAX
    return f"parts {named}" + (f" and {rest} more" if rest > 0 else "") + " have not arrived"
