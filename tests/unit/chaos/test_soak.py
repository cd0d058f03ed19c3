"""The load of a soak is steady."""

from itertools import pairwise

from chaos.schedule import Behaviour
from chaos.soak import UPLOADS_PER_SECOND, plans


def test_uploads_begin_at_a_steady_rate_and_are_all_plain() -> None:
    planned = list(plans(100))
    assert len(planned) == 100
    assert planned[0].at == 0
    assert {later.at - earlier.at for earlier, later in pairwise(planned)} == {1 / UPLOADS_PER_SECOND}
    assert {plan.behaviour for plan in planned} == {Behaviour.PLAIN}
