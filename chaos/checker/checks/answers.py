"""No call fails with an internal error: what cannot be done now is refused with 503 or a problem that has a code."""

from collections.abc import Iterator

from chaos.checker.violation import Rule, Violation
from chaos.checker.world import World

_UNAVAILABLE = 503


def check(world: World) -> Iterator[Violation]:
    """Look at every answer that a client got."""
    for answer in world.answers:
        is_internal = answer.status == 500 or answer.code == "internal_error"
        is_bare = (answer.status or 0) > 500 and answer.status != _UNAVAILABLE and not answer.code
        if is_internal or is_bare:
            text = f"{answer.method} {answer.path} was answered {answer.status} {answer.code or ''}".rstrip()
            yield Violation(Rule.NO_INTERNAL_ERROR, text, answer.video_id)
