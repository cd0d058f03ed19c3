"""What is cached of a resource, and when that says that nothing is left to write."""

from dataclasses import replace
from typing import Any

import pytest

from controller.loop.cache import ResourceCache
from controller.rules.cached_resource import CachedResource
from controller.rules.steps import AnnotationRequest
from crds.resource import SignedBy
from domain.records import Revisions
from domain.video import Origin
from tests.support.builders.resources import a_resource
from tests.support.builders.rows import a_desired_state

SHOWN = CachedResource(
    uid="u",
    resource_version="9",
    generation=2,
    spec_revision=3,
    status_revision=4,
    observed_generation=2,
    reconcile_request="now",
    handled_reconcile_request="now",
    requested=AnnotationRequest(is_paused=True, retry_token="again"),
    handled=AnnotationRequest(is_paused=True, retry_token="again"),
    spec_signed_by=SignedBy.FIRST_KEY,
    status_signed_by=SignedBy.FIRST_KEY,
)
NOTHING_ASKED = AnnotationRequest()


@pytest.mark.parametrize(
    ("changes", "is_shown"),
    [
        pytest.param({}, True, id="all-agrees"),
        pytest.param({"spec_revision": 2}, False, id="the-spec-is-behind"),
        pytest.param({"spec_revision": 9}, True, id="the-row-was-restored-from-before-this-spec"),
        pytest.param({"status_revision": 3}, False, id="the-status-is-behind"),
        pytest.param({"status_revision": 9}, True, id="the-row-was-restored-from-before-this-status"),
        pytest.param({"observed_generation": 1}, False, id="the-spec-changed-since-the-status"),
        pytest.param({"reconcile_request": "again"}, False, id="requested-again"),
        pytest.param({"reconcile_request": None}, False, id="the-request-was-withdrawn"),
        pytest.param({"reconcile_request": None, "handled_reconcile_request": None}, True, id="never-requested"),
        pytest.param({"requested": AnnotationRequest(retry_token="again")}, False, id="the-pause-ended"),
        pytest.param({"handled": AnnotationRequest(retry_token="again")}, False, id="a-person-wants-it-held"),
        pytest.param({"handled": AnnotationRequest(is_paused=True)}, False, id="a-person-wants-a-retry"),
        pytest.param({"requested": AnnotationRequest(True, "once more")}, False, id="another-retry-requested"),
        pytest.param({"requested": AnnotationRequest(is_paused=True)}, True, id="the-retry-annotation-was-removed"),
        pytest.param({"requested": NOTHING_ASKED, "handled": NOTHING_ASKED}, True, id="nothing-ever-requested"),
    ],
)
def test_a_resource_is_current_only_if_it_shows_both_states(changes: dict[str, Any], is_shown: bool) -> None:
    assert replace(SHOWN, **changes).is_current(Revisions(Origin.API, 3, 4)) is is_shown


def test_the_spec_of_an_import_is_never_behind() -> None:
    cached = replace(SHOWN, spec_revision=0)
    assert cached.is_current(Revisions(Origin.KUBERNETES, 3, 4))
    assert not replace(cached, status_revision=3).is_current(Revisions(Origin.KUBERNETES, 3, 4))


@pytest.mark.parametrize(
    ("changes", "origin", "is_ahead"),
    [
        pytest.param({}, Origin.API, False, id="all-agrees"),
        pytest.param({"spec_revision": 2, "status_revision": 3}, Origin.API, False, id="it-is-behind"),
        pytest.param({"spec_revision": 4}, Origin.API, True, id="it-has-a-newer-spec"),
        pytest.param({"status_revision": 5}, Origin.API, True, id="it-shows-a-newer-observation"),
        pytest.param({"spec_revision": 4}, Origin.KUBERNETES, False, id="an-imports-revision-is-not-the-rows"),
        pytest.param({"status_revision": 5}, Origin.KUBERNETES, True, id="an-import-shows-a-newer-observation"),
    ],
)
def test_a_resource_with_a_higher_revision_is_ahead_of_the_row(
    changes: dict[str, Any], origin: Origin, is_ahead: bool
) -> None:
    assert replace(SHOWN, **changes).is_ahead(Revisions(origin, 3, 4)) is is_ahead


def test_only_an_import_keeps_a_digest_of_its_spec() -> None:
    desired = a_desired_state(origin=Origin.KUBERNETES, storage_key="imports/a/b")
    digests = [
        CachedResource.of(a_resource(said)).import_digest
        for said in (
            desired,
            replace(desired, revision=9),
            replace(desired, title="Another"),
            replace(desired, deleted=True),
        )
    ]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3
    assert CachedResource.of(a_resource(a_desired_state())).import_digest is None


