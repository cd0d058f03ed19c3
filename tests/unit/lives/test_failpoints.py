"""Every effect of every step, killed before and after: the end is the same, and no job is bought twice for an attempt.

The points come from running the steps, the list of effects from reading their source: an effect that no life below
reaches fails here.
"""

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import get_args

import pytest

from controller.actions.multipart_gc import AbandonedUploads
from controller.coconut.limiter import SubmissionLimits
from controller.ports import SourceRefusedError, SourceUnavailableError
from controller.rules.steps import Step
from domain.captions import CaptionTrack, digest_of
from domain.errors import RefusedError
from domain.policy import LifecyclePolicy, UncertainSubmissionPolicy
from domain.stable_playlist import stable_playlist
from domain.video import PAUSED_ANNOTATION, RETRY_REQUESTED_ANNOTATION, Phase, Published, Reason, Visibility
from tests.support.builders.pictures import PICTURE
from tests.support.fakes.transcoder import Answer, JobEnd, Script
from tests.support.fakes.videos import mp4
from tests.support.world.auditor import Auditor
from tests.support.world.dumps import Dump
from tests.support.world.endings import HASTY
from tests.support.world.failpoints import EFFECTS
from tests.support.world.limiter import take_the_only_turn
from tests.support.world.operator import run_until, settled
from tests.support.world.world import MAX_FILE_BYTES, PLAYLIST, VIDEO_ID, InMemoryWorld

CONTROLLER = Path(__file__).parents[3] / "controller" / "actions"
# How the steps name what they may use (dependencies.py), and the context whose commits they make.
UPSTREAMS = {
    "observations",
    "attempts",
    "claims",
    "retention",
    "adoption",
    "storage",
    "parts",
    "transcoder",
    "fetch_rows",
    "sources",
}
CONTEXTS = {"ctx", "sending", "self"}


# After this time, no row waits for an upload that was opened.
LONG_AFTER_SECONDS = 3 * 86_400.0
KEPT_BRIEFLY = HASTY.model_copy(update={"errored_file_seconds": 86_400.0, "errored_row_seconds": 2 * 86_400.0})


@dataclass(frozen=True)
class Life:
    """A life with its people: ``begin`` makes the world, ``chapters`` are what people do each time all is at rest."""

    begin: Callable[[], InMemoryWorld]
    chapters: tuple[Callable[[InMemoryWorld], None], ...] = ()

    def live(self, deadly: str | None = None) -> InMemoryWorld:
        """Live it, killed once at a point."""
        world = self.begin()
        world.failpoints.deadly = deadly
        settled(world)
        for chapter in self.chapters:
            chapter(world)
            settled(world)
        return world


def uploaded(script: Script | None = None, body: bytes | None = None, **changes: object) -> InMemoryWorld:
    world = InMemoryWorld(script, HASTY)
    world.create(**changes)
    world.send_file(body)
    return world


def held() -> InMemoryWorld:
    world = InMemoryWorld(
        Script([Answer.LOST_BEFORE]), HASTY, rules=LifecyclePolicy(HASTY, on_uncertain=UncertainSubmissionPolicy.HOLD)
    )
    world.create()
    world.send_file()
    return world


def in_a_queue() -> InMemoryWorld:
    """Return a world where another upload takes the only place of this minute."""
    world = InMemoryWorld(timing=HASTY, limits=SubmissionLimits(max_running=9, per_minute=1, burst=1))
    world.create()
    world.send_file()
    take_the_only_turn(world)
    return world


def parted() -> InMemoryWorld:
    """Return a world in which all parts have arrived and the client has vanished."""
    world = InMemoryWorld(timing=HASTY)
    world.create_parted()
    world.send_parts()
    return world


def keep_arriving() -> InMemoryWorld:
    """Return a world in which a part arrived when most of the time was over."""
    world = InMemoryWorld(timing=HASTY)
    world.create_parted()
    world.pass_time(HASTY.uploading_deadline_seconds * 0.6)
    world.send_parts(2)
    return world


def joined_too_late() -> InMemoryWorld:
    """Return a world whose storage joins nothing, at the deadline."""
    world = parted()
    world.pass_time(HASTY.uploading_deadline_seconds + 1)
    world.multipart.trouble_joining = RefusedError("joining the parts: HTTP 400")
    return world


