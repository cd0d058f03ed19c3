"""Which watch events cause a pass: every change but that of our own status."""

from typing import Any

import kopf
import pytest

from controller.loop.handlers import configure
from domain.records import Cause, Revisions
from domain.video import PAUSED_ANNOTATION, RECONCILE_REQUESTED_ANNOTATION, RETRY_REQUESTED_ANNOTATION, Origin
from tests.support.world.watcher import Watcher
from tests.support.world.world import VIDEO_ID


@pytest.fixture
def watcher() -> Watcher:
    return Watcher()


@pytest.mark.parametrize("event_type", ["", "ADDED", "MODIFIED"])
def test_a_new_resource_gets_a_pass(watcher: Watcher, event_type: str) -> None:
    watcher.deliver(event_type)
    assert watcher.take_due() == [(VIDEO_ID, Cause.CLIENT)]


def test_our_own_status_gets_no_pass(watcher: Watcher) -> None:
    watcher.deliver()
    watcher.take_due()
    watcher.show()
    watcher.deliver()
    assert watcher.take_due() == []
    cached = watcher.cache.get(VIDEO_ID)
    assert cached is not None
    assert cached.is_current(Revisions(Origin.API, 1, 1))


def test_a_changed_spec_gets_a_pass(watcher: Watcher) -> None:
    watcher.settle()
    watcher.world.records.confirm(VIDEO_ID)
    watcher.world.resources.apply(watcher.world.row.desired)
    watcher.deliver()
    assert watcher.take_due() == [(VIDEO_ID, Cause.CLIENT)]


ANNOTATIONS = pytest.mark.parametrize(
    "annotation",
    [
        pytest.param(RECONCILE_REQUESTED_ANNOTATION, id="look"),
        pytest.param(RETRY_REQUESTED_ANNOTATION, id="retry"),
        pytest.param(PAUSED_ANNOTATION, id="pause"),
    ],
)


@ANNOTATIONS
def test_an_annotation_of_a_person_is_the_cause_of_the_pass(watcher: Watcher, annotation: str) -> None:
    watcher.settle()
    watcher.world.resources.annotate(VIDEO_ID, annotation, "now")
    watcher.deliver()
    assert watcher.take_due() == [(VIDEO_ID, Cause.PERSON)]
    watcher.deliver()
    assert watcher.take_due() == []
    watcher.world.resources.annotate(VIDEO_ID, annotation, None)
    watcher.deliver()
    assert watcher.take_due() == [(VIDEO_ID, Cause.PERSON)]


@ANNOTATIONS
def test_an_annotation_from_before_the_start_gets_a_pass_but_is_not_new(watcher: Watcher, annotation: str) -> None:
    watcher.world.resources.annotate(VIDEO_ID, annotation, "yesterday")
    watcher.deliver("")
    assert watcher.take_due() == [(VIDEO_ID, Cause.CLIENT)]


def test_an_unrelated_annotation_gets_no_pass(watcher: Watcher) -> None:
    watcher.settle()
    watcher.world.resources.annotate(VIDEO_ID, "example.com/owner", "stranger")
    watcher.deliver()
    assert watcher.take_due() == []


def test_a_deleted_resource_is_forgotten_and_its_row_gets_a_pass(watcher: Watcher) -> None:
    watcher.settle()
    watcher.deliver("DELETED")
    assert watcher.take_due() == [(VIDEO_ID, Cause.SWEEP)]
    assert watcher.cache.get(VIDEO_ID) is None


def test_kopf_copies_no_body_for_the_change_handlers_that_are_not_used() -> None:
    settings: Any = kopf.OperatorSettings()
    configure(settings)
    body = kopf.Body({"metadata": {"name": VIDEO_ID}, "spec": {"title": "Cats"}})
    assert not settings.persistence.diffbase_storage.build(body=body, extra_fields=None)


def test_kopf_writes_nothing_of_its_own() -> None:
    settings: Any = kopf.OperatorSettings()
    configure(settings)
    assert settings.posting.enabled is False
    assert settings.peering.standalone is True
    assert settings.scanning.disabled is True
