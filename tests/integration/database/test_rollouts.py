"""Rollouts on a real Postgres: what a plan counts, starts, spends and stops at, and that it starts each video once."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg.types.json import Jsonb

from database import wakeups
from database.observations import Observations
from database.profiles import Profiles
from database.rollouts import CANDIDATES, COUNT, COUNT_PAGE, Rollouts, Room
from domain.errors import UnavailableError
from domain.profiles import ORIGINAL, ORIGINAL_HASH, ProfileRendition, ProfileSpec, ordered
from domain.records import AttemptState, Cause, Intend, Settle
from domain.rollouts import (
    JUDGED_MIN,
    DeclaredRollout,
    RolloutApproval,
    RolloutOrder,
    RolloutPlan,
    RolloutSpec,
    RolloutState,
)
from domain.video import Phase, Published
from tests.integration.database.rows import Rows
from tests.support.builders.videos import a_new_video, in_phase

SMALL = ProfileSpec((ProfileRendition(360, 800), ProfileRendition(720, 2000)))
LARGE = ProfileSpec((ProfileRendition(360, 800), ProfileRendition(1080, 4000)))
# Two outputs of a minute each.
DOLLARS = 0.01
DOLLARS_OF_ONE = 2 * DOLLARS
ROOM = Room(places=100, day_minutes=None, longest_seconds=3600.0)
AUTO = RolloutSpec(approve=RolloutApproval.AUTO, max_running=100)


class Library:
    """The ready videos of two profiles, their rollouts, and the passes that carry editions out."""

    def __init__(self, rows: Rows, url: str) -> None:
        self.rows, self.url = rows, url
        self.profiles, self.rollouts = Profiles(rows.database), Rollouts(rows.database)
        self.observations = Observations(rows.database)

    def add(self, *video_ids: str, profile: str = "small", made_with: str = "0" * 16, seconds: float = 60.0) -> None:
        """Add ready videos of a minute, one after the other."""
        for video_id in video_ids:
            new = replace(a_new_video(video_id), profile=profile)
            self.rows.commands.create(new, per_hour=10_000)
            self._publish(video_id, 1, made_with, seconds)

    def _publish(self, video_id: str, edition: int, made_with: str | None, seconds: float = 60.0) -> None:
        published = Published(edition, edition, seconds, (), False, "small", made_with)
        self.rows.enter(Phase.READY, video_id, edition=edition, published=published, is_playable=True)

    def declare(
        self,
        spec: RolloutSpec = AUTO,
        *,
        profile: ProfileSpec = SMALL,
        name: str = "small",
        approved: str | None = None,
        resumed: str | None = None,
    ) -> RolloutPlan:
        """Take over what one profile declares, as the only one, and count; return its plan."""
        return self.declare_all([a_declaration(spec, profile, name, approved, resumed)])[0]

    def declare_all(self, declared: Sequence[DeclaredRollout]) -> list[RolloutPlan]:
        """Take over what several profiles declare, and count."""
        self.profiles.replace([one.profile for one in declared])
        self.rollouts.declare(declared)
        for plan in self.rollouts.current():
            self.rollouts.count(plan, longest_seconds=3600)
        return self.rollouts.current()

    def plan(self, name: str = "small") -> RolloutPlan:
        """Return the current plan of a profile."""
        return next(plan for plan in self.rollouts.current() if plan.profile == name)

    def advance(self, room: Room = ROOM, *, now: datetime | None = None) -> int:
        """Let an operator do its round; return how many videos it started."""
        self.rollouts.settle()
        plans = self.rollouts.open_plans()
        return sum(self.rollouts.advance(plan, room, now or datetime.now(UTC)) for plan in plans)

    def started(self) -> list[str]:
        """Return the videos whose new edition no pass has begun, in the order in which they were started."""
        with psycopg.connect(self.url) as connection:
            found = connection.execute(
                "SELECT video_id FROM videos JOIN rollout_videos USING (video_id, edition)"
                " WHERE videos.edition > observed_edition ORDER BY created_at"
            ).fetchall()
        return [video_id for (video_id,) in found]

    def buy(self, video_id: str, *, minutes: float = 2.0) -> None:
        """Play the passes up to a running job."""
        self.rows.observe(video_id, **in_phase(Phase.UPLOADED), edition=self.rows.row(video_id).desired.edition)
        row = self.rows.row(video_id)
        edition, attempt = row.desired.edition, row.observed.attempt + 1
        order = self.profiles.get(row.desired.profile)
        intent = Intend(attempt, edition, datetime.now(UTC), row.counted_owner, minutes)
        fields = in_phase(Phase.PROCESSING)
        after = replace(row.observed, **fields, edition=edition, attempt=attempt, ordered=order)
        assert self.observations.commit(row, after, cause=Cause.POLL, attempt=intent) is not None

    def finish(self, *video_ids: str, result: Phase = Phase.READY) -> None:
        """Play the passes from the request to the end."""
        for video_id in video_ids:
            self.buy(video_id)
            row = self.rows.row(video_id)
            assert row.observed.ordered is not None
            settled = AttemptState.COMPLETED if result is Phase.READY else AttemptState.FAILED
            published = row.observed.published
            if result is Phase.READY:
                published = replace(
                    published or Published(1, 1, 60.0, (), has_poster=False),
                    edition=row.observed.edition,
                    profile_hash=row.observed.ordered.hash,
                )
            after = replace(row.observed, **in_phase(result), published=published)
            settle = Settle(row.observed.attempt, settled, datetime.now(UTC), minutes=2.0)
            assert self.observations.commit(row, after, cause=Cause.POLL, attempt=settle) is not None

    def sql(self, statement: str, *parameters: object) -> None:
        """Change what only time changes."""
        with psycopg.connect(self.url) as connection:
            connection.execute(statement, parameters)


def a_declaration(
    spec: RolloutSpec = AUTO,
    profile: ProfileSpec = SMALL,
    name: str = "small",
    approved: str | None = None,
    resumed: str | None = None,
) -> DeclaredRollout:
    return DeclaredRollout(ordered(name, profile, generation=spec.generation), spec, DOLLARS, approved, resumed)


def ids(count: int, *, prefix: str = "v") -> list[str]:
    return [f"{prefix}{number:025}" for number in range(count)]


@pytest.fixture
def library(rows: Rows, empty_url: str) -> Library:
    return Library(rows, empty_url)


def test_a_plan_counts_ready_videos_of_its_profile_that_were_made_otherwise(library: Library) -> None:
    library.add(*ids(3))
    library.add(*ids(2, prefix="o"), made_with=ordered("small", SMALL).hash)
    library.add(*ids(2, prefix="x"), profile="other")
    library.rows.create("deletedx", "errored", "owned")
    library.add("gone", "theirs")
    library.rows.commands.delete("gone")
    library.rows.import_it("theirs")
    plan = library.declare(RolloutSpec())
    assert (plan.outdated, plan.planned, plan.minutes) == (3, 3, 6.0)
    assert plan.dollars == pytest.approx(3 * DOLLARS_OF_ONE)
    assert plan.plan_id == f"{plan.plan}-{ordered('small', SMALL).hash}"


def test_an_edition_from_before_profiles_was_made_with_the_original(library: Library) -> None:
    library.add("before")
    library._publish("before", 1, None)
    assert library.declare(profile=SMALL).outdated == 1
    assert library.declare(profile=ORIGINAL).outdated == 0
    assert ordered("small", ORIGINAL).hash == ORIGINAL_HASH


def test_another_generation_outdates_everything_once(library: Library) -> None:
    library.add(*ids(2), made_with=ordered("small", SMALL).hash)
    assert library.declare(AUTO).outdated == 0
    again = replace(AUTO, generation=1)
    assert library.declare(again).outdated == 2
    assert library.advance() == 2
    library.finish(*ids(2))
    assert library.declare(again).outdated == 0


def test_nothing_is_started_before_a_person_approves_this_plan(library: Library) -> None:
    library.add(*ids(2))
    first = library.declare(RolloutSpec())
    assert (library.advance(), library.plan().state) == (0, RolloutState.AWAITING_APPROVAL)
    library.declare(RolloutSpec(), approved=first.plan_id + "x")
    assert library.advance() == 0
    library.declare(RolloutSpec(), approved=first.plan_id)
    assert (library.advance(), library.plan().state) == (2, RolloutState.IN_PROGRESS)


def test_the_approval_of_a_plan_is_none_of_a_later_one_even_of_the_same_hash(library: Library) -> None:
    library.add(*ids(2))
    first = library.declare(RolloutSpec())
    for profile in (LARGE, SMALL):
        later = library.declare(RolloutSpec(), profile=profile, approved=first.plan_id)
        assert library.advance() == 0
        assert (later.is_approved, library.plan().state) == (False, RolloutState.AWAITING_APPROVAL)
    assert (later.hash, later.plan_id) != (first.hash, first.plan_id)


def test_an_approval_that_is_taken_back_stops_the_plan(library: Library) -> None:
    library.add(*ids(2))
    plan = library.declare(RolloutSpec(max_running=1))
    library.declare(RolloutSpec(max_running=1), approved=plan.plan_id)
    assert library.advance() == 1
    library.finish(*library.started())
    library.declare(RolloutSpec(max_running=1))
    assert library.advance() == 0


def test_a_started_video_is_one_whose_owner_asked_but_no_owner_pays(library: Library) -> None:
    library.add("one")
    library.rows.retire("one")
    library.declare()
    assert library.advance() == 1
    row = library.rows.row("one")
    assert (row.desired.edition, row.retired, row.rollout_edition) == (2, False, 2)
    assert library.rows.next_wakeup() == wakeups.Wakeup("one", Cause.SWEEP)
    library.buy("one")
    assert (library.rows.row("one").is_of_administrators, library.rows.row("one").counted_owner) == (True, None)
    load = library.observations.submission_load(datetime.now(UTC), per_owner=5, at_most=5)
    assert (load.submitted, load.minutes, dict(load.running)) == ({None: 1}, 2.0, {})


def test_the_retry_of_its_owner_is_the_owners_again(library: Library) -> None:
    library.add("one")
    library.declare()
    library.advance()
    library.finish("one", result=Phase.ERRORED)
    assert library.rows.commands.retry("one").counted_owner == "ann"


def test_new_uploads_are_in_front_of_a_rollout_and_not_hidden_by_it(library: Library) -> None:
    library.add(*ids(3))
    library.declare()
    library.advance()
    waiting = {**in_phase(Phase.UPLOADED), "reason": "WaitingForCapacity"}
    for video_id in ids(3):
        library.rows.observe(video_id, **waiting, edition=2)
    library.rows.create("upload")
    library.rows.observe("upload", **waiting)
    library.sql("UPDATE videos SET phase_since = now() + interval '1 minute' WHERE video_id = 'upload'")
    load = library.observations.submission_load(datetime.now(UTC), per_owner=1, at_most=10)
    assert (load.waiting[0].video_id, load.waiting[0].owner) == ("upload", "ann")
    assert [one.is_last for one in load.waiting] == [False, True, True, True]


@pytest.mark.parametrize(
    ("spec", "room", "started"),
    [
        pytest.param(replace(AUTO, max_running=2), ROOM, 2, id="running"),
        pytest.param(replace(AUTO, jobs_per_hour=3), ROOM, 3, id="an-hour"),
        pytest.param(AUTO, replace(ROOM, places=1), 1, id="places"),
        pytest.param(AUTO, replace(ROOM, places=0), 0, id="no-places"),
        pytest.param(AUTO, replace(ROOM, day_minutes=5.0), 2, id="minutes-of-the-installation"),
        pytest.param(AUTO, replace(ROOM, day_minutes=0.0), 0, id="no-minutes-left"),
    ],
)
def test_each_bound_holds_also_when_it_is_looked_at_again(
    library: Library, spec: RolloutSpec, room: Room, started: int
) -> None:
    library.add(*ids(5))
    library.declare(spec)
    assert library.advance(room) == started
    if room.day_minutes is None:
        assert library.advance(room) == 0
    assert len(library.started()) == started


def test_an_hour_later_more_may_start(library: Library) -> None:
    library.add(*ids(3))
    library.declare(replace(AUTO, jobs_per_hour=2))
    assert (library.advance(), library.advance()) == (2, 0)
    library.sql("UPDATE rollout_videos SET started_at = started_at - interval '61 minutes'")
    assert library.advance() == 1


def test_a_day_has_a_budget_of_its_own_and_what_does_not_fit_waits_for_the_next(library: Library) -> None:
    library.add(*ids(3), seconds=30 * 60.0)  # 60 minutes are billed for each
    spec = replace(AUTO, dollars_per_day=1)
    assert (library.declare(spec).minutes, library.advance()) == (180.0, 1)
    assert (library.advance(), library.plan().state) == (0, RolloutState.DAY_SPENT)
    library.sql("UPDATE rollout_videos SET started_at = started_at - interval '1 day'")
    assert library.advance() == 1


def test_one_that_alone_costs_more_than_a_day_may_holds_up_no_other(library: Library) -> None:
    library.add("short")
    library.add("endless", seconds=3600.0)
    library.declare(replace(AUTO, dollars_per_day=1))
    assert (library.advance(), library.started()) == (1, ["short"])


@pytest.mark.parametrize("order", RolloutOrder)
def test_the_order_is_by_age_whatever_each_was_made_with(library: Library, order: RolloutOrder) -> None:
    for number, video_id in enumerate(ids(6)):
        library.add(video_id, made_with=f"{number % 3:016}")
    library.declare(replace(AUTO, order=order, max_running=2))
    library.advance()
    by_age = ids(6) if order is RolloutOrder.OLDEST else ids(6)[::-1]
    assert sorted(library.started()) == sorted(by_age[:2])


def test_a_pause_stops_at_once_and_holds_what_has_no_job_yet(library: Library) -> None:
    library.add(*ids(4))
    library.declare(replace(AUTO, max_running=2))
    library.advance()
    held = library.started()[0]
    assert not library.profiles.is_rollout_held("small", held, 2)
    library.declare(replace(AUTO, pause=True))
    assert (library.advance(), library.plan().state) == (0, RolloutState.PAUSED)
    assert library.profiles.is_rollout_held("small", held, 2)
    assert not library.profiles.is_rollout_held("small", held, 3), "an edition that an administrator requested"
    while library.rows.next_wakeup() is not None:
        pass
    library.declare(AUTO)
    assert library.advance() == 2
    woken = {nudge.video_id for _ in range(4) if (nudge := library.rows.next_wakeup()) is not None}
    assert woken == set(ids(4)), "what was held is woken with what is new"


def test_a_profile_without_a_rollout_holds_what_was_started(library: Library) -> None:
    library.add("one")
    library.declare()
    library.advance()
    library.rollouts.declare([])
    assert (library.rollouts.current(), library.profiles.is_rollout_held("small", "one", 2)) == ([], True)
    assert library.advance() == 0


def test_what_this_release_cannot_read_keeps_its_plan_but_starts_nothing_after_a_minute(library: Library) -> None:
    library.add(*ids(2))
    library.declare(replace(AUTO, max_running=1))
    assert library.advance() == 1
    library.finish(*library.started())
    library.rollouts.declare([], kept=["small"])
    library.sql("UPDATE rollouts SET declared_at = declared_at - interval '2 minutes'")
    assert library.advance() == 0
    library.rollouts.declare([a_declaration(replace(AUTO, max_running=1))])
    assert library.advance() == 1


def test_more_failures_than_allowed_stop_it_until_a_person_resumes_it(library: Library) -> None:
    library.add(*ids(JUDGED_MIN + 3))
    spec = replace(AUTO, max_running=JUDGED_MIN, max_failure_rate=10)
    library.declare(spec)
    library.advance()
    first = library.started()
    library.finish(*first[:2], result=Phase.ERRORED)
    library.finish(*first[2:])
    assert (library.advance(), library.plan().state) == (0, RolloutState.FAILURE_RATE_EXCEEDED)
    assert library.profiles.is_rollout_held("small", first[0], 2)
    assert (library.plan().done, library.plan().failed) == (JUDGED_MIN - 2, 2)
    library.declare(spec, resumed="2026-07-01")
    assert library.advance() == 3
    library.declare(spec, resumed="2026-07-01")
    assert library.plan().state is RolloutState.IN_PROGRESS


def test_a_failed_video_plays_on_and_is_not_tried_again(library: Library) -> None:
    library.add("one")
    library.declare()
    library.advance()
    library.finish("one", result=Phase.ERRORED)
    row = library.rows.row("one")
    assert (row.observed.is_playable, row.observed.published and row.observed.published.edition) == (True, 1)
    assert library.declare().outdated == 0
    assert library.advance() == 0
    assert library.plan().failed == 1
    assert library.plan().spent_dollars == pytest.approx(DOLLARS_OF_ONE)
    assert library.plan().state is RolloutState.UP_TO_DATE


def test_what_was_spent_is_what_all_attempts_of_the_edition_bill(library: Library) -> None:
    library.add("one")
    library.declare()
    library.advance()
    library.buy("one", minutes=5)
    row = library.rows.row("one")
    failed = Settle(row.observed.attempt, AttemptState.FAILED, datetime.now(UTC))
    after = replace(row.observed, **in_phase(Phase.UPLOADED))
    assert library.observations.commit(row, after, cause=Cause.POLL, attempt=failed) is not None
    library.finish("one")
    library.rollouts.settle()
    assert library.plan().spent_dollars == pytest.approx((5 + 2) * DOLLARS)


def test_a_video_whose_owner_deletes_it_meanwhile_is_neither_done_nor_failed(library: Library) -> None:
    library.add("one")
    library.declare()
    library.advance()
    library.rows.commands.delete("one")
    library.rollouts.settle()
    plan = library.plan()
    assert (plan.running, plan.done, plan.failed) == (0, 0, 0)


def test_a_video_that_stays_outdated_whatever_is_done_is_started_once(library: Library) -> None:
    library.add("one")
    library.declare()
    library.advance()
    library.finish("one")
    library._publish("one", 2, "f" * 16)  # as an attempt that was found in the bucket without its record
    assert (library.declare().outdated, library.advance(), library.advance()) == (0, 0, 0)


def test_a_round_that_is_cut_off_has_started_nothing(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    library.add(*ids(3))
    library.declare()

    def die(*_: object) -> None:
        raise UnavailableError("the process is gone")

    with monkeypatch.context() as dying:
        dying.setattr(wakeups, "send", die)
        with pytest.raises(UnavailableError):
            library.advance()
    assert (library.started(), library.plan().running) == ([], 0)
    assert library.advance() == 3


def test_two_plans_go_on_side_by_side_and_know_only_their_own(library: Library) -> None:
    library.add(*ids(3))
    library.add(*ids(2, prefix="x"), profile="other")
    few = replace(AUTO, max_running=2)
    library.declare_all([a_declaration(few), a_declaration(few, LARGE, "other")])
    # They share the places of the operator.
    assert library.advance(replace(ROOM, places=3)) == 3
    library.finish(*library.started())
    assert library.advance() == 2
    library.finish(*library.started())
    library.rollouts.settle()
    assert [(plan.profile, plan.done) for plan in library.rollouts.current()] == [("other", 2), ("small", 3)]


def test_back_to_the_earlier_profile_makes_anew_only_what_was_made_anew(library: Library) -> None:
    library.add(*ids(4), made_with=ordered("small", SMALL).hash)
    library.declare(replace(AUTO, max_running=2), profile=LARGE)
    library.advance()
    done = library.started()
    library.finish(done[0])
    back = library.declare(AUTO, profile=SMALL)
    assert back.outdated == 1, "the other one still runs"
    library.finish(done[1])  # ordered after the change
    assert library.advance() == 1
    library.finish(done[0])
    library.rollouts.settle()
    assert (library.declare().outdated, library.plan().done) == (0, 1)
    assert {library.rows.row(video_id).desired.edition for video_id in ids(4)} == {1, 2, 3}


def test_old_plans_are_forgotten_a_part_at_a_time_once_nothing_of_them_runs(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("database.rollouts._FORGOTTEN_AT_ONCE", 2)
    library.add(*ids(3))
    library.declare()
    library.advance()
    library.declare(profile=LARGE)
    library.sql("UPDATE rollouts SET superseded_at = superseded_at - interval '3 days'")
    library.rollouts.forget_old()
    assert rows_of(library, "rollouts") == 2, "three are running"
    library.finish(*ids(3))
    library.rollouts.settle()
    counts = []
    for _ in range(2):
        library.rollouts.forget_old()
        counts.append((rows_of(library, "rollouts"), rows_of(library, "rollout_videos")))
    assert counts == [(2, 1), (1, 0)]


def rows_of(library: Library, table: str) -> int:
    with psycopg.connect(library.url) as connection:
        (found,) = connection.execute(f"SELECT count(*) FROM {table}").fetchall()  # noqa: S608 - a constant
    return int(found[0])


def test_the_end_is_what_the_last_hour_says() -> None:
    now = datetime.now(UTC)
    plan = RolloutPlan(1, "small", "0" * 16, AUTO, RolloutState.IN_PROGRESS, is_approved=True, outdated=100)
    moving = replace(plan, settled_last_hour=50, first_started_at=now - timedelta(hours=9))
    assert moving.ends_at(now) == now + timedelta(hours=2)
    assert replace(moving, first_started_at=now - timedelta(minutes=30)).ends_at(now) == now + timedelta(hours=1)


def fill(url: str, videos: int) -> None:
    """Add many ready videos of three profiles by SQL; a third of `small` is up to date."""
    with psycopg.connect(url) as connection:
        connection.execute(
            """
            INSERT INTO videos (video_id, created_at, origin, owner, title, filename, content_type, upload_mode, region,
                storage_key, profile, phase, phase_since, reason, message, is_playable, published)
            SELECT 'v' || lpad(number::text, 25, '0'), timestamptz '2026-01-01' + number * interval '1 second', 'api',
                'owner' || number %% 100, 'title', 'f.mp4', 'video/mp4', 'single', 'tor1', 'uploads/v/original.mp4',
                CASE WHEN number %% 4 = 3 THEN 'other' ELSE 'small' END, 'ready', clock_timestamp(), 'Published', '',
                true, %s || jsonb_build_object('profile_hash',
                    CASE number %% 3 WHEN 0 THEN %s WHEN 1 THEN '1111111111111111' END)
            FROM generate_series(1, %s) AS number
            """,
            [
                Jsonb({"edition": 1, "attempt": 1, "duration_seconds": 60.0, "renditions": [], "has_poster": False}),
                ordered("small", SMALL).hash,
                videos,
            ],
        )
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE videos")


def plan_of(library: Library, statement: str, parameters: dict[str, object]) -> str:
    with library.rows.database.connection() as connection:
        rows = connection.execute(f"EXPLAIN {statement}", parameters).fetchall()
    return "\n".join(row["QUERY PLAN"] for row in rows)


def test_a_hundred_thousand_rows_are_counted_in_pages_that_the_index_orders(library: Library) -> None:
    fill(library.url, 100_008)
    library.rollouts.declare([a_declaration()])
    outdated = 50_004  # two thirds of three quarters
    pages = library.rollouts.count(library.plan(), longest_seconds=3600)
    plan = library.plan()
    assert (plan.outdated, plan.minutes) == (outdated, 2 * outdated)
    # Two hashes besides the current one, each in full pages and a last one.
    assert outdated // COUNT_PAGE <= pages <= outdated // COUNT_PAGE + 2
    at = {"plan": plan.plan, "profile": "small", "made_with": "1" * 16, "longest_seconds": 3600.0, "regions": None}
    page = {**at, "after_at": datetime(2026, 1, 1, 12, tzinfo=UTC), "after_id": "", "at_most": COUNT_PAGE}
    chosen = {**at, "most_seconds": 1e9, "counter_max": 10**9, "at_most": 10}
    for shown in (plan_of(library, COUNT, page), *(plan_of(library, one, chosen) for one in CANDIDATES.values())):
        assert "videos_made_with" in shown, shown
        assert "Seq Scan on videos" not in shown, shown
        assert "Sort" not in shown, shown
    assert library.advance() == AUTO.max_running
    assert library.rollouts.count(library.plan(), longest_seconds=3600) == pages
    assert library.plan().outdated == outdated - AUTO.max_running
