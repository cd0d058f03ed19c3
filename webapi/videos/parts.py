"""`/api/v1/videos/{video_id}/parts`: which parts have arrived, and URLs for the others."""

import falcon

from database.queries import VideoQueries
from domain.part_plan import PartPlan
from domain.records import VideoRow
from webapi.http.authorization import changeable, owned
from webapi.http.parsing import read_json
from webapi.http.problems import FieldProblem, HttpProblemError, ProblemCode
from webapi.schemas.requests import SignParts
from webapi.schemas.responses import PartBody, PartList, SignedPart, SignedParts
from webapi.videos.multipart import Multiparts
from webapi.videos.uploads import require_waiting


class VideoParts:
    """`/api/v1/videos/{video_id}/parts`."""

    def __init__(self, queries: VideoQueries, multiparts: Multiparts) -> None:
        self._queries = queries
        self._multiparts = multiparts

    def on_get(self, req: falcon.Request, resp: falcon.Response, video_id: str) -> None:
        """List the parts that storage has."""
        row, plan = self._row_and_plan(req, video_id)
        parts = self._multiparts.arrived(row, plan)
        body = PartList(
            video_id=video_id,
            size_bytes=plan.file_bytes,
            part_size=plan.part_bytes,
            part_count=plan.part_count,
            parts=tuple(PartBody(part_number=p.number, size_bytes=p.file_bytes, etag=p.etag) for p in parts),
            missing=plan.missing(parts),
        )
        resp.data = body.as_json()
        resp.set_header("Cache-Control", "private, no-cache")

    def on_post(self, req: falcon.Request, resp: falcon.Response, video_id: str) -> None:
        """Sign the PUTs of some parts. Repeating it keeps what has arrived."""
        requested = read_json(req, SignParts)
        row, plan = self._row_and_plan(req, video_id)
        _refuse_unknown(requested.part_numbers, plan)
        row = self._multiparts.open(row, plan)
        signed = [(number, self._multiparts.sign(row, plan, number)) for number in requested.part_numbers]
        body = SignedParts(
            video_id=video_id,
            part_size=plan.part_bytes,
            part_count=plan.part_count,
            parts=tuple(
                SignedPart(
                    part_number=number,
                    upload_url=part.url,
                    method=part.method,
                    headers=dict(part.headers),
                    size_bytes=plan.bytes_of(number),
                    expires_at=part.expires_at,
                )
                for number, part in signed
            ),
        )
        resp.data = body.as_json()
        resp.set_header("Cache-Control", "no-store")

    def _row_and_plan(self, req: falcon.Request, video_id: str) -> tuple[VideoRow, PartPlan]:
        row = require_waiting(changeable(owned(self._queries, req, video_id)))
        plan = self._multiparts.plan(row)
        if plan is None:
            raise HttpProblemError(ProblemCode.NOT_MULTIPART, "the file is sent in one piece")
        return row, plan


def _refuse_unknown(numbers: tuple[int, ...], plan: PartPlan) -> None:
    if max(numbers) > plan.part_count:
        detail = f"the file has parts 1 to {plan.part_count}"
        problem = FieldProblem("part_numbers", detail)
        raise HttpProblemError(ProblemCode.INVALID_REQUEST, "not accepted: part_numbers", errors=[problem])
