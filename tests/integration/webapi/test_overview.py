"""/api/v1/admin/overview: the working set as administrators see it."""

from datetime import timedelta

from database.overview import CallbackHealth, Overview, OwnerSpending, PhaseReasonCount, RegionOverview, Spending
from domain.video import Phase, Reason
from tests.support.api import Api, token

PATH = "/api/v1/admin/overview"


def _overview(api: Api) -> dict[str, object]:
    answer = api.client.simulate_get(PATH, headers={"Authorization": f"Bearer {token(scope='admin')}"})
    assert answer.status_code == 200, answer.text
    body: dict[str, object] = answer.json
    return body


def test_every_phase_is_shown_even_when_empty(api: Api) -> None:
    shown = _overview(api)

    nothing = [{"phase": phase, "uploads": 0, "overdue": 0, "oldest_since": None} for phase in Phase]
    assert shown["phases"] == nothing
    assert (shown["waiting"], shown["overdue"], shown["is_complete"]) == ([], 0, True)
    assert shown["breaker"] == {"is_open": False, "uploads": 0}


def test_waiting_uploads_are_counted_by_reason_with_paused_as_its_own(api: Api) -> None:
    long_ago = api.now - timedelta(hours=9)
    api.overviews.overview = Overview(
        counts=(
            PhaseReasonCount(Phase.UPLOADED, Reason.SUBMISSIONS_PAUSED, False, 7, api.now, 0),
            PhaseReasonCount(Phase.UPLOADED, Reason.SUBMISSION_HELD, False, 2, long_ago, 0),
            PhaseReasonCount(Phase.UPLOADED, Reason.SUBMISSION_UNCERTAIN, False, 1, api.now, 1),
            PhaseReasonCount(Phase.UPLOADED, Reason.SUBMISSIONS_PAUSED, True, 3, api.now, 0),
            PhaseReasonCount(Phase.READY, Reason.PUBLISHED, False, 40, api.now, 0),
        ),
        dead_letters=4,
        callbacks=CallbackHealth((0,) * 11 + (5,), api.now, finished=6, finished_unclaimed=1),
        is_complete=True,
        regions=(RegionOverview("fra1", 7, 1, 3), RegionOverview("tor1", 6, 0, 0)),
        spending=Spending(4, 123.456, (OwnerSpending("ann", 3, 120.04), OwnerSpending(None, 1, 3.416))),
    )
    shown = _overview(api)

    assert shown["waiting"] == [
        {"reason": "SubmissionsPaused", "uploads": 7},
        {"reason": "Paused", "uploads": 3},
        {"reason": "SubmissionHeld", "uploads": 2},
        {"reason": "SubmissionUncertain", "uploads": 1},
    ]
    assert shown["breaker"] == {"is_open": True, "uploads": 7}
    assert [shown[name] for name in ("held", "uncertain", "paused", "dead_letters", "overdue")] == [2, 1, 3, 4, 1]
    assert shown["callbacks"] == {
        "claims": 5,
        "claims_by_five_minutes": [0] * 11 + [5],
        "last_claim_at": shown["at"],
        "finished": 6,
        "finished_unclaimed": 1,
    }
    assert shown["spending"] == {
        "since": f"{api.now:%Y-%m-%d}T00:00:00Z",
        "submissions": 4,
        "billed_minutes": 123.5,
        "owners": [
            {"owner": "ann", "submissions": 3, "billed_minutes": 120.0},
            {"owner": None, "submissions": 1, "billed_minutes": 3.4},
        ],
    }
    assert shown["regions"] == [
        {"region": "fra1", "uploads": 7, "overdue": 1, "hindered": 3},
        {"region": "tor1", "uploads": 6, "overdue": 0, "hindered": 0},
    ]
    (uploaded,) = [row for row in shown["phases"] if row["phase"] == "uploaded"]  # type: ignore[attr-defined]
    assert (uploaded["uploads"], uploaded["overdue"]) == (13, 1)
    assert uploaded["oldest_since"].startswith(long_ago.isoformat()[:19])


def test_only_administrators_see_the_overview(api: Api) -> None:
    answer = api.call("GET", PATH)

    assert (answer.status_code, answer.json["code"]) == (403, "insufficient_scope")
