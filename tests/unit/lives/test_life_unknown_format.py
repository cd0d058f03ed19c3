"""The life of a file that verification does not recognise: the provider looks at it once."""

from domain.failures import FailureCode
from tests.support.fakes.transcoder import JobEnd, Script
from tests.support.world.endings import assert_ends_errored, assert_ends_ready
from tests.support.world.operator import live
from tests.support.world.world import InMemoryWorld

NEITHER_KNOWN_NOR_REFUSED = bytes(1000)


def test_an_unknown_format_that_the_provider_can_decode_becomes_a_video() -> None:
    world = sent(Script())
    live(world)
    assert_ends_ready(world)


def test_an_unknown_format_that_the_provider_fails_is_not_bought_again() -> None:
    world = sent(Script(job_ends=[JobEnd.BREAKS, JobEnd.COMPLETES]))
    live(world)
    assert_ends_errored(world, FailureCode.TRANSCODE_FAILED, jobs=1)


def sent(script: Script) -> InMemoryWorld:
    world = InMemoryWorld(script)
    world.create()
    world.send_file(NEITHER_KNOWN_NOR_REFUSED)
    return world
