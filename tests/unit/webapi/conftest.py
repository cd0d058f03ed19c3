"""The API over fakes: nothing here opens a socket."""

import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import falcon.testing
import jwt
import pytest

from database.overview import CallbackHealth, Overview
from domain.policy import LifecyclePolicy
from domain.video import DesiredState, Phase, SourceFacts
from tests.support.contracts.client_rows_contract import in_phase
from tests.support.fakes.client_rows import CREATED_AT, FakeClaims, FakeClientRows, Switch
from tests.support.fakes.multipart import FakeMultipart
from tests.support.fakes.outbox import FakeOutbox
from tests.support.fakes.storage import FakeStorage
from webapi.admin.webhooks import Targets
from webapi.app import Dependencies, create_app
from webapi.health import Readiness
from webapi.http.auth import TokenVerifier
from webapi.metrics import ApiMetrics
from webapi.videos.serializers import Serializer
from webapi.videos.videos import Policy

# Long enough for HS512 too, so that only the algorithm can be what is refused.
SIGNING_KEY = "the tests' own signing key, with the 64 bytes that HS512 asks for"
CALLBACK_KEYS = ["a new callback key of 32 bytes...", "an old callback key of 32 bytes.."]
ISSUER = "https://login.example.com"
AUDIENCE = "video-uploads"
RETRANSCODES_PER_DAY = 2
MAX_FILE_BYTES = 5_368_709_120
A_VIDEO = {"title": "Cats", "filename": "cats.mp4", "content_type": "video/mp4"}


class Offers:
    """A publisher that remembers what it was offered."""

    def __init__(self) -> None:
        self.commands: list[DesiredState] = []

    def enqueue(self, desired: DesiredState) -> None:
        self.commands.append(desired)


class FixedOverview:
    """What a look at the working set finds, as a test sets it. Counting is tested on a real Postgres."""

    def __init__(self, postgres: Switch) -> None:
        self._postgres = postgres
        self.seen = Overview((), 0, CallbackHealth((0,) * 12, None, 0, 0), is_complete=True)

    def look(self, now: datetime) -> Overview:
        del now
        self._postgres.check()
        return self.seen


class Api:
    """The API, its neighbours, and a clock that tests turn."""

    def __init__(self) -> None:
        self.now = CREATED_AT
        self.monotonic = 0.0
        self.postgres = Switch()
        self.commands = FakeClientRows(self.postgres, clock=lambda: self.now)
        self.claims = FakeClaims(self.postgres)
        self.storage = FakeStorage(lambda: self.now)
        self.multipart = FakeMultipart(self.storage, lambda: self.now)
        self.overviews = FixedOverview(self.postgres)
        self.outbox = FakeOutbox(lambda: self.now, self.postgres)
        # What names lead to; others are not found.
        self.names = {"hooks.example.com": ["93.184.216.34"]}
        self.offers = Offers()
        self.metrics = ApiMetrics()
        self.readiness = Readiness(self.postgres, lambda: self.monotonic)
        self.deps = Dependencies(
            queries=self.commands,
            commands=self.commands,
            history=self.commands,
            overviews=self.overviews,
            claims=self.claims,
            storage=self.storage,
            parts=self.multipart,
            publisher=self.offers,
            readiness=self.readiness,
            metrics=self.metrics,
            tokens=TokenVerifier(SIGNING_KEY, issuer=ISSUER, audience=AUDIENCE),
            callback_keys=CALLBACK_KEYS,
            policy=Policy(
                uploads_per_hour=10,
                retranscodes_per_day=RETRANSCODES_PER_DAY,
                max_file_bytes=MAX_FILE_BYTES,
                upload_url_seconds=900,
                region="tor1",
            ),
            serializer=Serializer("https://cdn.example.com", LifecyclePolicy()),
            clock=lambda: self.now,
            endpoints=self.outbox,
            deliveries=self.outbox,
            targets=Targets(resolve=self.resolve),
        )
        self.client = falcon.testing.TestClient(create_app(self.deps))

    def resolve(self, host: str, _port: int) -> list[str]:
        """Find a name as a resolver does; addresses are their own names."""
        return self.names.get(host, [host] if host.replace(".", "").isdigit() else [])

    def rebuilt(self, **changes: Any) -> falcon.testing.TestClient:
        """Return a client of the same API with other dependencies."""
        return falcon.testing.TestClient(create_app(replace(self.deps, **changes)))

    def call(
        self, method: str, path: str, *, user: str = "ann", headers: Mapping[str, str] | None = None, **kwargs: Any
    ) -> falcon.testing.Result:
        """Make a call as ``user``."""
        sent = {"Authorization": self.bearer(user), **(headers or {})}
        return self.client.simulate_request(method, path, headers=sent, **kwargs)

    def admin(self, method: str, path: str, **kwargs: Any) -> falcon.testing.Result:
        """Make a call as an administrator."""
        return self.call(method, path, headers={"Authorization": f"Bearer {token(scope='admin')}"}, **kwargs)

    def webhook(self, **changes: Any) -> dict[str, Any]:
        """Register an endpoint and return the answer."""
        asked = {"url": "https://hooks.example.com/videos", **changes}
        answer = self.admin("POST", "/api/v1/admin/webhooks", json=asked)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json
        return made

    def bearer(self, user: str = "ann") -> str:
        """Return the header that lets ``user`` in."""
        return f"Bearer {token(sub=user)}"

    def create(self, *, user: str = "ann", **changes: Any) -> str:
        """Create a video and return its id."""
        answer = self.call("POST", "/api/v1/videos", user=user, json={**A_VIDEO, **changes})
        assert answer.status_code == 201, answer.text
        return str(answer.json["video_id"])


def verify_file(api: Api, video_id: str, **changes: object) -> None:
    """Put a video's file into storage, found to be good by the operator."""
    key = api.commands.rows[video_id].desired.storage_key
    api.storage.put_raw(key, b"video")
    facts = api.storage.raw[key].facts
    source = SourceFacts(facts.etag, facts.last_modified, facts.file_bytes, "mp4")
    api.commands.observe(video_id, **{**in_phase(Phase.READY), "source": source, "is_playable": True, **changes})


@pytest.fixture
def api() -> Api:
    """A fresh API that knows no videos."""
    return Api()


def token(*, key: str = SIGNING_KEY, algorithm: str = "HS256", without: str | None = None, **claims: object) -> str:
    """Return a token that is good unless told otherwise."""
    all_claims = {"sub": "ann", "iss": ISSUER, "aud": AUDIENCE, "exp": int(time.time()) + 600, **claims}
    if without:
        del all_claims[without]
    return jwt.encode(all_claims, key, algorithm=algorithm)
