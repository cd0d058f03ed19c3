"""The operator's world in memory: every upstream, one clock, and the actions of a client."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from controller.actions import source_fetch
from controller.coconut.limiter import SubmissionLimiter, SubmissionLimits
from controller.coconut.unknown_jobs import UnknownJobs
from controller.dependencies import Dependencies
from controller.failpoints import with_failpoints
from crds.events import EventRecorder, ResourceEvent
from domain import object_keys
from domain.errors import UpstreamError
from domain.policy import LifecyclePolicy
from domain.records import VideoRow
from domain.schedule import Timing, first_observation
from domain.spending import SubmissionRequest
from domain.video import AT_REST, UploadMode, Visibility
from runtime.upstream_breaker import UpstreamBreaker
from tests.support.builders.rows import a_desired_state
from tests.support.fakes.multipart import FakeMultipart
from tests.support.fakes.profiles import FakeProfiles
from tests.support.fakes.records import FakeRecords
from tests.support.fakes.resources import FakeResources
from tests.support.fakes.sources import FakeSourceFetches, FakeSources
from tests.support.fakes.storage import FakeStorage
from tests.support.fakes.transcoder import FakeTranscoder, Script
from tests.support.fakes.videos import mp4
from tests.support.world.clock import MORNING, FakeClock
from tests.support.world.failpoints import Failpoints
from tests.support.world.kill_switch import KillSwitch, behind, through

VIDEO_ID = "smallworldsmallworldsmallw"
PLAYLIST = object_keys.stable_playlist_key(VIDEO_ID)
POSTER = object_keys.stable_poster_key(VIDEO_ID)
MAX_FILE_BYTES = 10_000
QUEUE_MAX = 100
# A submission of another owner, which only the limits of the installation concern.
ANOTHER = SubmissionRequest("another", None, MORNING, minutes=0)
WIDE = SubmissionLimits(max_running=100, per_minute=6_000, burst=100)


class PromptEvents(EventRecorder):
    """Stands in for the recorder's thread: each Event is posted at once, and no moment of the pass lies around that."""

    def record(self, event: ResourceEvent) -> None:
        """Post it; one that the API server does not take is lost."""
        with suppress(UpstreamError):
            self._post(event)


