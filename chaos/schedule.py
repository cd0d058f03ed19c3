"""What happens in a run, and when: a pure function of the seed and the number of uploads.

The same seed makes the same schedule; what it meets differs, since real processes are not deterministic.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from typing import TypeVar

_Item = TypeVar("_Item")

# The processes that are killed and frozen, by their names in the stack.
PROCESSES = ("operator", "api", "postgres", "s3", "etcd", "kube-apiserver")
UPSTREAMS = ("postgres", "s3", "kube-apiserver", "coconut")
COCONUT = "coconut"
CLUSTER = "cluster"
SERVICES = "services"

# Below this many uploads a run has one disaster instead of all three: three seeds in a row have them all.
_WHOLE_RUN = 100


class Kind(StrEnum):
    """The kinds of fault, by the names that the journal has."""

    DROP = "drop"
    DELAY = "delay_seconds"
    DUPLICATE = "duplicate"
    REORDER = "reorder"
    FORGE = "forge"
    TOO_MANY = "http_429"
    ERROR_BEFORE = "http_5xx_before"
    ERROR_AFTER = "http_5xx_after"
    HANG = "hang_after"
    STUCK = "stuck"
    FAIL = "fail"
    LATENCY = "latency"
    CUT = "cut"
    HALF_OPEN = "half_open"
    RESET = "reset"
    SLOW = "slow"
    KILL = "kill"
    FREEZE = "freeze"
    SECOND_OPERATOR = "second_operator"
    CLOCK_AHEAD = "clock_ahead"
    CLOCK_BEHIND = "clock_behind"
    ROTATE_KEYS = "rotate_keys"
    DELETE_ONE = "delete_resource"
    DELETE_ALL = "delete_all_resources"
    DELETE_CRD = "delete_crd"
    WIPE_ETCD = "wipe_etcd"
    RESTORE_DUMP = "restore_dump"


# The value of each fault of the stand-in: chances, and seconds for the delay. Those of one line follow each other.
_CALLBACKS = {Kind.DROP: 0.7, Kind.DELAY: 2.0, Kind.DUPLICATE: 0.7, Kind.REORDER: 0.7, Kind.FORGE: 0.7}
_SUBMISSIONS = {Kind.TOO_MANY: 0.6, Kind.ERROR_BEFORE: 0.6, Kind.ERROR_AFTER: 0.5, Kind.HANG: 0.5}
_JOBS = {Kind.STUCK: 0.2, Kind.FAIL: 0.3}
STAND_IN = _CALLBACKS | _SUBMISSIONS | _JOBS
NETWORK = (Kind.LATENCY, Kind.CUT, Kind.HALF_OPEN, Kind.RESET, Kind.SLOW)
# By how many seconds the clock of a service is ahead: nearly all that storage accepts.
CLOCKS = {Kind.CLOCK_AHEAD: 600, Kind.CLOCK_BEHIND: -600}
DISASTERS = (Kind.DELETE_CRD, Kind.WIPE_ETCD, Kind.RESTORE_DUMP)
# While these run the network works: nothing else may lose what a disaster is the proof of.
ALONE = (*DISASTERS, Kind.ROTATE_KEYS)


class Behaviour(StrEnum):
    """What a client does with its upload."""

    PLAIN = "plain"
    MULTIPART = "multipart"
    REPEATED = "repeated"
    VANISH_CREATED = "vanish_created"
    VANISH_SENT = "vanish_sent"
    VANISH_PARTS = "vanish_parts"
    BAD_ONCE = "bad_once"
    BAD_TWICE = "bad_twice"
    SWAP = "swap"
    DELETE = "delete"
    RESTORE = "restore"
    RETRANSCODE = "retranscode"
    IMPORT = "import"


# Most clients are well-behaved.
_WEIGHTS = {Behaviour.PLAIN: 5, Behaviour.MULTIPART: 2, Behaviour.REPEATED: 2}


@dataclass(frozen=True)
class Fault:
    """One fault: it begins ``at`` seconds after the clients and lasts ``seconds``."""

    at: float
    seconds: float
    kind: Kind
    target: str


@dataclass(frozen=True)
class ClientPlan:
    """One client: it begins ``at`` seconds after the start."""

    number: int
    at: float
    behaviour: Behaviour
    # Draws the client's own choices, such as when it deletes.
    seed: int


@dataclass(frozen=True)
class Schedule:
    """A whole run. Each track is worked off by a thread of its own, in order."""

    seconds: float
    tracks: tuple[tuple[Fault, ...], ...]
    clients: tuple[ClientPlan, ...]

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Return all faults."""
        return tuple(chain.from_iterable(self.tracks))

    @property
    def kinds(self) -> list[str]:
        """Return the kinds of fault that occur."""
        return sorted({fault.kind.value for fault in self.faults})