def fetched(
    body: bytes | None = None,
    *,
    cuts: Sequence[int] = (),
    version: str | None = '"one"',
    failures: Sequence[SourceUnavailableError | SourceRefusedError] = (),
) -> InMemoryWorld:
    """Return a world whose file is fetched from a URL."""
    world = InMemoryWorld(timing=HASTY)
    world.create_fetched(body)
    world.sources.cuts, world.sources.version, world.sources.failures = list(cuts), version, list(failures)
    return world


def fetched_and_deleted_meanwhile() -> InMemoryWorld:
    """Return a world whose video is deleted while its file is asked for."""
    world = fetched()
    world.sources.on_request = lambda: delete(world)
    return world


def retry(world: InMemoryWorld) -> None:
    world.records.retry(VIDEO_ID)


def annotate_retry(world: InMemoryWorld) -> None:
    world.resources.annotate(VIDEO_ID, RETRY_REQUESTED_ANNOTATION, f"at {world.clock.monotonic()}")


def pause(world: InMemoryWorld) -> None:
    world.resources.annotate(VIDEO_ID, PAUSED_ANNOTATION, "true")


def unpause(world: InMemoryWorld) -> None:
    world.resources.annotate(VIDEO_ID, PAUSED_ANNOTATION, None)


def delete(world: InMemoryWorld) -> None:
    world.records.delete(VIDEO_ID)


def restore(world: InMemoryWorld) -> None:
    world.records.restore(VIDEO_ID)


def wait_for_retirement(world: InMemoryWorld) -> None:
    world.pass_time(HASTY.retire_ready_seconds)


def failed_and_left() -> InMemoryWorld:
    """Return a world whose client sent no video and never retries."""
    world = InMemoryWorld(timing=KEPT_BRIEFLY)
    world.create()
    world.send_file(b"this is a text")
    return world


def wait_for_retention(world: InMemoryWorld) -> None:
    world.pass_time(KEPT_BRIEFLY.errored_file_seconds)


def wait_for_purge(world: InMemoryWorld) -> None:
    world.pass_time(HASTY.delete_grace_seconds)


def lose_storage_until_too_late() -> InMemoryWorld:
    """Return a world whose poster cannot be copied for as long as storage is waited for."""
    world = uploaded()
    run_until(world, lambda world: world.row.observed.phase is Phase.PROCESSING)
    world.pass_time(HASTY.processing_longest_seconds + 1)
    world.storage.read_only = True
    world.failpoints.points.clear()
    return world


def lose_playlists_until_too_late() -> InMemoryWorld:
    """Return a world whose stable playlist was not shown before the deadline, and never will be."""
    world = uploaded()
    run_until(world, lambda world: world.row.observed.reason is Reason.PUBLISHING)
    world.pass_time(HASTY.processing_deadline_seconds + 1)
    world.storage.loses_playlists = True
    world.failpoints.points.clear()
    return world


def killed_once_its_playlist_was_written() -> InMemoryWorld:
    """Return a world whose stable playlist is there, and whose row does not know it."""
    world = uploaded()
    run_until(world, lambda world: world.row.observed.reason is Reason.PUBLISHING)
    return _with_playlist(world)


def brought_back() -> InMemoryWorld:
    """Return a world of a restored video whose files are back, but for the stable ones."""
    world = uploaded()
    settled(world)
    delete(world)
    settled(world)
    restore(world)
    run_until(world, lambda world: not world.row.observed.is_withdrawn)
    return world


def killed_once_its_playlist_was_restored() -> InMemoryWorld:
    """Return a world of a restored video whose stable playlist is there again, and whose row does not know it."""
    return _with_playlist(brought_back())


def withdrawn_again_by_a_late_process() -> InMemoryWorld:
    """Return a world of a restored video from which a process that read an earlier row withdrew all files once more."""
    world = brought_back()
    world.storage.withdraw(VIDEO_ID, at_most=1_000)
    world.failpoints.points.clear()
    return world


