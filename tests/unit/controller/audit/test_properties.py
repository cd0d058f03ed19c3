"""What holds for every audit: a healthy world is left alone, and a missing row never deletes an object."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.audit.findings import FindingType
from domain import object_keys
from domain.records import VideoRow
from tests.support.fakes.transcoder import Answer, JobEnd, Script
from tests.support.world.auditor import Auditor, copied, kinds
from tests.support.world.endings import HASTY, a_ready_world, a_world
from tests.support.world.operator import live
from tests.support.world.world import VIDEO_ID, InMemoryWorld

EFFECTS = {
    "heal",
    "quarantine",
    "release",
    "write_playlist",
    "publish_poster",
    "remove_published",
    "remove_outputs",
    "remove_file",
}
HOURS = 3600.0

scripts = st.builds(
    Script,
    answers=st.lists(st.sampled_from(Answer), max_size=3),
    job_ends=st.lists(st.sampled_from(JobEnd), max_size=3),
    job_seconds=st.sampled_from([30.0, 600.0, 1800.0]),
)


@settings(max_examples=60, deadline=None)
@given(script=scripts, delivers_claims=st.booleans(), waited=st.floats(0, 23 * HOURS))
def test_an_audit_of_a_healthy_world_finds_nothing_and_writes_nothing(
    script: Script, delivers_claims: bool, waited: float
) -> None:
    world = a_world(script, HASTY)
    auditor = Auditor(world)

    def audit() -> None:
        before, first = auditor.everything(), len(world.kill_switch.calls)
        found = kinds(auditor.full()) | kinds(auditor.light())
        # In doubt is what such a submission is; a pass resolves it.
        assert found <= {FindingType.UNCERTAIN_SUBMISSION}
        assert not EFFECTS & set(world.kill_switch.calls[first:])
        assert auditor.everything() == before

    live(world, delivers_claims=delivers_claims, meanwhile=audit)
    world.pass_time(waited)
    audit()


NAMES = [VIDEO_ID, "a" * 26, "z" * 26]


@dataclass
class Bookkeeper:
    """Loses rows and finds them again, and counts what becomes of the objects."""

    world: InMemoryWorld = field(default_factory=a_ready_world)
    lost: dict[str, VideoRow] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in NAMES[1:]:
            copied(self.world, self.world.row, name)
        self.auditor = Auditor(self.world)

    def lose(self, name: str) -> None:
        """Restore an older dump, say."""
        if name in self.world.records.rows:
            self.lost[name] = self.world.records.rows.pop(name)

    def find(self, name: str) -> None:
        """Learn it again from its resource."""
        if name in self.lost:
            self.world.records.rows[name] = self.lost.pop(name)

    def audit(self, *, may_purge: bool) -> None:
        """Audit, and see which objects are gone."""
        before, listed, now = self.auditor.objects(), dict(self.auditor.rows.in_quarantine), self.world.clock.now()
        self.auditor.full(may_purge=may_purge)
        gone = {key for key, stored in before.items() if self.auditor.objects().get(key) != stored}
        assert may_purge or not gone
        for key in gone:
            assert object_keys.video_id_of(key) in self.lost
            assert listed[key].found_at <= now - timedelta(days=7)
        for name in self.world.records.rows:
            assert not any(object_keys.video_id_of(key) == name for key in self.auditor.rows.in_quarantine)
        self._nothing_is_forgotten(now)

    def _nothing_is_forgotten(self, now: datetime) -> None:
        strays = {key for key in self.auditor.objects() if object_keys.video_id_of(key) in self.lost}
        assert strays == set(self.auditor.rows.in_quarantine)
        assert all(entry.found_at <= now for entry in self.auditor.rows.in_quarantine.values())


acts = st.one_of(
    st.tuples(st.just("lose"), st.sampled_from(NAMES)),
    st.tuples(st.just("find"), st.sampled_from(NAMES)),
    st.tuples(st.just("wait"), st.floats(0, 9)),
    st.tuples(st.just("audit"), st.booleans()),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(acts, max_size=20))
def test_nothing_is_deleted_because_a_row_is_missing(history: list[tuple[str, object]]) -> None:
    bookkeeper = Bookkeeper()
    for act, how in history:
        match act, how:
            case "lose", str():
                bookkeeper.lose(how)
            case "find", str():
                bookkeeper.find(how)
            case "wait", float():
                bookkeeper.world.pass_time(how * 24 * HOURS)
            case "audit", bool():
                bookkeeper.audit(may_purge=how)
    bookkeeper.audit(may_purge=False)


def test_a_purge_removes_only_what_was_in_quarantine_for_a_week() -> None:
    bookkeeper = Bookkeeper()
    lost, kept = NAMES[1], NAMES[2]
    bookkeeper.lose(lost)
    bookkeeper.audit(may_purge=True)
    assert any(object_keys.video_id_of(key) == lost for key in bookkeeper.auditor.objects())
    bookkeeper.world.pass_time(7 * 24 * HOURS)
    bookkeeper.audit(may_purge=False)
    assert any(object_keys.video_id_of(key) == lost for key in bookkeeper.auditor.objects())
    bookkeeper.audit(may_purge=True)
    owners = {object_keys.video_id_of(key) for key in bookkeeper.auditor.objects()}
    assert owners == {VIDEO_ID, kept}
    assert bookkeeper.auditor.rows.in_quarantine == {}