class InMemoryWorld:
    """All that outlives a process of the operator. ``world`` reaches it through ``kill_switch``."""

    def __init__(
        self,
        script: Script | None = None,
        timing: Timing | None = None,
        limits: SubmissionLimits | None = None,
        rules: LifecyclePolicy | None = None,
    ) -> None:
        self.clock = FakeClock()
        self.kill_switch = KillSwitch()
        self.failpoints = Failpoints()
        self.file = b""
        self.visibility = Visibility.PUBLIC
        self.storage_returns_at: float | None = None
        self.timing = timing or Timing()
        self.records = FakeRecords(self.clock.now)
        self.profiles = FakeProfiles()
        self.sources = FakeSources()
        # Set by the process that runs: requests a pass.
        self.wake: Callable[[str, float], None] = lambda _video_id, _seconds: None
        self.storage = FakeStorage(self.clock.now)
        self.multipart = FakeMultipart(self.storage, self.clock.now)
        self.resources = FakeResources()
        self.transcoder = FakeTranscoder(self.clock, self.storage, script)
        records = through(self.kill_switch, self.records)
        unknown_jobs = UnknownJobs()
        breaker = UpstreamBreaker("S3", monotonic=self.clock.monotonic)
        policy = rules or LifecyclePolicy(self.timing)
        limits = replace(limits or WIDE, spending=policy.spending)
        self.deps = Dependencies(
            observations=records,
            attempts=records,
            claims=records,
            retention=records,
            adoption=records,
            captions=records,
            posters=records,
            profiles=through(self.kill_switch, self.profiles),
            fetch_rows=through(self.kill_switch, FakeSourceFetches(self.records)),
            sources=through(self.kill_switch, self.sources),
            fetch_part_bytes=1_000,
            request_fetch=self._fetch,
            storage=behind(breaker, through(self.kill_switch, self.storage)),
            parts=behind(breaker, through(self.kill_switch, self.multipart)),
            storage_health=breaker.health,
            transcoder=through(self.kill_switch, self.transcoder),
            limiter=SubmissionLimiter(
                limits,
                monotonic=self.clock.monotonic,
                load=lambda: self.records.submission_load(
                    self.clock.now(), per_owner=policy.spending.running_per_owner, at_most=QUEUE_MAX
                ),
                are_jobs_unknown=lambda: unknown_jobs.are_many(self.clock.monotonic()),
            ),
            unknown_jobs=unknown_jobs,
            resources=through(self.kill_switch, self.resources),
            events=PromptEvents(self.resources.post_event),
            policy=policy,
            max_file_bytes=MAX_FILE_BYTES,
            callback_url=lambda video_id, attempt: f"https://api.test/webhooks/coconut?video={video_id}&a={attempt}",
            monotonic=self.clock.monotonic,
            for_step=with_failpoints(self.failpoints.reached),
        )

    def _fetch(self, video_id: str, _owner: str) -> bool:
        """Play the pool: fetch the file within the pass that requested it."""
        step = self.deps.for_step(self.deps, "FetchSource")
        seconds = source_fetch.fetch(video_id, step, self.clock.now, on_progress=lambda: self.wake(video_id, 0.0))
        if seconds is not None:
            self.wake(video_id, seconds)
        return True

    @property
    def row(self) -> VideoRow:
        """Return the one video's row."""
        return self.records.rows[VIDEO_ID]

    def is_at_rest(self) -> bool:
        """Tell whether the newest edition is at rest and the resource says so."""
        shown = self.resources.by_name.get(VIDEO_ID)
        revision = (shown.status or {}).get("revision") if shown else None
        row = self.records.rows.get(VIDEO_ID)
        return row is not None and row.observed.phase in AT_REST and revision == row.observed.revision

    def create(self, **changes: object) -> VideoRow:
        """Play the API: the one video, which waits for its bytes."""
        return self.create_as(VIDEO_ID, **changes)

    def create_as(self, video_id: str, /, **changes: object) -> VideoRow:
        """Play the API: a video that waits for its bytes."""
        desired = a_desired_state(video_id=video_id, declared_bytes=None, visibility=self.visibility)
        observed = first_observation(self.clock.now(), self.timing)
        return self.records.create(desired, replace(observed, **changes))  # type: ignore[arg-type]

    def create_parted(self, body: bytes | None = None, *, part_bytes: int = 1_000, **changes: object) -> VideoRow:
        """Play the API: a video whose file comes in parts. `send_parts` sends the parts."""
        self.file = mp4(media_bytes=2_500) if body is None else body
        row = self.create(**changes)
        upload_id = self.multipart.create(row.desired.storage_key, content_type="video/mp4")
        desired = replace(row.desired, upload_mode=UploadMode.MULTIPART, declared_bytes=len(self.file))
        self.records.rows[VIDEO_ID] = replace(row, desired=desired, upload_id=upload_id, part_bytes=part_bytes)
        return self.row

    def create_fetched(self, body: bytes | None = None, **changes: object) -> VideoRow:
        """Play the API: a video whose file is fetched from a URL."""
        self.sources.body = mp4(media_bytes=2_500) if body is None else body
        row = self.create(**changes)
        self.records.rows[VIDEO_ID] = replace(row, source_url="https://origin.test/clip.mp4?key=secret")
        return self.row

    def send_parts(self, *numbers: int) -> None:
        """Play the client: send these parts of the file, or all of them."""
        size, upload_id = self.row.part_bytes, self.row.upload_id
        assert size is not None
        assert upload_id is not None
        for number in numbers or range(1, -(-len(self.file) // size) + 1):
            self.multipart.send_part(upload_id, number, self.file[(number - 1) * size : number * size])

    def send_file(self, body: bytes | None = None) -> None:
        """Play the client: PUT the original."""
        self.storage.put_raw(self.row.desired.storage_key, mp4() if body is None else body)

    def pass_time(self, seconds: float) -> None:
        """Let the clock run, and the jobs with it."""
        self.clock.advance(seconds)
        self.transcoder.run()
