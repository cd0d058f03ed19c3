"""Carries a schedule of faults out: each track in a thread of its own."""

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from chaos.installation import Installation
from chaos.journal import Journal
from chaos.schedule import ALONE, CLOCKS, NETWORK, STAND_IN, Fault, Kind, Schedule
from devstack import services
from devstack.fault_proxy import LineFault

_SERVICES = (services.API, services.OPERATOR)
_BACK_WITHIN_SECONDS = 10


class Faults:
    """The faults of one run."""

    def __init__(self, installed: Installation, journal: Journal, *, seed: int) -> None:
        self._installed = installed
        self._journal = journal
        self._draw = random.Random(f"faults {seed}")
        # Held during a network fault, and during a fault that has to run alone.
        self._alone = threading.Lock()

    def carry_out(self, schedule: Schedule, began: float) -> None:
        """Do all of it; ``began`` is of the monotonic clock. Raises what a fault raised.

        Where processes take longer to come back than planned, the other tracks begin again meanwhile.
        """
        processes, *others = schedule.tracks
        with ThreadPoolExecutor(len(schedule.tracks)) as pool:
            first = pool.submit(self._track, processes, began)
            running = [pool.submit(self._repeat, track, began, schedule.seconds, first.done) for track in others]
            for done in [first, *running]:
                done.result()

    def _repeat(self, faults: Sequence[Fault], began: float, seconds: float, is_over: Callable[[], bool]) -> None:
        self._track(faults, began)
        while not is_over():
            began += seconds
            self._track(faults, began, is_over)

    def _track(self, faults: Sequence[Fault], began: float, is_over: Callable[[], bool] = lambda: False) -> None:
        for fault in faults:
            threading.Event().wait(max(0, began + fault.at - time.monotonic()))
            if is_over():
                return
            with self._alone_if_needed(fault.kind), self._journal.fault(fault.kind, fault.target) as line:
                if fault.kind is Kind.RESTORE_DUMP:
                    # What was written since then is known to the cluster and the bucket only.
                    line["dump_at"] = time.time()
                self._do(fault)
            if fault.kind in ALONE or fault.target in _SERVICES:
                # A service that never runs meets no fault.
                self._installed.wait_until_served(*_SERVICES, within_seconds=_BACK_WITHIN_SECONDS)

    @contextmanager
    def _alone_if_needed(self, kind: Kind) -> Iterator[None]:
        if kind in NETWORK or kind in ALONE:
            with self._alone:
                yield
        else:
            yield

    def _do(self, fault: Fault) -> None:
        installed = self._installed
        match fault.kind:
            case kind if kind in STAND_IN:
                installed.set_stand_in(**{kind.value: STAND_IN[kind]})
                threading.Event().wait(fault.seconds)
                installed.set_stand_in(**{kind.value: 0})
            case kind if kind in NETWORK:
                installed.break_line(fault.target, LineFault(kind.value), fault.seconds)
            case Kind.KILL:
                installed.kill(fault.target, fault.seconds)
            case Kind.FREEZE:
                installed.freeze(fault.target, fault.seconds)
            case kind if kind in CLOCKS:
                installed.run_with_wrong_clock(fault.target, fault.seconds, ahead_seconds=CLOCKS[kind])
            case Kind.SECOND_OPERATOR:
                installed.run_second_operator(fault.seconds)
            case Kind.ROTATE_KEYS:
                installed.rotate_keys()
            case Kind.DELETE_ONE:
                installed.delete_one_resource(self._draw)
            case Kind.DELETE_ALL:
                installed.delete_all_resources()
            case Kind.DELETE_CRD:
                installed.delete_kind()
            case Kind.WIPE_ETCD:
                installed.wipe_etcd()
            case Kind.RESTORE_DUMP:
                installed.restore_dump(fault.seconds / 2)
