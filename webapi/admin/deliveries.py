"""The log of deliveries, and making one of them again. Every call needs the administrators' scope."""

from uuid import UUID

import falcon

from database.deliveries import DeliverySelection
from database.queries import Cursor
from webapi.http.auth import ADMIN_SCOPE
from webapi.http.authorization import uuid_of
from webapi.http.paging import Paging, refused
from webapi.http.parsing import read_query
from webapi.http.problems import ProblemCode, ProblemError
from webapi.ports import Deliveries
from webapi.schemas.webhooks import DeliveryList, ListDeliveries, delivery_body


class DeliveryLog:
    """`/api/v1/admin/deliveries`."""

    scope = ADMIN_SCOPE

    def __init__(self, deliveries: Deliveries) -> None:
        self._deliveries = deliveries

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Show a page of what was sent, and of what is on its way."""
        asked = read_query(req, ListDeliveries)
        paging = Paging("deliveries", filters=(asked.video_id or "", asked.endpoint_id or "", asked.state or ""))
        endpoint_id = UUID(asked.endpoint_id) if asked.endpoint_id else None
        page = self._deliveries.page(
            DeliverySelection(asked.video_id, endpoint_id, asked.state),
            after=_known(paging.place(asked.page_token)),
            at_most=asked.page_size,
        )
        shown = tuple(delivery_body(row) for row in page.rows)
        resp.data = DeliveryList(deliveries=shown, next_page_token=paging.token(page.last)).as_json()
        resp.set_header("Cache-Control", "private, no-cache")


class DeliveryReplay:
    """`/api/v1/admin/deliveries/{delivery_id}/replay`."""

    scope = ADMIN_SCOPE

    def __init__(self, deliveries: Deliveries) -> None:
        self._deliveries = deliveries

    def on_post(self, _req: falcon.Request, resp: falcon.Response, delivery_id: str) -> None:
        """Make a delivery again from the start, under the same id. One that is on its way stays as it is."""
        row = self._deliveries.replay(uuid_of(delivery_id))
        if row is None:
            raise ProblemError(ProblemCode.NOT_FOUND, "there is no such delivery")
        resp.status = falcon.HTTP_202
        resp.data = delivery_body(row).as_json()


def _known(place: Cursor | None) -> Cursor | None:
    """Return a place of this list. Anybody can make up a token; its id may be no delivery's."""
    try:
        return place and Cursor(place.at, str(UUID(place.video_id)))
    except ValueError:
        raise refused("this is no page token") from None
