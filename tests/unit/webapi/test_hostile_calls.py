"""Every call has its faults: a field that the tables of bad values do not know fails here, without servers."""

import pytest

from tests.support.hostile.calls import CALLS, Call
from tests.support.hostile.faults import faults_of


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_the_faults_of_every_call_can_be_made(call: Call) -> None:
    names = [str(fault) for fault in faults_of(call)]
    assert names
    assert len(set(names)) == len(names)
