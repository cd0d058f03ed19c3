"""A seed makes the same run each time, and every run has all that it is to prove."""

import itertools

import pytest

from chaos.schedule import CLOCKS, DISASTERS, NETWORK, PROCESSES, STAND_IN, UPSTREAMS, Behaviour, Kind, schedule
from devstack.coconut.faults import NAMES
from devstack.fault_proxy import LineFault

SEEDS = range(1, 31)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_seed_makes_the_same_schedule_each_time(seed: int) -> None:
    assert schedule(seed, 200) == schedule(seed, 200)


def test_another_seed_or_number_of_uploads_makes_another_schedule() -> None:
    schedules = {schedule(seed, uploads) for seed in SEEDS for uploads in (20, 40, 200)}
    assert len(schedules) == 3 * len(SEEDS)


@pytest.mark.parametrize("seed", SEEDS)
def test_in_a_whole_run_every_kind_of_fault_occurs_and_every_process_is_killed_and_frozen(seed: int) -> None:
    faults = schedule(seed, 200).faults
    assert {fault.kind for fault in faults} == set(Kind)
    for kind in (Kind.KILL, Kind.FREEZE):
        assert {fault.target for fault in faults if fault.kind is kind} == set(PROCESSES)
    assert {(fault.kind, fault.target) for fault in faults if fault.kind in NETWORK} == {
        (kind, upstream) for kind in NETWORK for upstream in UPSTREAMS
    }


@pytest.mark.parametrize("first", SEEDS)
def test_three_short_runs_in_a_row_have_every_kind_of_fault(first: int) -> None:
    runs = [schedule(seed, 40) for seed in range(first, first + 3)]
    for run in runs:
        assert {fault.kind for fault in run.faults} >= set(Kind) - set(DISASTERS)
    assert {fault.kind for run in runs for fault in run.faults} == set(Kind)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("uploads", [40, 200])
def test_without_the_library_a_run_is_the_same_but_for_the_clocks(seed: int, uploads: int) -> None:
    whole, without = schedule(seed, uploads), schedule(seed, uploads, with_clocks=False)
    assert {fault.target for fault in whole.faults if fault.kind in CLOCKS} == {"operator", "api"}
    assert without.faults == tuple(fault for fault in whole.faults if fault.kind not in CLOCKS)
    assert set(without.kinds) == set(whole.kinds) - {kind.value for kind in CLOCKS}
    assert (without.seconds, without.clients) == (whole.seconds, whole.clients)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_fault_and_client_has_its_place_in_the_run(seed: int) -> None:
    run = schedule(seed, 40)
    for fault in run.faults:
        assert 0 <= fault.at <= fault.at + fault.seconds <= run.seconds
    # A track is worked off by one thread.
    for track in run.tracks:
        for earlier, later in itertools.pairwise(track):
            assert earlier.at + earlier.seconds <= later.at
    assert len(run.clients) == 40
    assert all(0 <= client.at < run.seconds for client in run.clients)
    assert {client.behaviour for client in run.clients} == set(Behaviour)


def test_the_faults_are_those_that_the_stand_in_and_the_proxy_know() -> None:
    assert {kind.value for kind in STAND_IN} <= NAMES
    assert {kind.value for kind in NETWORK} == set(LineFault)
