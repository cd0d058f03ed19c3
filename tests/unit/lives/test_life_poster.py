"""A poster that the owner chose is shown whenever it is chosen, and nothing is left of those before."""

from functools import partial

import pytest

from controller.audit.findings import FindingType
from domain import object_keys
from domain.errors import UnavailableError
from domain.posters import digest_of, file_name
from domain.video import PAUSED_ANNOTATION, Phase, Visibility
from tests.support.world.auditor import Auditor, entry_of, kinds
from tests.support.world.dumps import Dump
from tests.support.world.endings import HASTY, a_ready_world, a_world, assert_at_rest_for_good, assert_ends_ready
from tests.support.world.operator import live, run_until, settled
from tests.support.world.world import POSTER, VIDEO_ID, InMemoryWorld

CAT, DOG = b"\xff\xd8 a cat \xff\xd9", b"\xff\xd8 a dog \xff\xd9"


def choose(world: InMemoryWorld, picture: bytes | None) -> None:
    """Play the API: the owner chooses a poster."""
    world.records.choose_poster(VIDEO_ID, picture)


def files(world: InMemoryWorld) -> dict[str, bytes]:
    """Return the posters of the owner that lie anywhere, by key."""
    folder = f"/{object_keys.POSTERS_FOLDER}/"
    return {key: stored.body for key, stored in world.storage.processed.items() if folder in key}


def key_of(digest: str | None) -> str:
    return object_keys.posters_prefix(VIDEO_ID) + file_name(digest or "")


def key(picture: bytes, prefix: str = object_keys.posters_prefix(VIDEO_ID)) -> str:
    return prefix + file_name(digest_of(picture))


def assert_shown(world: InMemoryWorld, picture: bytes | None) -> None:
    """Check that this poster is the one that the row shows and the only file, or that there is none of the owner's."""
    assert files(world) == ({} if picture is None else {key(picture): picture})
    assert world.row.shown_poster == (None if picture is None else digest_of(picture))
    assert POSTER in world.storage.processed


def test_a_poster_chosen_before_the_video_is_ready_is_published_with_it() -> None:
    world = a_world()
    choose(world, CAT)
    run_until(world, lambda world: world.row.observed.phase is Phase.READY)
    assert_shown(world, CAT)
    assert_ends_ready(world)


def test_a_poster_is_chosen_changed_and_taken_back_without_a_job() -> None:
    world = a_ready_world()
    for picture in (CAT, DOG, None, CAT):
        choose(world, picture)
        settled(world)
        assert_shown(world, picture)
    assert_ends_ready(world)


@pytest.mark.parametrize("state", ["retired", "paused"])
def test_a_video_at_rest_gets_its_poster_too(state: str) -> None:
    world = a_ready_world()
    if state == "retired":
        world.pass_time(2 * world.timing.retire_ready_seconds)
    else:
        world.resources.annotate(VIDEO_ID, PAUSED_ANNOTATION, "true")
    settled(world)
    choose(world, CAT)
    settled(world)
    assert_shown(world, CAT)


def test_a_new_edition_keeps_the_poster() -> None:
    world = a_ready_world()
    choose(world, CAT)
    settled(world)
    world.records.ask_for_edition(VIDEO_ID)
    live(world)
    assert_shown(world, CAT)
    assert_ends_ready(world, jobs=2)


def test_it_is_withdrawn_with_the_video_brought_back_with_it_and_removed_at_last() -> None:
    world = a_ready_world()
    choose(world, CAT)
    settled(world)
    world.records.delete(VIDEO_ID)
    settled(world)
    withdrawn = f"{object_keys.withdrawn_prefix(VIDEO_ID)}{object_keys.POSTERS_FOLDER}/"
    assert files(world) == {key(CAT, withdrawn): CAT}

    world.records.restore(VIDEO_ID)
    settled(world)
    assert_shown(world, CAT)
    assert_ends_ready(world)

    world.records.delete(VIDEO_ID)
    settled(world)
    world.pass_time(2 * world.timing.delete_grace_seconds)
    settled(world)
    assert files(world) == {}


def test_it_moves_when_the_visibility_changes() -> None:
    world = a_ready_world()
    choose(world, CAT)
    settled(world)
    world.records.set_visibility(VIDEO_ID, Visibility.PRIVATE)
    settled(world)
    private = object_keys.posters_prefix(VIDEO_ID, is_private=True)
    assert files(world) == {key(CAT, private): CAT}

    choose(world, DOG)
    settled(world)
    assert files(world) == {key(DOG, private): DOG}
    assert Auditor(world).full().is_clean()


def test_the_picture_that_the_row_shows_is_there_at_every_moment() -> None:
    world = a_ready_world()
    choose(world, CAT)
    settled(world)
    before = world.row.observed.revision
    reached, shown = world.kill_switch.reached, set[str | None]()

    def looked() -> None:
        reached()
        shown.add(world.row.shown_poster)
        assert key_of(world.row.shown_poster) in files(world)

    world.kill_switch.reached = looked  # type: ignore[method-assign]
    choose(world, DOG)
    settled(world)
    assert shown == {digest_of(CAT), digest_of(DOG)}
    # Clients that wait for a change of the video get the other picture.
    assert world.row.observed.revision > before


def test_killed_at_any_moment_there_is_exactly_the_poster_that_is_wanted() -> None:
    def changed() -> InMemoryWorld:
        world = a_ready_world()
        choose(world, CAT)
        settled(world)
        choose(world, DOG)
        world.kill_switch.forget()
        return world

    pattern = changed()
    settled(pattern)
    for then in (DOG, CAT, None):
        for moment in range(1, pattern.kill_switch.moments + 1):
            world = changed()
            world.kill_switch.happens[moment] = partial(choose, world, then)
            world.kill_switch.arm(moment)
            settled(world)
            assert_shown(world, then)
            assert_ends_ready(world)


def test_while_storage_is_away_a_poster_holds_up_no_deadline() -> None:
    world = a_world(timing=HASTY)
    choose(world, CAT)
    run_until(world, lambda world: world.row.observed.phase is Phase.PROCESSING)
    world.storage.error = UnavailableError("storage: HTTP 503")
    live(world)
    assert world.row.observed.phase is Phase.ERRORED


def test_the_audit_has_a_lost_poster_written_again() -> None:
    world = a_ready_world()
    choose(world, CAT)
    settled(world)
    del world.storage.processed[key(CAT)]

    assert entry_of(Auditor(world).full(), FindingType.POSTER_MISSING).finding.count == 1
    settled(world)
    assert_shown(world, CAT)
    assert not kinds(Auditor(world).full())
    assert_at_rest_for_good(world)


def test_a_row_of_an_older_dump_keeps_its_own_poster_and_the_audit_removes_no_newer_one() -> None:
    world = a_ready_world()
    choose(world, CAT)
    settled(world)
    dump = Dump(world.records)
    choose(world, DOG)
    settled(world)
    dump.restore(world.records)
    settled(world)

    assert kinds(Auditor(world).full()) == {FindingType.POSTER_MISSING, FindingType.OUTPUTS_UNKNOWN}
    assert key(DOG) in files(world)
    settled(world)
    assert world.row.shown_poster == digest_of(CAT)
    assert_shown(world, CAT)
