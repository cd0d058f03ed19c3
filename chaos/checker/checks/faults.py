"""A run proves something only if its faults happened."""

from collections.abc import Iterator

from chaos.checker.violation import Rule, Violation
from chaos.checker.world import World

KILL = "kill"


def check(world: World) -> Iterator[Violation]:
    """Look for every kind of fault that was wanted, and for the death of every process."""
    kinds = {fault.kind for fault in world.faults}
    killed = {fault.target for fault in world.faults if fault.kind == KILL}
    for kind in world.run.wanted_faults:
        if kind not in kinds:
            yield Violation(Rule.FAULTS_FIRED, f"no fault of the kind {kind} fired")
    for process in world.run.killable:
        if process not in killed:
            yield Violation(Rule.FAULTS_FIRED, f"{process} was never killed")