def _with_playlist(world: InMemoryWorld) -> InMemoryWorld:
    published = world.row.observed.published
    assert published is not None
    world.storage.write_playlist(VIDEO_ID, stable_playlist(published))
    world.failpoints.points.clear()
    return world


def not_copied_until_too_late() -> InMemoryWorld:
    """Return a world whose storage copies no file, at the deadline."""
    world = uploaded()
    world.storage.copies_nothing = True
    world.pass_time(HASTY.uploading_deadline_seconds + 1)
    return world


def left_open() -> InMemoryWorld:
    """Return a world in which another upload of the same video was opened and left."""
    world = parted()
    world.multipart.create(world.row.desired.storage_key, content_type="video/mp4")
    return world


def restored_without_its_attempt() -> InMemoryWorld:
    """Return a world that was restored from a dump older than an attempt, long after the resource has left."""
    world = uploaded()
    run_until(world, lambda world: world.row.observed.phase is Phase.UPLOADED)
    dump = Dump(world.records)
    settled(world)
    wait_for_retirement(world)
    settled(world)
    dump.restore(world.records)
    world.failpoints.points.clear()
    return world


def put_captions(world: InMemoryWorld) -> None:
    text = "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nHello\n"
    world.records.put_captions(VIDEO_ID, CaptionTrack("en", "English", is_default=True, digest=digest_of(text)), text)


def remove_captions(world: InMemoryWorld) -> None:
    world.records.remove_captions(VIDEO_ID, "en")


def choose_poster(world: InMemoryWorld) -> None:
    world.records.choose_poster(VIDEO_ID, PICTURE)


def choose_automatic_poster(world: InMemoryWorld) -> None:
    world.records.choose_poster(VIDEO_ID, None)


def make_private(world: InMemoryWorld) -> None:
    world.records.set_visibility(VIDEO_ID, Visibility.PRIVATE)


def make_public(world: InMemoryWorld) -> None:
    world.records.set_visibility(VIDEO_ID, Visibility.PUBLIC)


def made_private_without_its_playlist() -> InMemoryWorld:
    """Return a world of a video whose stable playlist was lost when it was made private."""
    world = uploaded()
    settled(world)
    del world.storage.processed[PLAYLIST]
    make_private(world)
    world.failpoints.points.clear()
    return world


LIVES = {
    "good": Life(uploaded, (wait_for_retirement,)),
    "a-url-is-still-to-be-offered": Life(lambda: uploaded(phase=Phase.PENDING)),
    "bad-file": Life(lambda: uploaded(body=b"this is a text"), (retry,)),
    "bad-file-left": Life(failed_and_left, (wait_for_retention, wait_for_retention, wait_for_purge)),
    "file-too-large": Life(lambda: uploaded(body=mp4(media_bytes=MAX_FILE_BYTES))),
    "answer-lost-job-found": Life(lambda: uploaded(Script([Answer.LOST_AFTER]))),
    "order-lost": Life(lambda: uploaded(Script([Answer.LOST_BEFORE]))),
    # Killed before the first order left, the second one is lost.
    "order-lost-and-held": Life(held, (annotate_retry, annotate_retry)),
    "all-parts-arrived": Life(parted, (delete, wait_for_purge)),
    "parts-keep-arriving": Life(keep_arriving, (delete, wait_for_purge)),
    "parts-given-up-late": Life(left_open, (delete, wait_for_purge)),
    "parts-joined-too-late": Life(joined_too_late),
    "not-copied-until-too-late": Life(not_copied_until_too_late),
    "not-its-turn": Life(in_a_queue),
    "provider-busy": Life(lambda: uploaded(Script([Answer.BUSY]))),
    "provider-refuses": Life(lambda: uploaded(Script([Answer.REFUSED])), (annotate_retry,)),
    "a-job-breaks": Life(lambda: uploaded(Script(job_ends=[JobEnd.BREAKS])), (annotate_retry,)),
    "storage-lost-too-long": Life(lose_storage_until_too_late),
    "playlist-lost-too-long": Life(lose_playlists_until_too_late),
    "its-playlist-was-written": Life(killed_once_its_playlist_was_written),
    "its-playlist-was-restored": Life(killed_once_its_playlist_was_restored),
    "withdrawn-again": Life(withdrawn_again_by_a_late_process),
    "restored-without-its-attempt": Life(restored_without_its_attempt),
    "paused": Life(uploaded, (pause, unpause)),
    "captioned": Life(uploaded, (put_captions, remove_captions)),
    "with-a-poster": Life(uploaded, (choose_poster, choose_automatic_poster)),
    "fetched": Life(fetched, (wait_for_retirement,)),
    "fetched-in-two-goes": Life(lambda: fetched(cuts=[1_500])),
    "fetched-twice-from-its-beginning": Life(lambda: fetched(cuts=[1_500], version=None)),
    "fetched-too-late": Life(lambda: fetched(failures=[SourceUnavailableError("HTTP 503")] * 99), (retry,)),
    "fetched-for-another": Life(fetched_and_deleted_meanwhile, (wait_for_purge,)),
    "made-private-and-public": Life(uploaded, (make_private, make_public)),
    "made-private-without-its-playlist": Life(made_private_without_its_playlist),
    "deleted-restored-deleted-purged": Life(uploaded, (delete, restore, delete, wait_for_purge)),
}


