"""Endpoints of webhooks: administrators register them, change them, and replace their secrets."""

import base64
import secrets
from dataclasses import dataclass
from typing import NoReturn

import falcon

from database.deliveries import REPLAYED_MAX
from database.webhook_endpoints import EndpointChange, LastSecretError, TooManyError
from runtime.outbound import Resolve, Target, TargetError, resolve_public
from webapi.http.auth import ADMIN_SCOPE
from webapi.http.authorization import uuid_of
from webapi.http.parsing import read_json
from webapi.http.problems import FieldProblem, ProblemCode, ProblemError
from webapi.ports import Deliveries, Endpoints
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

# 24 to 64 bytes are what Standard Webhooks asks for.
_SECRET_BYTES = 32
_PRIVATE = "private, no-cache"
# Who caches this has the secret.
_NEVER = "no-store"


@dataclass(frozen=True)
class Targets:
    """Where webhooks may go in this installation. ``resolve``: how names are found; None asks the machine."""

    allow_private: bool = False
    resolve: Resolve | None = None

    def check(self, url: str) -> None:
        """Raise ProblemError unless something may be sent there, as of now."""
        try:
            target = Target.parse(url, allow_private=self.allow_private)
            resolve_public(target, allow_private=self.allow_private, resolve=self.resolve)
        except TargetError as error:
            raise ProblemError(
                ProblemCode.INVALID_REQUEST, "not accepted: url", errors=[FieldProblem("url", str(error))]
            ) from None


class WebhooksResource:
    """`/api/v1/admin/webhooks`."""

    scope = ADMIN_SCOPE

    def __init__(self, endpoints: Endpoints, targets: Targets) -> None:
        self._endpoints = endpoints
        self._targets = targets

    def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
        """Show every endpoint."""
        found = self._endpoints.all()
        resp.data = WebhookList(webhooks=tuple(webhook_body(row) for row in found)).as_json()
        resp.set_header("Cache-Control", _PRIVATE)

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Register an endpoint, and show its first secret this once."""
        asked, secret = read_json(req, CreateWebhook), _new_secret()
        self._targets.check(asked.url)
        try:
            row = self._endpoints.create(
                url=asked.url, description=asked.description or "", kinds=asked.kinds, secret=secret
            )
        except TooManyError as error:
            raise ProblemError(ProblemCode.TOO_MANY, str(error)) from error
        resp.status = falcon.HTTP_201
        resp.set_header("Location", f"{req.path}/{row.endpoint_id}")
        resp.data = new_webhook_body(row, secret).as_json()
        resp.set_header("Cache-Control", _NEVER)


class WebhookResource:
    """`/api/v1/admin/webhooks/{endpoint_id}`."""

    scope = ADMIN_SCOPE

    def __init__(self, endpoints: Endpoints, targets: Targets) -> None:
        self._endpoints = endpoints
        self._targets = targets

    def on_get(self, _req: falcon.Request, resp: falcon.Response, endpoint_id: str) -> None:
        """Show an endpoint."""
        row = self._endpoints.get(uuid_of(endpoint_id)) or _unknown()
        resp.data = webhook_body(row).as_json()
        resp.set_header("Cache-Control", _PRIVATE)

    def on_patch(self, req: falcon.Request, resp: falcon.Response, endpoint_id: str) -> None:
        """Change what is named. An endpoint that is opened again is asked at once."""
        named, asked = uuid_of(endpoint_id), read_json(req, ChangeWebhook)
        if asked.url is not None:
            self._targets.check(asked.url)
        change = EndpointChange(asked.url, asked.description, asked.kinds, asked.enabled)
        resp.data = webhook_body(self._endpoints.change(named, change) or _unknown()).as_json()

    def on_delete(self, _req: falcon.Request, resp: falcon.Response, endpoint_id: str) -> None:
        """Forget an endpoint, with its secrets and its part of the log."""
        if not self._endpoints.delete(uuid_of(endpoint_id)):
            _unknown()
        resp.status = falcon.HTTP_204


class WebhookSecrets:
    """`/api/v1/admin/webhooks/{endpoint_id}/secrets`."""

    scope = ADMIN_SCOPE

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints

    def on_post(self, _req: falcon.Request, resp: falcon.Response, endpoint_id: str) -> None:
        """Make one more secret and show it this once. From now on it signs beside the others."""
        secret = _new_secret()
        try:
            row = self._endpoints.add_secret(uuid_of(endpoint_id), secret) or _unknown()
        except TooManyError as error:
            raise ProblemError(ProblemCode.TOO_MANY, str(error)) from error
        resp.status = falcon.HTTP_201
        resp.data = new_secret_body(row.secrets[-1], secret).as_json()
        resp.set_header("Cache-Control", _NEVER)


class WebhookSecret:
    """`/api/v1/admin/webhooks/{endpoint_id}/secrets/{secret_id}`."""

    scope = ADMIN_SCOPE

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints

    def on_delete(self, _req: falcon.Request, resp: falcon.Response, endpoint_id: str, secret_id: str) -> None:
        """Let a secret sign no more."""
        try:
            if self._endpoints.remove_secret(uuid_of(endpoint_id), uuid_of(secret_id)) is None:
                _unknown()
        except LastSecretError as error:
            raise ProblemError(ProblemCode.LAST_SECRET, "nothing could be signed without it") from error
        resp.status = falcon.HTTP_204


class WebhookTest:
    """`/api/v1/admin/webhooks/{endpoint_id}/test`."""

    scope = ADMIN_SCOPE

    def __init__(self, deliveries: Deliveries) -> None:
        self._deliveries = deliveries

    def on_post(self, _req: falcon.Request, resp: falcon.Response, endpoint_id: str) -> None:
        """Send a message that tells of no video."""
        resp.status = falcon.HTTP_202
        resp.data = delivery_body(self._deliveries.test(uuid_of(endpoint_id)) or _unknown()).as_json()


class WebhookReplay:
    """`/api/v1/admin/webhooks/{endpoint_id}/replay`."""

    scope = ADMIN_SCOPE

    def __init__(self, deliveries: Deliveries) -> None:
        self._deliveries = deliveries

    def on_post(self, req: falcon.Request, resp: falcon.Response, endpoint_id: str) -> None:
        """Tell again what was told in some time, each message under its own id."""
        named, asked = uuid_of(endpoint_id), read_json(req, ReplayWebhook)
        done = self._deliveries.replay_range(named, since=asked.since, until=asked.until, at_most=REPLAYED_MAX)
        resp.status = falcon.HTTP_202
        resp.data = replayed_body(done or _unknown()).as_json()


def _new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def _unknown() -> NoReturn:
    raise ProblemError(ProblemCode.NOT_FOUND, "there is no such endpoint or secret")
