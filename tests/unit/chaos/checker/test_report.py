"""The report of a run: its figures, and the life of every upload that something is wrong with."""

import json
from dataclasses import replace

from chaos.checker.checks import violations
from chaos.checker.figures import Doubled, Quantiles, figures
from chaos.checker.journeys import journeys
from chaos.checker.life import clock, life
from chaos.checker.report import as_json, as_markdown
from chaos.checker.world import Action, Answer, ClusterEvent, FiredFault
from tests.unit.chaos.checker.worlds import (
    BEGAN,
    CREATED_AT,
    DELETED,
    DOUBLED,
    ENDED,
    PLAIN,
    PURGED,
    REJECTED,
    RETRANSCODED,
    SECRET,
    a_job,
    a_world,
    all_of,
    plus,
)


def test_times_to_converge_are_those_from_a_request_to_rest() -> None:
    seconds = {way.video_id: way.seconds(ENDED) for way in journeys(a_world()) if way.video_id != RETRANSCODED}

    assert set(seconds.values()) == {20.0}


def test_an_edition_is_timed_from_its_request() -> None:
    first, second = (way for way in journeys(a_world()) if way.video_id == RETRANSCODED)

    assert first.begun_at == CREATED_AT
    assert second.begun_at == a_world().requests[0].at
    assert second.ended_at is not None
    assert second.ended_at > second.begun_at


def test_the_spread_of_some_seconds() -> None:
    assert Quantiles.of(range(1, 101)) == Quantiles(100, 50, 99, 100)
    assert Quantiles.of([3.0]) == Quantiles(1, 3.0, 3.0, 3.0)
    assert Quantiles.of([]) is None


def test_times_by_fault_are_of_the_uploads_that_met_one() -> None:
    world = plus("faults", FiredFault(CREATED_AT + 1, CREATED_AT + 2, "cut", "s3"))(a_world())

    counted = figures(world, orphans=0)

    assert counted.faults == {"cut": 1, "kill": 1, "latency": 1}
    assert counted.killed == {"operator": 1}
    assert counted.converge is not None
    assert set(counted.converge_by_fault) == {"cut", "kill"}  # the latency came when all were at rest
    assert counted.converge_by_fault["cut"].max <= counted.converge.max


def test_uploads_jobs_and_answers_are_counted() -> None:
    counted = figures(a_world(), orphans=0)

    assert counted.uploads == 9
    assert counted.phases == {"deleted": 1, "errored": 1, "purged": 1, "ready": 6}
    assert counted.jobs_per_upload == {0: 1, 1: 4, 2: 3}
    assert counted.submissions_per_upload == {0: 1, 1: 4, 2: 3}
    assert counted.answers == {"201": 1, "202": 1, "404": 1, "503": 1}


def test_a_doubled_job_is_counted_with_what_it_costs() -> None:
    assert figures(a_world(), orphans=0).doubled == Doubled(uncertain=1, jobs=1, minutes=2.0)


def test_repairs_are_counted_by_kind() -> None:
    line = json.dumps({"event": "audit_repaired", "finding": "playlist_wrong"})
    world = replace(
        a_world(),
        logs={"operator.log": [line, line, "audit_repaired, cut off"]},
        history=[replace(one, cause="sweep") if one.video_id == REJECTED else one for one in a_world().history],
    )

    repairs = figures(world, orphans=0).repairs

    assert repairs == {"audit: playlist_wrong": 2, "audit: unknown": 1, "steps that a resync woke": 3}


def test_a_life_has_every_source_in_the_order_of_time() -> None:
    world = all_of(
        plus("actions", Action(CREATED_AT + 1, "client-1", PLAIN, "put")),
        plus("answers", Answer(CREATED_AT + 2, "client-1", "POST", f"/videos/{PLAIN}/upload_complete?x=1", 202, None)),
        plus("events", ClusterEvent(CREATED_AT + 19, PLAIN, "Published", "it can be played")),
    )(a_world())

    lines = life(world, PLAIN)

    assert lines == sorted(lines)
    assert {line.split()[1] for line in lines} == {
        *("client", "answer", "history", "attempt", "ledger", "claim", "Event", "notification", "receipt", "fault")
    }
    assert f"{clock(BEGAN + 12)} fault        kill of operator, for 2.0 s" in lines
    assert not any("latency" in line for line in lines)  # long after
    assert f"{clock(CREATED_AT + 2)} answer       client-1 POST /videos/{PLAIN}/upload_complete: 202" in lines


def test_a_life_says_who_was_never_heard_of() -> None:
    assert life(a_world(), "nowhere") == ["no source mentions it"]
    assert any("tombstone" in line for line in life(a_world(), PURGED))


def test_the_page_of_a_run_that_passed() -> None:
    page = as_markdown(a_world(), [])

    assert page.startswith("# Seed 1, 9 uploads: passed\n")
    assert "| all | 9 | 20.0 | 20.0 | 20.0 |" in page or "## Time to converge" in page
    assert "```" not in page


def test_the_page_of_a_run_that_failed_has_the_lives_of_what_failed() -> None:
    world = plus("ledger", a_job(PLAIN, job_id="other"))(a_world())
    wrong = violations(world)

    page = as_markdown(world, wrong)

    assert page.startswith("# Seed 1, 9 uploads: failed: 1 violations\n")
    assert f"## {PLAIN}\n\n- **1 one job for each attempt" in page
    assert "2 jobs were accepted for attempt 1" in page
    assert "job other accepted" in page
    assert f"## {DELETED}" not in page


def test_the_json_has_the_whole_report_and_no_secret() -> None:
    world = plus("ledger", a_job(DOUBLED, job_id="other"))(a_world())

    text = as_json(world, violations(world))
    report = json.loads(text)

    assert SECRET not in text
    assert (report["passed"], report["run"]["seed"]) == (False, 1)
    assert [(one["video_id"], one["rule"][:1]) for one in report["violations"]] == [(DOUBLED, "1")]
    assert list(report["lives"]) == [DOUBLED]
    assert json.loads(as_json(a_world(), []))["passed"] is True
