"""The file that was judged is the file that is transcoded and kept, whatever a client sends to its old URL."""

from dataclasses import replace

import pytest

from controller.audit.findings import FindingType
from domain.errors import UnavailableError
from domain.video import Phase
from tests.support.fakes.videos import mp4
from tests.support.world.auditor import Auditor, kinds
from tests.support.world.endings import HASTY, a_world, assert_ends_ready
from tests.support.world.operator import Process, live, settled
from tests.support.world.world import MAX_FILE_BYTES, VIDEO_ID, InMemoryWorld

FIRST, OTHER = mp4(), mp4(media_bytes=700)
LARGE = mp4(media_bytes=MAX_FILE_BYTES)


def kept(world: InMemoryWorld) -> dict[str, bytes]:
    """Return the originals that no URL of a client can write."""
    return {key: stored.body for key, stored in world.storage.raw.items() if key.startswith("originals/")}


def ordered(world: InMemoryWorld) -> list[bytes | None]:
    """Return what each job read from its source URL."""
    return [job.source for job in world.transcoder.jobs.values()]


def until(world: InMemoryWorld, phase: Phase) -> Process:
    process = Process(world)
    process.begin()
    while world.row.observed.phase is not phase:
        process.step()
    return process


@pytest.mark.parametrize("other", [OTHER, LARGE], ids=["another", "too-large"])
@pytest.mark.parametrize("phase", [Phase.UPLOADED, Phase.PROCESSING, Phase.READY])
def test_a_file_sent_after_the_acceptance_changes_nothing(phase: Phase, other: bytes) -> None:
    world = a_world()
    until(world, phase)
    world.send_file(other)
    live(world)
    assert ordered(world) == [FIRST]
    assert list(kept(world).values()) == [FIRST]
    assert_ends_ready(world)

    world.records.ask_for_edition(VIDEO_ID)
    settled(world)
    assert ordered(world) == [FIRST, FIRST]


def test_swapped_and_swapped_back_the_first_is_transcoded() -> None:
    world = a_world()
    process = until(world, Phase.UPLOADED)
    world.send_file(OTHER)
    while not world.transcoder.jobs:
        process.step()
    world.send_file(FIRST)
    live(world)
    assert ordered(world) == [FIRST]
    assert_ends_ready(world)


def test_a_file_swapped_between_the_look_and_the_copy_is_not_the_one_that_is_kept() -> None:
    world = a_world()
    keep = world.storage.keep_original

    def swapped(*args: str, **facts: str | int) -> None:
        world.storage.keep_original = keep  # type: ignore[method-assign]
        world.send_file(OTHER)
        keep(*args, **facts)  # type: ignore[arg-type]

    world.storage.keep_original = swapped  # type: ignore[method-assign]
    live(world)
    assert ordered(world) == [OTHER]
    assert list(kept(world).values()) == [OTHER]


def test_the_upload_is_removed_once_a_job_is_bought() -> None:
    world = a_world()
    live(world)
    assert world.row.desired.storage_key not in world.storage.raw


def test_the_file_is_copied_once_however_often_the_operator_is_killed() -> None:
    pattern = a_world()
    pattern.kill_switch.forget()
    live(pattern)
    for moment in range(1, pattern.kill_switch.moments + 1, 2):
        world = a_world()
        world.kill_switch.arm(moment)
        live(world)
        assert world.storage.copies == 1, moment
        assert list(kept(world).values()) == [FIRST]
        assert_ends_ready(world)


def test_a_store_that_copies_nothing_until_the_deadline_ends_the_upload() -> None:
    world = a_world(timing=HASTY)
    world.storage.copies_nothing = True
    live(world)
    assert world.row.observed.phase is Phase.ERRORED
    assert not world.transcoder.jobs


def test_a_file_sent_after_the_end_is_removed_by_the_audit() -> None:
    world = a_world()
    live(world)
    world.send_file(OTHER)
    auditor = Auditor(world)
    assert kinds(auditor.full()) == {FindingType.UPLOAD_LEFT_OVER}
    assert world.row.desired.storage_key not in world.storage.raw
    assert not auditor.full().found
    assert_ends_ready(world)


def test_a_copy_that_was_made_but_never_accepted_is_removed_by_the_audit() -> None:
    world = a_world()
    keep = world.storage.keep_original

    def copied_without_an_answer(*args: str, **facts: str | int) -> None:
        world.storage.keep_original = keep  # type: ignore[method-assign]
        keep(*args, **facts)  # type: ignore[arg-type]
        world.send_file(OTHER)
        raise UnavailableError("copying a file: no answer")

    world.storage.keep_original = copied_without_an_answer  # type: ignore[method-assign]
    live(world)
    assert sorted(kept(world).values()) == sorted([FIRST, OTHER])
    auditor = Auditor(world)
    assert kinds(auditor.full()) == {FindingType.UPLOAD_LEFT_OVER}
    assert kept(world) == {world.row.original_key: OTHER}
    assert not auditor.full().found
    assert_ends_ready(world)


def test_a_video_accepted_by_an_earlier_release_keeps_its_original_where_it_was_sent() -> None:
    world = a_world()
    live(world)
    world.storage.raw.clear()
    world.send_file(FIRST)
    source = world.row.observed.source
    assert source is not None
    sent = world.storage.raw[world.row.desired.storage_key].facts
    accepted = replace(source, key=None, etag=sent.etag, last_modified=sent.last_modified)
    observed = replace(world.row.observed, source=accepted)
    world.records.rows[VIDEO_ID] = replace(world.row, observed=observed)
    assert not Auditor(world).full().found
    world.records.ask_for_edition(VIDEO_ID)
    settled(world)
    newest = list(world.transcoder.jobs.values())[-1]
    assert f"/{world.row.desired.storage_key}?" in newest.order.source_url
    assert_ends_ready(world, jobs=2)
