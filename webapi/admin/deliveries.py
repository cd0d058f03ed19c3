"""`/api/v1/admin/deliveries`: list deliveries and repeat one."""

from uuid import UUID

import falcon

from database.deliveries import Deliveries, DeliverySelection
from database.queries import Cursor
from webapi.http.auth import ADMIN_SCOPE
from webapi.http.authorization import uuid_of
from webapi.http.paging import Paging, refused
from webapi.http.parsing import read_query
from webapi.http.problems import HttpProblemError, ProblemCode
from webapi.schemas.webhooks import DeliveryList, ListDeliveries, delivery_body


class DeliveryLog:
    """`/api/v1/admin/deliveries`."""

    scope = ADMIN_SCOPE

    def __init__(self, deliveries: Deliveries) -> None:
        self._deliveries = deliveries

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """List a page of deliveries, newest first."""
        query = read_query(req, ListDeliveries)
        paging = Paging("deliveries", filters=(query.video_id or "", query.endpoint_id or "", query.state or ""))
        endpoint_id = UUID(query.endpoint_id) if query.endpoint_id else None
        page = self._deliveries.page(
            DeliverySelection(query.video_id, endpoint_id, query.state),
            after=_delivery_cursor(paging.cursor(query.page_token)),
            at_most=query.page_size,
        )
        deliveries = tuple(delivery_body(row) for row in page.rows)
        resp.data = DeliveryList(deliveries=deliveries, next_page_token=paging.token(page.last)).as_json()
        resp.set_header("Cache-Control", "private, no-cache")


class DeliveryReplay:
    """`/api/v1/admin/deliveries/{delivery_id}/replay`."""

    scope = ADMIN_SCOPE

    def __init__(self, deliveries: Deliveries) -> None:
        self._deliveries = deliveries

    def on_post(self, _req: falcon.Request, resp: falcon.Response, delivery_id: str) -> None:
        """Repeat a delivery from its first attempt, under the same id. A pending one stays unchanged."""
        row = self._deliveries.replay(uuid_of(delivery_id))
        if row is None:
            raise HttpProblemError(ProblemCode.NOT_FOUND, "there is no such delivery")
        resp.status = falcon.HTTP_202
        resp.data = delivery_body(row).as_json()


def _delivery_cursor(cursor: Cursor | None) -> Cursor | None:
    """Return the cursor if its id is a delivery's: a forged token may contain any id. Raises HttpProblemError."""
    try:
        return cursor and Cursor(cursor.at, str(UUID(cursor.video_id)))
    except ValueError:
        raise refused("this is not a page token") from None