def schedule(seed: int, uploads: int, *, with_clocks: bool = True) -> Schedule:
    """Return the schedule of a seed. Without clocks it is the same without the faults that shift them."""
    draw = random.Random(f"chaos {seed} {uploads}")
    is_whole = uploads >= _WHOLE_RUN
    disasters = DISASTERS if is_whole else (DISASTERS[seed % len(DISASTERS)],)
    suffered = list(_process_faults(draw, disasters, frozen_at_most=6 if is_whole else 3))
    processes = tuple(_in_turn(_shuffled(draw, suffered), first=2, pause=1 if is_whole else 0.5))
    seconds = max(processes[-1].at + processes[-1].seconds + 2, uploads * 0.6)
    return Schedule(
        seconds=seconds,
        tracks=(
            tuple(fault for fault in processes if with_clocks or fault.kind not in CLOCKS),
            _spread(draw, [(kind, where) for kind in NETWORK for where in UPSTREAMS], seconds, share=0.5),
            *(
                _spread(draw, [(kind, COCONUT) for kind in kinds], seconds, share=0.9)
                for kinds in (_CALLBACKS, _SUBMISSIONS, _JOBS)
            ),
        ),
        clients=tuple(_clients(draw, uploads, seconds)),
    )


def _process_faults(
    draw: random.Random, disasters: Sequence[Kind], *, frozen_at_most: float
) -> Iterator[tuple[Kind, str, float]]:
    """Yield each fault of processes and resources with its length."""
    for name in PROCESSES:
        yield Kind.KILL, name, draw.uniform(0.2, 2)
        yield Kind.FREEZE, name, draw.uniform(0.5, frozen_at_most)
    yield Kind.SECOND_OPERATOR, "operator-2", draw.uniform(3, 6)
    for kind, name in zip(_shuffled(draw, list(CLOCKS)), ("operator", "api"), strict=True):
        yield kind, name, draw.uniform(6, 8)
    yield Kind.ROTATE_KEYS, SERVICES, 3
    for _ in range(3):
        yield Kind.DELETE_ONE, CLUSTER, 0.5
    yield Kind.DELETE_ALL, CLUSTER, 1
    lengths = {Kind.DELETE_CRD: 4.0, Kind.WIPE_ETCD: 10.0, Kind.RESTORE_DUMP: 12.0}
    for kind in disasters:
        yield kind, "postgres" if kind is Kind.RESTORE_DUMP else CLUSTER, lengths[kind]


def _in_turn(faults: Sequence[tuple[Kind, str, float]], *, first: float, pause: float) -> Iterator[Fault]:
    at = first
    for kind, target, seconds in faults:
        yield Fault(at, seconds, kind, target)
        at += seconds + pause


def _spread(
    draw: random.Random, faults: Sequence[tuple[Kind, str]], seconds: float, *, share: float
) -> tuple[Fault, ...]:
    """Shuffle faults and give each an equal part of the time, of which it lasts a share."""
    part = seconds / len(faults)
    return tuple(
        Fault(index * part, part * share, kind, target) for index, (kind, target) in enumerate(_shuffled(draw, faults))
    )


def _clients(draw: random.Random, uploads: int, seconds: float) -> Iterator[ClientPlan]:
    # Each behaviour occurs, as far as there are clients.
    chosen = list(Behaviour)[:uploads]
    weights = [_WEIGHTS.get(behaviour, 1) for behaviour in Behaviour]
    chosen += draw.choices(list(Behaviour), weights, k=uploads - len(chosen))
    for number, behaviour in enumerate(_shuffled(draw, chosen)):
        yield ClientPlan(number, draw.uniform(0, seconds * 0.9), behaviour, draw.getrandbits(32))


def _shuffled(draw: random.Random, items: Sequence[_Item]) -> list[_Item]:
    return draw.sample(items, len(items))
