"""The checks: each a pure function from a `World` to what is wrong with it, one module for each subject."""

from chaos.checker.checks import (
    answers,
    bucket,
    faults,
    jobs,
    losses,
    notifications,
    owners,
    playback,
    resources,
    rest,
    secrecy,
    writes,
)
from chaos.checker.violation import Violation
from chaos.checker.world import World

CHECKS = (
    jobs.check,
    rest.check,
    playback.check,
    writes.check,
    resources.check,
    losses.check,
    owners.check,
    secrecy.check,
    notifications.check,
    bucket.check,
    answers.check,
    faults.check,
)


def violations(world: World) -> list[Violation]:
    """Return everything that is wrong, in the order of the checks."""
    return [violation for check in CHECKS for violation in check(world)]