def test_a_resource_without_a_status_shows_nothing() -> None:
    cached = CachedResource.of(a_resource(a_desired_state()))
    assert (cached.spec_revision, cached.status_revision, cached.observed_generation) == (1, 0, 0)
    assert not cached.is_current(Revisions(Origin.API, 1, 1))


def test_an_older_version_of_the_same_resource_is_ignored() -> None:
    cached, resource = ResourceCache(), a_resource(a_desired_state(), generation=2, status={"revision": 4})
    cached.note(resource)
    for earlier in (replace(resource, generation=1), replace(resource, status={"revision": 3}, generation=3)):
        cached.note(earlier)
        assert cached.get(resource.name) == CachedResource.of(resource)
    another = replace(resource, uid="uid-2", generation=1, status=None)
    cached.note(another)
    assert cached.get(resource.name) == CachedResource.of(another)


def test_noting_returns_the_previous_entry() -> None:
    cached, resource = ResourceCache(), a_resource(a_desired_state())
    assert cached.note(resource) is None
    assert cached.note(replace(resource, generation=2)) == CachedResource.of(resource)
    assert cached.get(resource.name) == CachedResource.of(replace(resource, generation=2))
    assert cached.names() == {resource.name}
    cached.drop(resource.name)
    cached.drop(resource.name)
    assert (cached.get(resource.name), cached.names()) == (None, set())


def test_an_upload_belongs_to_the_owner_that_the_service_signed() -> None:
    cache, ours = ResourceCache(), a_resource(a_desired_state(owner="ann"))
    cache.note(ours)
    cache.note(replace(a_resource(a_desired_state(owner="ann", origin=Origin.KUBERNETES)), name="import"))
    cache.note(replace(ours, name="forged", spec_signed_by=SignedBy.UNVERIFIED))
    owners = [cache.owner_of(name) for name in (ours.name, "import", "forged", "unknown")]
    assert owners == ["ann", "", "", None]


ANSWERED = replace(SHOWN, requested=NOTHING_ASKED, handled=NOTHING_ASKED, reconcile_request=None)
ANSWERED = replace(ANSWERED, handled_reconcile_request=None)
PAUSED = AnnotationRequest(is_paused=True)


@pytest.mark.parametrize(
    ("before", "changes", "is_answered"),
    [
        pytest.param(None, {}, True, id="made-by-the-pass"),
        pytest.param(replace(ANSWERED, generation=1), {}, True, id="its-spec-was-brought-up-to-the-row"),
        pytest.param(None, {"spec_revision": 4}, False, id="the-api-changed-it-meanwhile"),
        pytest.param(None, {"status_revision": 5}, False, id="another-operator-showed-more"),
        pytest.param(None, {"status_revision": 3}, False, id="the-status-was-not-written"),
        pytest.param(None, {"requested": PAUSED, "handled": PAUSED}, False, id="a-pause-that-the-pass-did-not-see"),
        pytest.param(replace(ANSWERED, requested=PAUSED), {"requested": PAUSED, "handled": PAUSED}, True, id="paused"),
        pytest.param(
            None,
            {"reconcile_request": "now", "handled_reconcile_request": "now"},
            False,
            id="acknowledged-without-a-look",
        ),
        pytest.param(ANSWERED, {"is_terminating": True}, False, id="deleted-meanwhile"),
    ],
)
def test_what_a_pass_left_is_known_unless_others_wrote_into_it(
    before: CachedResource | None, changes: dict[str, Any], is_answered: bool
) -> None:
    assert replace(ANSWERED, **changes).is_answered(Revisions(Origin.API, 3, 4), before) is is_answered


@pytest.mark.parametrize(
    ("before", "is_answered"),
    [
        pytest.param(ANSWERED, True, id="unchanged"),
        pytest.param(None, False, id="it-was-not-seen"),
        pytest.param(replace(ANSWERED, generation=1), False, id="its-owner-edited-it"),
        pytest.param(replace(ANSWERED, uid="another"), False, id="its-owner-made-it-again"),
    ],
)
def test_an_import_is_known_only_as_the_pass_saw_its_spec(before: CachedResource | None, is_answered: bool) -> None:
    assert ANSWERED.is_answered(Revisions(Origin.KUBERNETES, 9, 4), before) is is_answered
