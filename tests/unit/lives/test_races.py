"""A pass or a person changes the video at any moment of an audit: the newer state wins."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from controller.audit.findings import Finding, FindingType, RemoveObjects, RemoveOutputs
from controller.audit.repair import Repair
from domain import object_keys
from domain.objects import VerifiedOutputs
from domain.stable_playlist import stable_playlist
from domain.video import Phase, Reason
from tests.support.fakes.videos import stream
from tests.support.world.auditor import Auditor
from tests.support.world.endings import a_ready_world
from tests.support.world.world import PLAYLIST, POSTER, VIDEO_ID, InMemoryWorld

NEW_POSTER = b"another picture"


def publish_another(world: InMemoryWorld) -> None:
    """Play whole passes: a second attempt, of another length, is published."""
    files = stream(segments=3)
    files |= {path: NEW_POSTER for path in files if path.endswith(".jpg")}
    world.storage.put_outputs(VIDEO_ID, "2", files)
    outputs = world.storage.verify_outputs(VIDEO_ID, "2", input_seconds=None)
    assert isinstance(outputs, VerifiedOutputs)
    assert outputs.poster_key is not None
    row = world.row
    published = row.observed.published
    assert published is not None
    published = replace(
        published, attempt=2, edition=2, renditions=outputs.renditions, duration_seconds=outputs.duration_seconds
    )
    world.storage.publish_poster(VIDEO_ID, outputs.poster_key)
    observed = replace(row.observed, revision=row.observed.revision + 2, attempt=2, published=published)
    world.records.rows[VIDEO_ID] = replace(row, observed=observed)
    world.storage.write_playlist(VIDEO_ID, stable_playlist(published))


def delete(world: InMemoryWorld) -> None:
    """Play a person and a pass: the video is deleted and withdrawn."""
    row = world.row
    observed = replace(row.observed, revision=row.observed.revision + 1, is_playable=False, is_withdrawn=True)
    desired = replace(row.desired, deleted=True, revision=row.desired.revision + 1)
    world.records.rows[VIDEO_ID] = replace(row, desired=desired, observed=observed)
    world.storage.remove_published(VIDEO_ID)
    world.storage.withdraw(VIDEO_ID, at_most=1_000)


def restore(world: InMemoryWorld) -> None:
    """Play a person and a pass: a deleted video is wanted again and published."""
    row = world.row
    world.storage.bring_back(VIDEO_ID, at_most=1_000)
    observed = replace(row.observed, revision=row.observed.revision + 1, is_playable=True, is_withdrawn=False)
    desired = replace(row.desired, deleted=False, revision=row.desired.revision + 1)
    world.records.rows[VIDEO_ID] = replace(row, desired=desired, observed=observed)
    assert observed.published is not None
    world.storage.write_playlist(VIDEO_ID, stable_playlist(observed.published))


def without_stable_files() -> InMemoryWorld:
    world = a_ready_world()
    world.storage.remove_published(VIDEO_ID)
    return world


def public_though_deleted() -> InMemoryWorld:
    world = a_ready_world()
    stored = dict(world.storage.processed)
    delete(world)
    world.storage.processed |= stored
    return world


def without_a_segment() -> InMemoryWorld:
    world = a_ready_world()
    directory = object_keys.hls_directory(VIDEO_ID, world.row.observed.outputs_folder)
    del world.storage.processed[f"{directory}/360p/000.ts"]
    return world


CASES = [
    pytest.param(without_stable_files, publish_another, id="published-again-while-rewritten"),
    pytest.param(without_stable_files, delete, id="deleted-while-rewritten"),
    pytest.param(public_though_deleted, restore, id="restored-while-withdrawn"),
    pytest.param(without_a_segment, publish_another, id="published-again-while-healed"),
    pytest.param(without_a_segment, delete, id="deleted-while-healed"),
]


@pytest.mark.parametrize(("begin", "change"), CASES)
def test_a_change_during_an_audit_wins_at_every_moment(
    begin: Callable[[], InMemoryWorld], change: Callable[[InMemoryWorld], None]
) -> None:
    moment, is_reached = 1, True
    while is_reached:
        world = begin()
        is_reached = interrupted(world, {moment: change}) == 0
        assert_follows_the_row(world)
        moment += 1
    assert moment > 10


def begin_to_publish(world: InMemoryWorld) -> None:
    """Play passes up to the one that reads the stable playlist back."""
    publish_another(world)
    observed = replace(world.row.observed, phase=Phase.PROCESSING, reason=Reason.PUBLISHING)
    world.records.rows[VIDEO_ID] = replace(world.row, observed=observed)


def finish(world: InMemoryWorld) -> None:
    """Play the pass that had read the right playlist back before, and commits only now."""
    observed = replace(world.row.observed, phase=Phase.READY, reason=Reason.PUBLISHED)
    world.records.rows[VIDEO_ID] = replace(world.row, observed=observed)


def begin_to_withdraw(world: InMemoryWorld) -> None:
    """Play a person, and the first half of a pass."""
    delete(world)
    world.records.rows[VIDEO_ID] = replace(world.row, observed=replace(world.row.observed, is_playable=True))


def end_withdrawn(world: InMemoryWorld) -> None:
    """Play the second half of the pass: its commit."""
    world.records.rows[VIDEO_ID] = replace(world.row, observed=replace(world.row.observed, is_playable=False))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(begin_to_publish, finish, id="publishing"),
        pytest.param(begin_to_withdraw, end_withdrawn, id="withdrawing"),
    ],
)
def test_a_pass_during_an_audit_wins_at_every_moment(
    first: Callable[[InMemoryWorld], None], second: Callable[[InMemoryWorld], None]
) -> None:
    moment, is_reached = 1, True
    while is_reached:
        for lasts in (1, 2, 5):
            world = without_stable_files()
            is_reached = interrupted(world, {moment: first, moment + lasts: second}) < 2
            assert_follows_the_row(world)
        moment += 1


def interrupted(world: InMemoryWorld, changes: Mapping[int, Callable[[InMemoryWorld], None]]) -> int:
    """Audit with changes at some moments; makes those up that came too late, and returns how many."""
    at = {world.kill_switch.moments + moment: change for moment, change in changes.items()}

    def reached() -> None:
        world.kill_switch.moments += 1
        if world.kill_switch.moments in at:
            at.pop(world.kill_switch.moments)(world)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.kill_switch, "reached", reached)
        Auditor(world).full()
    late = list(at.values())
    for change in late:
        change(world)
    return len(late)


def assert_follows_the_row(world: InMemoryWorld) -> None:
    published = world.row.observed.published
    assert published is not None
    if world.row.desired.deleted:
        assert not {PLAYLIST, POSTER} & set(world.storage.processed)
        return
    assert not any(key.startswith(object_keys.WITHDRAWN_PREFIX) for key in world.storage.processed)
    assert world.storage.read_playlist(VIDEO_ID) == stable_playlist(published)
    if published.attempt == 2:
        assert world.storage.processed[POSTER].body == NEW_POSTER


def gone(world: InMemoryWorld) -> None:
    world.records.rows.clear()


def publishing_the_old(world: InMemoryWorld) -> None:
    """Play a restored dump: the second attempt is not published yet."""
    row = world.row
    assert row.observed.published is not None
    observed = replace(row.observed, published=replace(row.observed.published, attempt=1))
    world.records.rows[VIDEO_ID] = replace(row, observed=observed)


def adopting_the_old(world: InMemoryWorld) -> None:
    observed = replace(world.row.observed, attempt=1)
    world.records.rows[VIDEO_ID] = replace(world.row, observed=observed)


@pytest.mark.parametrize("change", [gone, delete, publishing_the_old, adopting_the_old])
def test_superseded_outputs_stay_if_the_row_changed_meanwhile(
    change: Callable[[InMemoryWorld], None],
) -> None:
    world = a_ready_world()
    folder = world.row.observed.outputs_folder
    publish_another(world)
    change(world)
    auditor = Auditor(world)
    before = auditor.objects()
    repair = Repair(auditor.deps, auditor.rules, clock=auditor.world.clock.now)
    finding = Finding(FindingType.OUTPUTS_SUPERSEDED, VIDEO_ID, "", RemoveOutputs(folder))
    assert not repair.apply(finding, lambda: None)
    assert auditor.objects() == before


def test_an_object_owned_again_stays_however_long_it_was_in_quarantine() -> None:
    world = a_ready_world()
    auditor = Auditor(world)
    stray = f"{object_keys.PUBLIC_PREFIX}lost/a"
    world.storage.put_processed(stray, b"x")
    before = auditor.objects()
    keys = [stray, *before]
    auditor.rows.quarantine(dict.fromkeys(keys, 1))
    repair = Repair(auditor.deps, auditor.rules, clock=auditor.world.clock.now)
    assert repair.apply(Finding(FindingType.QUARANTINE_DUE, "", "", RemoveObjects(keys)), lambda: None)
    assert auditor.objects() == {key: stored for key, stored in before.items() if key != stray}
    assert stray not in auditor.rows.in_quarantine
