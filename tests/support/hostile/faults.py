"""Which faults a call can have."""

from collections.abc import Iterator

from tests.support.hostile import bodies, headers, queries, targets, tokens
from tests.support.hostile.calls import Call
from tests.support.hostile.requests import Defect


def faults_of(call: Call) -> Iterator[Defect]:
    """Yield every fault that a call can have."""
    yield from targets.method_faults(call)
    if call.is_private:
        yield from tokens.token_faults()
    if call.scope is not None:
        yield from tokens.scope_faults(call.scope)
    if call.has_id:
        yield from targets.id_faults(call)
    if call.query is not None:
        yield from queries.query_faults(call.query)
    if call.is_keyed:
        yield from headers.key_faults()
    if call.is_signed:
        yield from targets.signature_faults()
    if call.opens is not None:
        yield from targets.playback_faults(call.opens)
    if call.body is not None:
        yield from bodies.body_faults(call.body)
        yield from bodies.field_faults(call.body)
