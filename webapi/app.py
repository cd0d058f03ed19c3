"""The routes. `create_app` joins resources and middleware without I/O; wiring.py gives it the real neighbours."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import falcon

from crds.callback import CALLBACK_PATH
from webapi.auth import Authentication, Tokens
from webapi.errors import handle_errors
from webapi.health import Livez, MetricsPage, Readiness, Readyz
from webapi.metrics import Metrics
from webapi.observing import Observing
from webapi.ports import Catalogue, Claims, Publisher, Storage, Wishes
from webapi.videos import Policy, UploadComplete, Video, Videos
from webapi.views import View
from webapi.webhooks import CoconutWebhook

App = falcon.App[Any, Any]


@dataclass(frozen=True)
class Dependencies:
    """Everything the resources are made from."""

    catalogue: Catalogue
    wishes: Wishes
    claims: Claims
    storage: Storage
    publisher: Publisher
    readiness: Readiness
    metrics: Metrics
    tokens: Tokens
    callback_keys: Sequence[str]
    policy: Policy
    view: View
    clock: Callable[[], datetime]


def create_app(needs: Dependencies) -> App:
    """Return the WSGI application."""
    app: App = falcon.App(middleware=[Observing(needs.metrics), Authentication(needs.tokens)])
    handle_errors(app)
    video = "/api/v1/videos/{video_id}"
    app.add_route("/api/v1/videos", Videos(needs.wishes, needs.storage, needs.publisher, needs.policy))
    app.add_route(video, Video(needs.catalogue, needs.view, needs.clock))
    confirming = UploadComplete(needs.catalogue, needs.wishes, needs.storage, needs.publisher)
    app.add_route(f"{video}/upload_complete", confirming)
    app.add_route(CALLBACK_PATH, CoconutWebhook(needs.claims, needs.callback_keys))
    app.add_route("/livez", Livez())
    app.add_route("/readyz", Readyz(needs.readiness))
    app.add_route("/metrics", MetricsPage(needs.metrics))
    return app
