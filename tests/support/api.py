"""The API as a test calls it: its real rows on a database of Postgres, everything else in memory.

`tests/unit/webapi` gives it no database (`Unreachable`), `tests/integration/webapi` one whose clock the test sets.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

import falcon.testing
import jwt
from psycopg import sql

from database.catalogue import Catalogue
from database.commands import VideoCommands
from database.deliveries import Deliveries
from database.events import EventLog
from database.idempotency_keys import IdempotencyKey, made_before
from database.job_claims import Claims
from database.observations import Observations
from database.outbox import Outbox
from database.overview import CallbackHealth, Overview, Overviews
from database.profiles import Profiles
from database.queries import VideoQueries
from database.rollouts import Rollouts
from database.webhook_endpoints import Endpoints
from domain.object_keys import video_prefix
from domain.policy import LifecyclePolicy
from domain.records import Cause, Intend, VideoRow
from domain.schedule import Timing
from domain.spending import Prices
from domain.video import DesiredState, Phase, Published, Reason, SourceFacts
from runtime.heartbeats import Heartbeats
from tests.support.builders.videos import in_phase
from tests.support.fakes.multipart import FakeMultipart
from tests.support.fakes.storage import FakeStorage
from tests.support.postgres import ClockedDatabase, Unreachable
from webapi.admin.bulk import BulkCosts
from webapi.admin.webhooks import Targets
from webapi.app import ApiDependencies, create_app
from webapi.health import Liveness, Readiness
from webapi.http.auth import TokenVerifier
from webapi.http.call_limiter import CallLimiter
from webapi.http.change_limit import ChangeLimit
from webapi.http.playback_tokens import PlaybackTokens
from webapi.http.request_limit import RequestLimit
from webapi.http.viewer_tokens import ViewerTokens
from webapi.metrics import ApiMetrics
from webapi.videos.embed_origins import EmbedOrigins
from webapi.videos.playback_links import PlaybackLinks
from webapi.videos.serializers import Serializer
from webapi.videos.source_urls import SourceUrls
from webapi.videos.stores import Store, Stores
from webapi.videos.videos import Policy

CREATED_AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
# Long enough for HS512 too, so that a refused algorithm is refused for itself and not for a short key.
SIGNING_KEY = "the tests' own signing key, with the 64 bytes that HS512 asks for"
CALLBACK_KEYS = ["a new callback key of 32 bytes...", "an old callback key of 32 bytes.."]
PLAYBACK_KEYS = [f"{age} playback key, with the 64 bytes that HS512 asks for, {age * 6}" for age in ("new", "old")]
# Of the apps that open private videos to viewers.
VIEWER_KEY = "the key of an app, with the 64 bytes that HS512 asks for: 0123456"
API_BASE_URL = "https://api.example.com"
# May show videos.
A_SITE = "https://www.example.com"
ISSUER = "https://login.example.com"
AUDIENCE = "video-uploads"
PRICES = Prices(hd=0.02, sd=0.01, uhd=0.04)
RETRANSCODES_PER_DAY = 2
RETRIES_PER_DAY = 30
MAX_FILE_BYTES = 5_368_709_120
A_VIDEO = {"title": "Cats", "filename": "cats.mp4", "content_type": "video/mp4"}


class Offers:
    """A publisher that keeps the states it is given."""

    def __init__(self) -> None:
        self.commands: list[DesiredState] = []

    def enqueue(self, desired: DesiredState) -> None:
        self.commands.append(desired)


class FixedOverview(Overviews):
    """An overview that a test sets. `tests/integration/test_overview.py` tests the counting."""

    def __init__(self) -> None:
        """Open no pool."""
        self.overview = Overview((), 0, CallbackHealth((0,) * 12, None, 0, 0), is_complete=True)

    def look(self, now: datetime) -> Overview:
        del now
        return self.overview


class Api:
    """The API, its dependencies, and the clock of both, which tests move by setting ``now``."""

    def __init__(self, postgres: Unreachable | ClockedDatabase) -> None:
        self.postgres = postgres
        self.now = CREATED_AT
        self.monotonic = 0.0
        self.queries = VideoQueries(postgres)
        self.commands = VideoCommands(postgres, Timing())
        self.observations = Observations(postgres)
        self.endpoints = Endpoints(postgres)
        self.deliveries = Deliveries(postgres)
        self.outbox = Outbox(postgres)
        self.storage = FakeStorage(lambda: self.now)
        self.multipart = FakeMultipart(self.storage, lambda: self.now)
        # Another region's, whose name sorts before that of the home region.
        self.elsewhere = FakeStorage(lambda: self.now)
        self.elsewhere_multipart = FakeMultipart(self.elsewhere, lambda: self.now)
        self.stores = Stores(
            {
                "tor1": Store(self.storage, self.multipart, "https://cdn.example.com"),
                "fra1": Store(self.elsewhere, self.elsewhere_multipart, "https://cdn.fra1.example.com"),
            }
        )
        self.overviews = FixedOverview()
        # The addresses of each host name; other names do not resolve.
        self.names = {"hooks.example.com": ["93.184.216.34"]}
        self.offers = Offers()
        self.metrics = ApiMetrics()
        self.beats = Heartbeats(lambda: self.monotonic)
        self.readiness = Readiness(postgres, lambda: self.monotonic, self.beats)
        playback_tokens = PlaybackTokens(PLAYBACK_KEYS, lambda: self.now)
        self.deps = ApiDependencies(
            queries=self.queries,
            catalogue=Catalogue(postgres),
            commands=self.commands,
            profiles=Profiles(postgres),
            rollouts=Rollouts(postgres),
            history=EventLog(postgres),
            overviews=self.overviews,
            claims=Claims(postgres),
            stores=self.stores,
            publisher=self.offers,
            readiness=self.readiness,
            liveness=Liveness(self.beats),
            metrics=self.metrics,
            tokens=TokenVerifier(SIGNING_KEY, issuer=ISSUER, audience=AUDIENCE),
            playback_tokens=playback_tokens,
            callback_keys=CALLBACK_KEYS,
            policy=Policy(
                uploads_per_hour=10,
                retranscodes_per_day=RETRANSCODES_PER_DAY,
                retries_per_day=RETRIES_PER_DAY,
                max_file_bytes=MAX_FILE_BYTES,
                upload_url_seconds=900,
                download_url_seconds=300,
                has_private_playback=True,
                embed_origins=EmbedOrigins(calling=[A_SITE], own=[API_BASE_URL]),
            ),
            serializer=Serializer(
                self.stores.playback_base, LifecyclePolicy(), PlaybackLinks(API_BASE_URL, playback_tokens)
            ),
            clock=lambda: self.now,
            endpoints=self.endpoints,
            deliveries=self.deliveries,
            targets=Targets(resolve=self.resolve),
            source_urls=SourceUrls(),
            change_limit=ChangeLimit(CallLimiter(1_000_000, time.monotonic)),
            request_limit=RequestLimit(None, None),
            costs=BulkCosts(PRICES, 4 * 3600),
            viewer_tokens=ViewerTokens({"app": VIEWER_KEY}, lambda: self.now, lifetime_max=timedelta(days=1)),
            trusted_proxy_hops=1,
        )
        self.client = falcon.testing.TestClient(create_app(self.deps))

    @property
    def now(self) -> datetime:
        """The time, of the API and of Postgres."""
        return self._now

    @now.setter
    def now(self, now: datetime) -> None:
        self._now = now
        self.postgres.set_clock(now)

    def resolve(self, host: str, _port: int) -> list[str]:
        """Return the addresses of a host name; an address is its own name."""
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
        """Register an endpoint and return the response body."""
        response = self.admin(
            "POST", "/api/v1/admin/webhooks", json={"url": "https://hooks.example.com/videos", **changes}
        )
        assert response.status_code == 201, response.text
        body: dict[str, Any] = response.json
        return body

    def bearer(self, user: str = "ann") -> str:
        """Return an Authorization header for ``user``."""
        return f"Bearer {token(sub=user)}"

    def create(self, *, user: str = "ann", **changes: Any) -> str:
        """Create a video and return its id."""
        response = self.call("POST", "/api/v1/videos", user=user, json={**A_VIDEO, **changes})
        assert response.status_code == 201, response.text
        return str(response.json["video_id"])

    def row(self, video_id: str) -> VideoRow:
        """Return the row of a video."""
        row = self.queries.get(video_id)
        assert row is not None
        return row

    def video_ids(self) -> list[str]:
        """Return the ids of all rows."""
        return [row["video_id"] for row in self.sql("SELECT video_id FROM videos ORDER BY created_at, video_id")]

    def observe(self, video_id: str, **changes: Any) -> None:
        """Write an observation as the operator does, because of a poll or of ``cause``.

        A phase comes with the columns it requires.
        """
        cause = changes.pop("cause", Cause.POLL)
        required = in_phase(changes["phase"]) if "phase" in changes else {}
        row = self.row(video_id)
        written = self.observations.commit(row, replace(row.observed, **{**required, **changes}), cause=cause)
        assert written is not None

    def publish_privately(self, video_id: str, published: Published, files: Mapping[str, bytes]) -> None:
        """Let a private video be playable, as the operator leaves it. ``files``: by path below its prefix."""
        self.observe(
            video_id,
            phase=Phase.READY,
            reason=Reason.PUBLISHED,
            published=published,
            is_playable=True,
            is_private=True,
        )
        for path, body in files.items():
            self.storage.put_processed(video_prefix(video_id, is_private=True) + path, body)

    def submit(self, video_id: str) -> None:
        """Record attempt 1, so that callbacks about it are claims."""
        row = self.row(video_id)
        assert self.observations.commit(
            row, row.observed, cause=Cause.POLL, attempt=Intend(attempt=1, edition=1, at=self.now)
        )

    def claims(self) -> set[tuple[str, int, str]]:
        """Return the recorded claims: video, attempt, job."""
        rows = self.sql("SELECT video_id, attempt, job_id FROM job_claims")
        return {(row["video_id"], row["attempt"], row["job_id"]) for row in rows}

    def set_columns(self, video_id: str, /, **columns: object) -> None:
        """Overwrite columns of a video, past every rule."""
        assignments = sql.SQL(", ").join(
            sql.SQL("{} = {}").format(sql.Identifier(n), sql.Literal(v)) for n, v in columns.items()
        )
        with self.postgres.connection() as connection:
            connection.execute(
                sql.SQL("UPDATE videos SET {} WHERE video_id = {}").format(assignments, sql.Literal(video_id))
            )

    def purge(self, video_id: str) -> VideoRow:
        """Delete the row of a video, and return it."""
        row = self.row(video_id)
        self.sql("DELETE FROM videos WHERE video_id = %s RETURNING video_id", video_id)
        return row

    @contextmanager
    def hold_key(self, key: str) -> Iterator[None]:
        """Be another request of Ann's under the same Idempotency-Key that has not finished."""
        with self.postgres.transaction() as running:
            assert made_before(running, "ann", IdempotencyKey(key, "")) is None
            yield

    def sql(self, statement: LiteralString, *parameters: object) -> list[dict[str, Any]]:
        """Run a statement and return its rows."""
        with self.postgres.connection() as connection:
            return connection.execute(statement, parameters).fetchall()

    def store(self, video_id: str, body: bytes = b"video") -> str:
        """Put the file of a video into storage, and return its key."""
        key = self.row(video_id).desired.storage_key
        self.storage.put_raw(key, body)
        return key


def verify_file(api: Api, video_id: str, **changes: Any) -> None:
    """Put a video's file into storage, and write the observation that it is a good one."""
    facts = api.storage.raw[api.store(video_id)].facts
    source = SourceFacts(facts.etag, facts.last_modified, facts.file_bytes, "mp4")
    api.observe(video_id, **{"phase": Phase.READY, "source": source, "is_playable": True, **changes})


def token(*, key: str = SIGNING_KEY, algorithm: str = "HS256", without: str | None = None, **claims: object) -> str:
    """Return a valid token with these claims; other arguments make it invalid."""
    all_claims = {"sub": "ann", "iss": ISSUER, "aud": AUDIENCE, "exp": int(time.time()) + 600, **claims}
    if without:
        del all_claims[without]
    return jwt.encode(all_claims, key, algorithm=algorithm)
