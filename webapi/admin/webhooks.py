"""Webhook endpoints: register and change them, replace their secrets, send a test, replay messages."""

import base64
import secrets
from dataclasses import dataclass
from typing import NoReturn

import falcon

from database.deliveries import REPLAYED_MAX, Deliveries
from database.webhook_endpoints import EndpointChange, Endpoints, LastSecretError, TooManyError
from runtime.ssrf_guard import Resolve, Target, TargetError, resolve_public
from webapi.http.auth import ADMIN_SCOPE
from webapi.http.authorization import uuid_of
from webapi.http.parsing import read_json
from webapi.http.problems import FieldProblem, HttpProblemError, ProblemCode
from webapi.schemas.webhooks import (
    ChangeWebhook,
    CreateWebhook,
    ReplayWebhook,
    WebhookList,
    delivery_body,
    new_secret_body,
    new_webhook_body,
    replayed_body,
    webhook_body,
)

# Standard Webhooks requires 24 to 64 bytes.
_SECRET_BYTES = 32
_REVALIDATE = "private, no-cache"
# The response contains a secret.
_NO_STORE = "no-store"


@dataclass(frozen=True)
class Targets:
    """Checks where webhooks may be sent. ``resolve`` looks names up; None means the system's resolver."""

    allow_private: bool = False
    resolve: Resolve | None = None

    def check(self, url: str) -> None:
        """Raise HttpProblemError unless the URL now resolves to an address that webhooks may be sent to."""
        try:
            target = Target.parse(url, allow_private=self.allow_private)
            resolve_public(target, allow_private=self.allow_private, resolve=self.resolve)
        except TargetError as error:
            raise HttpProblemError(
                ProblemCode.INVALID_REQUEST, "not accepted: url", errors=[FieldProblem("url", str(error))]
            ) from None


class WebhooksResource:
    """`/api/v1/admin/webhooks`."""

    scope = ADMIN_SCOPE

    def __init__(self, endpoints: Endpoints, targets: Targets) -> None:
        self._endpoints = endpoints
        self._targets = targets

    def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
        """List every endpoint."""
        resp.data = WebhookList(webhooks=tuple(map(webhook_body, self._endpoints.all()))).as_json()
        resp.set_header("Cache-Control", _REVALIDATE)

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Register an endpoint, and show its first secret; it is never shown again."""
        body, secret = read_json(req, CreateWebhook), _new_secret()
        self._targets.check(body.url)
        try:
            row = self._endpoints.create(
                url=body.url,
                description=body.description or "",
                kinds=body.kinds,
                secret=secret,
                format=body.format,
            )
        except TooManyError as error:
            raise HttpProblemError(ProblemCode.TOO_MANY, str(error)) from error
        resp.status = falcon.HTTP_201
        resp.set_header("Location", f"{req.path}/{row.endpoint_id}")
        resp.data = new_webhook_body(row, secret).as_json()
        resp.set_header("Cache-Control", _NO_STORE)


class WebhookResource:
    """`/api/v1/admin/webhooks/{endpoint_id}`."""

    scope = ADMIN_SCOPE

    def __init__(self, endpoints: Endpoints, targets: Targets) -> None:
        self._endpoints = endpoints
        self._targets = targets

    def on_get(self, _req: falcon.Request, resp: falcon.Response, endpoint_id: str) -> None:
        """Show an endpoint."""
        row = self._endpoints.get(uuid_of(endpoint_id)) or _not_found()
        resp.data = webhook_body(row).as_json()
        resp.set_header("Cache-Control", _REVALIDATE)

    def on_patch(self, req: falcon.Request, resp: falcon.Response, endpoint_id: str) -> None:
        """Change the fields in the body. An endpoint that is enabled again gets its pending messages at once."""
        endpoint, body = uuid_of(endpoint_id), read_json(req, ChangeWebhook)
        if body.url is not None:
            self._targets.check(body.url)
        change = EndpointChange(body.url, body.description, body.kinds, body.enabled, body.format)
        resp.data = webhook_body(self._endpoints.change(endpoint, change) or _not_found()).as_json()

    def on_delete(self, _req: falcon.Request, resp: falcon.Response, endpoint_id: str) -> None:
        """Delete an endpoint with its secrets and deliveries."""
        if not self._endpoints.delete(uuid_of(endpoint_id)):
            _not_found()
        resp.status = falcon.HTTP_204


class WebhookSecrets:
    """`/api/v1/admin/webhooks/{endpoint_id}/secrets`."""

    scope = ADMIN_SCOPE

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints

    def on_post(self, _req: falcon.Request, resp: falcon.Response, endpoint_id: str) -> None:
        """Create a secret that signs beside the others, and show it; it is never shown again."""
        secret = _new_secret()
        try:
            row = self._endpoints.add_secret(uuid_of(endpoint_id), secret) or _not_found()
        except TooManyError as error:
            raise HttpProblemError(ProblemCode.TOO_MANY, str(error)) from error
        resp.status = falcon.HTTP_201
        resp.data = new_secret_body(row.secrets[-1], secret).as_json()
        resp.set_header("Cache-Control", _NO_STORE)


class WebhookSecret:
    """`/api/v1/admin/webhooks/{endpoint_id}/secrets/{secret_id}`."""

    scope = ADMIN_SCOPE

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints

    def on_delete(self, _req: falcon.Request, resp: falcon.Response, endpoint_id: str, secret_id: str) -> None:
        """Delete a secret; it no longer signs."""
        try:
            if self._endpoints.remove_secret(uuid_of(endpoint_id), uuid_of(secret_id)) is None:
                _not_found()
        except LastSecretError as error:
            raise HttpProblemError(ProblemCode.LAST_SECRET, "messages could not be signed without it") from error
        resp.status = falcon.HTTP_204


class WebhookTest:
    """`/api/v1/admin/webhooks/{endpoint_id}/test`."""

    scope = ADMIN_SCOPE

    def __init__(self, deliveries: Deliveries) -> None:
        self._deliveries = deliveries

    def on_post(self, _req: falcon.Request, resp: falcon.Response, endpoint_id: str) -> None:
        """Send a test message to the endpoint."""
        resp.status = falcon.HTTP_202
        resp.data = delivery_body(self._deliveries.test(uuid_of(endpoint_id)) or _not_found()).as_json()


class WebhookReplay:
    """`/api/v1/admin/webhooks/{endpoint_id}/replay`."""

    scope = ADMIN_SCOPE

    def __init__(self, deliveries: Deliveries) -> None:
        self._deliveries = deliveries

    def on_post(self, req: falcon.Request, resp: falcon.Response, endpoint_id: str) -> None:
        """Send the messages of a time range again, each under its original id."""
        endpoint, body = uuid_of(endpoint_id), read_json(req, ReplayWebhook)
        replayed = self._deliveries.replay_range(endpoint, since=body.since, until=body.until, at_most=REPLAYED_MAX)
        resp.status = falcon.HTTP_202
        resp.data = replayed_body(replayed or _not_found()).as_json()


def _new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def _not_found() -> NoReturn:
    raise HttpProblemError(ProblemCode.NOT_FOUND, "there is no such endpoint or secret")
