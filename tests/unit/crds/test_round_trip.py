"""Nothing is lost on the way into the cluster: either store can be rebuilt from the other."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from crds.resource import Resource
from crds.spec import desired_state_of, manifest_of
from crds.status import observed_of
from domain.video import DesiredState, ObservedState, Origin, Phase
from tests.support.builders.resources import NAMESPACE, SIGNATURES, a_resource, a_status
from tests.support.builders.rows import NOON, a_desired_state, a_failure, an_observation
from tests.support.builders.strategies import desired_states, observed_states


def through_the_api_server(body: dict[str, Any]) -> dict[str, Any]:
    """Return the body as JSON brings it back; the API server writes 5.0 as 5."""
    answer: dict[str, Any] = json.loads(json.dumps(body), parse_float=_as_go_would)
    return answer


def _as_go_would(digits: str) -> float | int:
    number = float(digits)
    return int(number) if number.is_integer() else number


def stored(resource: Resource, status: dict[str, Any]) -> Resource:
    """Return the resource with this status as a later pass reads it."""
    return replace(resource, status=through_the_api_server(status))


@given(desired=desired_states)
def test_a_desired_state_can_be_read_back_from_its_resource(desired: DesiredState) -> None:
    manifest = through_the_api_server(manifest_of(desired, namespace=NAMESPACE, signatures=SIGNATURES))
    metadata = manifest["metadata"]
    resource = Resource(metadata["name"], NAMESPACE, "uid", "1", 1, metadata["labels"], {}, manifest["spec"])
    is_import = desired.origin is Origin.KUBERNETES
    assert desired_state_of(resource) == (replace(desired, owner="", revision=1) if is_import else desired)


@given(desired=desired_states, observed=observed_states)
@settings(deadline=None)
def test_an_observation_can_be_read_back_from_its_status(desired: DesiredState, observed: ObservedState) -> None:
    status = a_status(desired, observed)
    assert observed_of(through_the_api_server(status)) == observed


@given(
    desired=desired_states,
    observed=observed_states,
    later=st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=9)),
)
@settings(deadline=None)
def test_an_idle_pass_makes_the_same_status(desired: DesiredState, observed: ObservedState, later: timedelta) -> None:
    resource = a_resource(desired)
    first = a_status(desired, observed, resource=resource)
    again = stored(resource, first)
    assert a_status(desired, observed, resource=again, now=NOON + later) == again.status


def test_texts_that_are_too_long_are_cut_instead_of_refused() -> None:
    failure = replace(a_failure(), message="m" * 9_999, provider_answer="a" * 9_999)
    observed = an_observation(Phase.ERRORED, message="m" * 9_999, failure=failure)
    status = a_status(a_desired_state(), observed)
    assert len(status["work"]["message"]) == 1024
    assert status["work"]["message"].endswith("…")
    assert len(status["failure"]["providerAnswer"]) == 4096


def test_the_deadline_for_people_has_whole_seconds_and_the_exact_one_is_kept() -> None:
    exact = datetime.fromisoformat("2026-07-02T12:00:00.123456+00:00")
    observed = an_observation(Phase.UPLOADING, deadline_at=exact)
    status = a_status(a_desired_state(), observed)
    assert status["deadline"] == "2026-07-02T12:00:00Z"
    assert observed_of(status).deadline_at == exact
