"""Everything a pass may use, as one value. wiring.py builds the real one; tests build one over fakes."""

from collections.abc import Callable
from dataclasses import dataclass, field

from controller.coconut.limiter import SubmissionLimiter
from controller.coconut.unknown_jobs import UnknownJobs
from controller.ports import Sources, Transcoder
from crds.client import UploadsClient
from crds.events import EventRecorder
from crds.resource import Resource
from database.adoption import Adoption
from database.attempts import Attempts
from database.captions import CaptionRows
from database.job_claims import Claims
from database.observations import Observations
from database.posters import PosterRows
from database.profiles import Profiles
from database.retention import Retention
from database.source_fetches import SourceFetches
from domain.jobs import Job
from domain.object_keys import new_word
from domain.policy import LifecyclePolicy
from domain.records import AttemptChange, Cause, VideoRow
from domain.regions import EVERYWHERE, RegionScope
from domain.source_fetch import FetchResult
from runtime.tracing import UNTRACED, Tracing
from runtime.upstream_breaker import UpstreamHealth
from storage.multipart import Multipart
from storage.object_store import Storage


@dataclass(frozen=True)
class Dependencies:
    """The upstreams and the policy. ``monotonic``: a clock in seconds that is never adjusted, and
    goes on while the machine sleeps. ``is_leading``: whether this process may still act.

    ``region``: of our buckets; imports from another one are refused. ``scope``: which uploads are ours.
    ``pass_seconds``: after this long a pass begins no further call; copies of originals are not counted.
    ``unknown_jobs`` counts looks at jobs that Coconut does not know. ``on_commit``, ``on_job`` and ``on_fetch``
    record metrics for each commit, each job that Coconut returned and each try to fetch a file. ``on_write`` receives
    each version of a resource that a pass wrote. ``storage_health`` says how the last calls to storage ended.
    ``request_fetch`` has the file of a video fetched from its URL, and returns whether that is under way
    (loop/fetch_pool.py). ``new_word`` makes the random part of a folder's name. ``for_step`` returns the dependencies
    of a named step; only tests replace any (failpoints.py).
    """

    observations: Observations
    attempts: Attempts
    claims: Claims
    retention: Retention
    adoption: Adoption
    captions: CaptionRows
    posters: PosterRows
    profiles: Profiles
    fetch_rows: SourceFetches
    sources: Sources
    storage: Storage
    parts: Multipart
    transcoder: Transcoder
    limiter: SubmissionLimiter
    resources: UploadsClient
    events: EventRecorder
    policy: LifecyclePolicy
    max_file_bytes: int
    callback_url: Callable[[str, int], str]
    monotonic: Callable[[], float]
    is_leading: Callable[[], bool] = lambda: True
    region: str = ""
    scope: RegionScope = EVERYWHERE
    # Most passes take milliseconds; one over a long video makes some hundred calls.
    pass_seconds: float = 120.0
    unknown_jobs: UnknownJobs = field(default_factory=UnknownJobs)
    storage_health: Callable[[], UpstreamHealth] = lambda: UpstreamHealth.AVAILABLE
    # Together with `SOURCE_FETCHES` threads the memory of fetches: a part each, twice.
    fetch_part_bytes: int = 8 * 1024**2
    request_fetch: Callable[[str, str], bool] = lambda _video_id, _owner: False
    new_word: Callable[[], str] = new_word
    on_commit: Callable[[VideoRow, VideoRow, AttemptChange | None, Cause], None] = lambda *_: None
    on_write: Callable[[Resource], None] = lambda _resource: None
    on_job: Callable[[Job], None] = lambda _job: None
    on_fetch: Callable[[FetchResult], None] = lambda _result: None
    tracing: Tracing = UNTRACED
    for_step: Callable[["Dependencies", str], "Dependencies"] = lambda deps, _step: deps
