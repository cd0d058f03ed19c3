"""What the API says of a video and what `kubectl` shows of it are the same, in every state."""

from datetime import UTC, datetime

from hypothesis import given, settings

from crds.models import clipped
from domain.policy import LifecyclePolicy
from domain.video import DesiredState, ObservedState
from tests.support.builders.resources import a_status
from tests.support.builders.rows import NOON, row_of
from tests.support.builders.strategies import desired_states, observed_states
from webapi.videos.serializers import Serializer

RULES = LifecyclePolicy(max_submissions=5)


@given(desired=desired_states, observed=observed_states)
@settings(deadline=None, max_examples=300)
def test_the_api_and_the_resource_say_the_same(desired: DesiredState, observed: ObservedState) -> None:
    row = row_of(desired, observed, deleted_at=NOON if desired.deleted else None)
    body = Serializer(lambda _: "https://cdn.example.com", RULES).video(row, NOON)
    status = a_status(desired, observed, policy=RULES)
    work = status["work"]

    assert (body.status, body.reason, body.edition_status) == (status["phase"], status["reason"], work["phase"])
    assert (body.waiting_for, body.what_to_do) == (status.get("waitingFor"), status.get("whatToDo"))
    assert (body.submissions_left, body.attempt) == (status["submissionsLeft"], work["attempt"])
    assert (body.edition, body.progress) == (work["edition"], work["progressPercent"])
    assert body.phase_since == datetime.fromisoformat(work["since"])
    assert _to_the_second(body.deadline_at) == status.get("deadline")
    assert (body.next_check_at is None) == (status.get("nextCheck") is None)
    # The stable files of a deleted video go a moment later, but no response contains their URLs any more.
    assert body.is_playable <= status["isPlayable"]
    if "failure" in status:
        assert body.error is not None
        failure = status["failure"]
        assert (body.error.code, clipped(body.error.message)) == (failure["code"], failure["message"])
        assert (body.error.stage, body.error.retryable) == (failure["stage"], failure["retryable"])
        assert body.error.what_to_do == failure["action"]


def _to_the_second(at: datetime | None) -> str | None:
    return at.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z") if at else None
