"""Signatures of resources: what they cover, what changes nothing, and which key made them."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings

from crds.resource import Resource, SignedBy
from crds.signature import SIGNATURE_ANNOTATION, Signatures
from crds.spec import manifest_of
from domain.callback_url import sign
from domain.video import DesiredState, ObservedState, Origin, Phase
from tests.support.builders.resources import NAMESPACE, a_status
from tests.support.builders.rows import a_desired_state, an_observation
from tests.support.builders.strategies import desired_states, observed_states

KEY, OTHER = "the-first-key-of-thirty-two-bytes", "the-other-key-of-thirty-two-bytes"
OURS = Signatures([KEY])
SEEN = an_observation(Phase.PROCESSING, revision=5, attempt=2, job_id="job2")


def written(
    desired: DesiredState, observed: ObservedState | None = None, signatures: Signatures = OURS, **changes: Any
) -> Resource:
    """Return the resource as the API server stores what the service wrote."""
    body = json.loads(json.dumps(manifest_of(desired, namespace=NAMESPACE, signatures=signatures)), parse_float=_as_go)
    metadata, spec = body["metadata"], body["spec"]
    resource = Resource(desired.video_id, NAMESPACE, "uid", "1", 1, metadata["labels"], metadata["annotations"], spec)
    if observed is not None:
        status = a_status(desired, observed, resource=resource)
        status["signature"] = signatures.of_status(desired.video_id, spec, status)
        resource = replace(resource, status=json.loads(json.dumps(status), parse_float=_as_go))
    return replace(resource, **changes)


def _as_go(digits: str) -> float | int:
    number = float(digits)
    return int(number) if number.is_integer() else number


def signers(resource: Resource, signatures: Signatures = OURS) -> tuple[SignedBy, SignedBy]:
    checked = signatures.checked(resource)
    return checked.spec_signed_by, checked.status_signed_by


@given(desired=desired_states, observed=observed_states)
@settings(deadline=None)
def test_a_written_resource_is_recognised_as_ours(desired: DesiredState, observed: ObservedState) -> None:
    resource = written(desired, observed)
    is_ours = desired.origin is Origin.API
    assert signers(resource) == (SignedBy.FIRST_KEY if is_ours else SignedBy.UNVERIFIED, SignedBy.FIRST_KEY)
    assert "signature" not in (OURS.checked(resource).status or {})


API = written(a_desired_state(), SEEN)


@pytest.mark.parametrize("field", sorted(API.spec))
def test_a_change_of_any_field_of_the_spec_breaks_its_signature(field: str) -> None:
    changed = {"source": {"storageKey": "uploads/x/y"}, "deleted": True}.get(field, 7)
    assert signers(replace(API, spec={**API.spec, field: changed}))[0] is SignedBy.UNVERIFIED
    without = {name: value for name, value in API.spec.items() if name != field}
    is_empty = not API.spec[field]
    assert (signers(replace(API, spec=without))[0] is SignedBy.UNVERIFIED) is not is_empty


@pytest.mark.parametrize("field", ["revision", "isPlayable", "isPaused", "work", "published", "source", "failure"])
def test_a_change_of_any_field_of_the_observation_breaks_its_signature(field: str) -> None:
    status = {**(API.status or {}), field: True}
    assert signers(replace(API, status=status))[1] is SignedBy.UNVERIFIED


def test_status_fields_derived_from_the_observation_are_not_signed() -> None:
    assert signers(replace(API, status={**(API.status or {}), "message": "by another release"}))[1].is_authentic


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"name": "another"}, id="another-name"),
        pytest.param({"spec": {**API.spec, "source": {"storageKey": "uploads/other/file"}}}, id="another-file"),
    ],
)
def test_a_signature_is_of_one_video(changes: dict[str, Any]) -> None:
    assert signers(replace(API, **changes)) == (SignedBy.UNVERIFIED, SignedBy.UNVERIFIED)


@pytest.mark.parametrize("text", ["", "v1=", "v1=\ud800", API.annotations[SIGNATURE_ANNOTATION].upper()])
def test_a_malformed_signature_is_none(text: str) -> None:
    forged = replace(API, annotations={SIGNATURE_ANNOTATION: text}, status={**(API.status or {}), "signature": text})
    assert signers(forged) == (SignedBy.UNVERIFIED, SignedBy.UNVERIFIED)


def test_a_spec_without_the_label_is_not_signed() -> None:
    assert signers(replace(API, labels={})) == (SignedBy.UNVERIFIED, SignedBy.FIRST_KEY)


def test_defaults_that_a_later_schema_adds_change_nothing() -> None:
    later = replace(
        API,
        spec={**API.spec, "notes": "", "limits": {"inner": 0}},
        status={**(API.status or {}), "work": {**(API.status or {})["work"], "isSomething": False}},
    )
    assert signers(later) == (SignedBy.FIRST_KEY, SignedBy.FIRST_KEY)


def test_each_key_verifies_and_the_first_one_signs() -> None:
    both = Signatures([OTHER, KEY])
    assert signers(API, both) == (SignedBy.OLDER_KEY, SignedBy.OLDER_KEY)
    again = written(a_desired_state(), SEEN, both)
    assert signers(again, both) == (SignedBy.FIRST_KEY, SignedBy.FIRST_KEY)
    assert signers(again) == (SignedBy.UNVERIFIED, SignedBy.UNVERIFIED)


def test_the_key_is_another_one_than_that_of_callbacks() -> None:
    signature = sign([KEY], video_id=API.name, attempt=1)
    assert signers(replace(API, annotations={SIGNATURE_ANNOTATION: f"v1={signature}"}))[0] is SignedBy.UNVERIFIED
