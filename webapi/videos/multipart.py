"""Uploads in parts: opened at storage when somebody is about to send, asked there what arrived, joined, given up.

The row names the newest upload; whether it is still open, and what it holds, is asked of storage each time. An upload
that no row names any more, because a process ended in between, is found by the operator
(controller/actions/multipart_gc.py).
"""

import structlog

from domain.errors import UpstreamError
from domain.objects import StoredPart
from domain.part_plan import PartPlan, plan_for
from domain.records import VideoRow
from domain.video import UploadMode
from webapi.http.problems import ProblemCode, ProblemError
from webapi.ports import Parts, SignedUpload, Storage, VideoCommands

log = structlog.get_logger(__name__)

# Enough to see what is wrong; the whole list is in `GET …/parts`.
_NAMED_MAX = 5
_JOINED = "all parts have arrived; the file is about to be verified"


class Multiparts:
    """The multipart uploads of all videos. Every method raises ProblemError, UnavailableError."""

    def __init__(
        self, commands: VideoCommands, parts: Parts, storage: Storage, *, part_bytes: int, url_seconds: int
    ) -> None:
        self._commands = commands
        self._parts = parts
        self._storage = storage
        self._part_bytes = part_bytes
        self._url_seconds = url_seconds

    def plan(self, row: VideoRow) -> PartPlan | None:
        """Return how the file is cut; None if it comes in one piece."""
        file_bytes = row.desired.declared_bytes
        if row.desired.upload_mode is not UploadMode.MULTIPART or file_bytes is None:
            return None
        if row.part_bytes is not None:
            return PartPlan(file_bytes, row.part_bytes)
        return plan_for(file_bytes, preferred_part_bytes=self._part_bytes)

    def arrived(self, row: VideoRow, plan: PartPlan) -> tuple[StoredPart, ...]:
        """Return the good parts at storage; none if there is no upload for the file that is waited for."""
        parts = self._held(row)
        if parts is None:
            self._refuse_joined(row)
        return plan.valid(parts or ())

    def opened(self, row: VideoRow, plan: PartPlan) -> VideoRow:
        """Return the row with an upload that storage has open."""
        if self._held(row) is not None:
            return row
        self._refuse_joined(row)
        key = row.desired.storage_key
        upload_id = self._parts.create(key, content_type=row.desired.content_type)
        after = self._commands.open_upload(
            row.desired.video_id, upload_id=upload_id, part_bytes=plan.part_bytes, instead_of=row.upload_id
        )
        if after.upload_id != upload_id:
            self._abort(key, upload_id)
        if after.upload_id is None or after.upload_id == row.upload_id:
            raise ProblemError(ProblemCode.UPLOAD_CLOSED, "the video waits for no file any more")
        return after

    def sign(self, row: VideoRow, plan: PartPlan, number: int) -> SignedUpload:
        """Sign the PUT of one part of an open upload."""
        assert row.upload_id is not None  # noqa: S101  `opened` returns no other row
        return self._parts.presign_part(
            row.desired.storage_key,
            row.upload_id,
            number,
            part_bytes=plan.bytes_of(number),
            expires_seconds=self._url_seconds,
        )

    def join(self, row: VideoRow, plan: PartPlan) -> None:
        """Make the file of its parts, unless that has been done."""
        parts = self._held(row)
        if parts is None and self._storage.head(row.desired.storage_key) is not None:
            return
        missing = plan.missing(parts or ())
        if missing or row.upload_id is None:
            raise ProblemError(ProblemCode.PARTS_MISSING, f"storage has not got {_named(missing)}; nothing was changed")
        rejected = row.observed.rejected.version if row.observed.rejected else None
        self._parts.complete(row.desired.storage_key, row.upload_id, plan.valid(parts or ()), rejected=rejected)

    def give_up(self, row: VideoRow) -> None:
        """Give the upload of a deleted video up, if storage answers; if not, the operator finds it."""
        if row.upload_id is not None:
            self._abort(row.desired.storage_key, row.upload_id)

    def _held(self, row: VideoRow) -> tuple[StoredPart, ...] | None:
        return None if row.upload_id is None else self._parts.parts(row.desired.storage_key, row.upload_id)

    def _refuse_joined(self, row: VideoRow) -> None:
        """End the call if the file is there, and not only the one that was rejected before."""
        facts, rejected = self._storage.head(row.desired.storage_key), row.observed.rejected
        is_known_bad = facts is not None and rejected is not None and facts.version == rejected.version
        if facts is not None and not is_known_bad:
            raise ProblemError(ProblemCode.UPLOAD_CLOSED, _JOINED)

    def _abort(self, key: str, upload_id: str) -> None:
        try:
            self._parts.abort(key, upload_id)
        except UpstreamError as error:
            log.warning("upload_left_open", why=str(error))


def _named(numbers: tuple[int, ...]) -> str:
    shown = ", ".join(map(str, numbers[:_NAMED_MAX]))
    rest = len(numbers) - _NAMED_MAX
    return f"part {shown}" + (f" and {rest} more" if rest > 0 else "")
