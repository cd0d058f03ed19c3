"""What a pass writes comes back from the watch. That is no reason for another pass; what others write meanwhile is."""

from collections.abc import Callable
from typing import Any

import pytest

from controller.loop.handlers import note_event
from crds.resource import Resource
from domain.records import Cause
from domain.video import PAUSED_ANNOTATION, RECONCILE_REQUESTED_ANNOTATION, RETRY_REQUESTED_ANNOTATION
from tests.support.builders.resources import SIGNATURES
from tests.support.world.operator import Process, body_of
from tests.support.world.workers import WorkerHarness
from tests.support.world.world import VIDEO_ID, InMemoryWorld

UPLOADS = [f"{number:026d}" for number in range(5)]
ANNOTATIONS = [RECONCILE_REQUESTED_ANNOTATION, RETRY_REQUESTED_ANNOTATION, PAUSED_ANNOTATION]


class Watched(WorkerHarness):
    """A worker whose resources a watch follows: each version is delivered when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.versions: list[Resource] = []
        resources: Any = self.world.resources
        for method in ("apply", "write_status", "annotate"):
            setattr(resources, method, self._following(getattr(resources, method)))

    def _following(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def followed(*args: Any, **kwargs: Any) -> Any:
            before = self.world.resources.by_name.get(VIDEO_ID)
            answer = call(*args, **kwargs)
            after = self.world.resources.by_name[VIDEO_ID]
            if after != before:
                self.versions.append(after)
            return answer

        return followed

    def deliver(self) -> None:
        """Deliver every event that was not delivered yet, in order."""
        for number, version in enumerate(self.versions):
            self.event("MODIFIED" if number else "ADDED", version)
        self.versions.clear()

    def event(self, event_type: str, version: Resource) -> None:
        """Deliver one event."""
        note_event(event_type, body_of(version), self.cache, self.queue, SIGNATURES)

    def meanwhile(self, method: str, happens: Callable[[], None]) -> None:
        """Let something happen just before the next call of this method."""
        resources: Any = self.world.resources
        call = getattr(resources, method)

        def called(*args: Any, **kwargs: Any) -> Any:
            setattr(resources, method, call)
            happens()
            return call(*args, **kwargs)

        setattr(resources, method, called)

    def due(self) -> list[Cause]:
        """Return the causes of the passes that are due, and make none of them."""
        causes = []
        while self.queue.state().depth:
            taken = self.queue.take()
            assert taken is not None
            self.queue.done(taken[0])
            causes.append(taken[1])
        return causes


@pytest.fixture
def watched() -> Watched:
    return Watched()


def test_a_start_that_makes_every_resource_makes_one_pass_for_each() -> None:
    world = InMemoryWorld()
    for name in UPLOADS:
        world.create_as(name)
    process = Process(world)
    process.begin()
    passes = 0
    while process.queue.state().depth:
        process.step()  # and the watch delivers what the pass wrote
        passes += 1
    assert passes == len(UPLOADS)
    assert sorted(world.resources.by_name) == UPLOADS
    process.begin()  # the resync finds nothing either
    assert process.queue.state().depth == 0


@pytest.mark.parametrize("moment", ["between-its-writes", "at-its-end", "after-it"])
def test_the_versions_that_a_pass_wrote_need_no_other_pass_whenever_they_arrive(
    watched: Watched, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if moment == "between-its-writes":
        watched.meanwhile("write_status", watched.deliver)
    elif moment == "at-its-end":
        monkeypatch.setattr(watched.queue, "forget", lambda _key: watched.deliver())
    watched.handle()
    watched.deliver()
    assert watched.due() == []
    assert watched.seconds_to_next() > 0, "its next check is still scheduled"


def test_versions_of_two_passes_may_arrive_after_both(watched: Watched) -> None:
    watched.handle()
    watched.world.records.commit(watched.world.row, watched.world.row.observed, cause=Cause.POLL)
    watched.handle()
    assert len(watched.versions) == 3
    watched.deliver()
    assert watched.due() == []


@pytest.mark.parametrize("annotation", ANNOTATIONS)
def test_what_a_person_asks_for_while_the_resource_is_written_gets_a_pass(watched: Watched, annotation: str) -> None:
    watched.handle()
    watched.deliver()
    watched.world.records.confirm(VIDEO_ID)
    # The apply answers with this annotation in it, and the status acknowledges it.
    watched.meanwhile("apply", lambda: watched.world.resources.annotate(VIDEO_ID, annotation, "once"))
    watched.handle()
    watched.deliver()
    assert watched.due() == [Cause.PERSON]


@pytest.mark.parametrize("annotation", ANNOTATIONS)
def test_what_a_person_asks_for_just_after_a_pass_gets_another(watched: Watched, annotation: str) -> None:
    watched.handle()
    watched.world.resources.annotate(VIDEO_ID, annotation, "once")
    watched.deliver()
    assert watched.due() == [Cause.PERSON]


def test_a_change_by_the_api_while_the_status_is_written_gets_a_pass(watched: Watched) -> None:
    watched.handle()
    watched.deliver()
    watched.world.records.commit(watched.world.row, watched.world.row.observed, cause=Cause.POLL)

    def confirm() -> None:
        watched.world.resources.apply(watched.world.records.confirm(VIDEO_ID).desired)

    watched.meanwhile("get", confirm)  # the pass has read the row, and now reads the resource
    watched.handle()
    watched.deliver()
    assert watched.due() == [Cause.CLIENT]


def test_a_resource_deleted_while_a_pass_writes_it_is_made_again(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    shows = watched.cache.shows

    def deleted_before(*written: Any) -> None:
        watched.world.resources.remove(VIDEO_ID)
        watched.event("DELETED", watched.versions[-1])
        shows(*written)

    with monkeypatch.context() as deleting:
        deleting.setattr(watched.cache, "shows", deleted_before)
        watched.handle()
    assert watched.due() == [Cause.SWEEP]
    watched.handle()
    assert VIDEO_ID in watched.world.resources.by_name


def test_a_pass_that_fails_leaves_its_versions_to_be_judged_as_those_of_others(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("a bug")

    with monkeypatch.context() as broken:
        broken.setattr(watched.world.resources, "write_status", fail)
        watched.handle()
    watched.deliver()
    assert watched.due() == [Cause.CLIENT]