def end_of(world: InMemoryWorld) -> object:
    """Return what must be the same however often the process was killed on the way, and once the audit has run."""
    Auditor(world).full()
    world.pass_time(LONG_AFTER_SECONDS)
    AbandonedUploads(world.deps, clock=world.clock.now).abort_abandoned()
    row = world.records.rows.get(VIDEO_ID)
    if row is None:
        stored = world.storage.raw | world.storage.processed | world.storage.marked
        return None, sorted(world.multipart.uploads), sorted(stored)
    failure, published = row.observed.failure, row.observed.published
    return (
        row.observed.phase,
        row.observed.is_playable,
        row.observed.is_paused,
        row.observed.is_private,
        row.observed.is_relocating,
        sorted({key.partition("/")[0] for key in world.storage.processed}),
        row.retired,
        failure.code if failure else None,
        published.edition if isinstance(published, Published) else None,
        VIDEO_ID in world.resources.by_name,
        sorted(world.multipart.uploads),
        # The name of a copy says when its file was stored: one that is fetched later has another.
        [key.rpartition("/")[0] if row.source_url else key for key in sorted(world.storage.raw)],
    )


def paid(world: InMemoryWorld) -> int:
    orders = [(job.order.video_id, job.order.attempt) for job in world.transcoder.jobs.values()]
    assert len(set(orders)) == len(orders), "one job for each attempt"
    return len(orders)


@pytest.mark.parametrize("life", LIVES.values(), ids=LIVES.keys())
def test_killed_at_any_effect_an_upload_ends_the_same(life: Life) -> None:
    pattern = life.live()
    points = list(dict.fromkeys(pattern.failpoints.points))
    assert points
    for point in points:
        world = life.live(deadly=point)
        assert world.failpoints.deadly is None, f"it was killed at {point}"
        assert end_of(world) == end_of(pattern), point
        assert paid(world) == paid(pattern), point


def test_every_step_with_an_effect_was_killed() -> None:
    killed = {point.partition(".")[0] for life in LIVES.values() for point in life.live().failpoints.points}
    assert killed == {step.__name__ for step in get_args(Step)} - {"NoOp"}


def test_every_effect_in_the_source_was_killed() -> None:
    reached = set(chain.from_iterable(life.live().failpoints.lines for life in LIVES.values()))
    missed = [
        f"{module}.py:{call.lineno}: {ast.unparse(call)[:80]}"
        for module in EFFECTS
        for call in effects_in(module)
        if not any((module, line) in reached for line in range(call.lineno, (call.end_lineno or call.lineno) + 1))
    ]
    assert not missed, "no life in LIVES reaches these effects"


def effects_in(module: str) -> Iterator[ast.Call]:
    """Yield every call in a module that stores an observation or an effect of an upstream."""
    for node in ast.walk(ast.parse((CONTROLLER / f"{module}.py").read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = ast.unparse(node.func.value)
            is_commit = node.func.attr in {"commit", "fail"} and owner in CONTEXTS
            is_call = owner.rpartition(".")[2] in UPSTREAMS and not node.func.attr.startswith("presign")
            if is_commit or is_call:
                yield node
