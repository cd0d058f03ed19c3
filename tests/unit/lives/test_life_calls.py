"""What one life costs when nothing goes wrong: its passes, and their calls to each upstream.

A client sends its file and confirms it at once, and the job calls back before it is asked about. docs/capacity.md and
docs/benchmarks.md have the sums.
"""

import pytest

from domain.records import Cause
from tests.support.fakes.transcoder import Script
from tests.support.world.calls import count_calls
from tests.support.world.endings import assert_ends_ready
from tests.support.world.operator import Process
from tests.support.world.world import VIDEO_ID, InMemoryWorld

Passes = list[list[str]]


@pytest.fixture(scope="module")
def passes() -> Passes:
    """Return the calls of each pass of one life, in order."""
    world = InMemoryWorld(Script(job_seconds=1))
    calls = count_calls(world)
    made: Passes = []

    def one_pass(process: Process) -> None:
        calls.clear()
        process.step()
        made.append(list(calls))

    world.create()
    world.resources.apply(world.row.desired)
    process = Process(world)
    process.begin()
    world.send_file()
    one_pass(process)
    world.resources.apply(world.records.confirm(VIDEO_ID).desired)
    process.queue.add(VIDEO_ID, Cause.CLIENT)
    while not world.is_at_rest():
        one_pass(process)
    assert_ends_ready(world)
    return made


def test_it_makes_so_many_calls(passes: Passes) -> None:
    calls = [call.partition(".")[0] for each in passes for call in each]
    made = {upstream: calls.count(upstream) for upstream in ("s3", "kubernetes", "coconut", "postgres")}
    assert (len(passes), made) == (5, {"s3": 18, "kubernetes": 7, "coconut": 4, "postgres": 13})


def test_what_may_follow_the_order_comes_after_it(passes: Passes) -> None:
    (ordering,) = [each for each in passes if "coconut.start" in each]
    before = ordering[: ordering.index("coconut.start")]
    assert [call for call in before if call.startswith(("s3", "kubernetes"))] == [
        "s3.head",  # of the original, the last look before money is spent
        "s3.marks",
        "s3.output_folders",
        "kubernetes.get",
        "kubernetes.write_status",  # the intent
        "s3.mark_attempt",
    ]


def test_no_pass_posts_an_event(passes: Passes) -> None:
    assert not [call for each in passes for call in each if "event" in call]


def test_a_confirmation_that_comes_during_the_creations_pass_costs_no_second_look_at_the_file() -> None:
    world = InMemoryWorld(Script(job_seconds=1))
    calls = count_calls(world)
    world.create()
    process = Process(world)
    process.begin()
    world.send_file()

    def confirm() -> None:
        world.records.confirm(VIDEO_ID)
        process.queue.add(VIDEO_ID, Cause.CLIENT)

    calls.clear()
    world.kill_switch.forget()
    world.kill_switch.happens[5] = confirm  # once the pass has read the row
    while not world.is_at_rest():
        process.step()
    assert world.row.desired.confirmations == 1
    assert calls.count("s3.verify_source") == calls.count("s3.keep_original") == 1
    assert_ends_ready(world)
