"""What happens in a run, and when: a pure function of the seed and the number of uploads.

The same seed makes the same schedule; what it meets differs, since real processes are not deterministic.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

_Item = TypeVar("_Item")

# The processes that are killed and frozen, by their names in the stack.
PROCESSES = ("operator", "api", "postgres", "s3", "etcd", "kube-apiserver")
UPSTREAMS = ("postgres", "s3", "kube-apiserver", "coconut")
COCONUT = "coconut"
CLUSTER = "cluster"

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
    DELETE_ONE = "delete_resource"
    DELETE_ALL = "delete_all_resources"
    DELETE_CRD = "delete_crd"
    WIPE_ETCD = "wipe_etcd"
    RESTORE_DUMP = "restore_dump"


# The value of each fault of the stand-in: chances, and seconds for the delay.
STAND_IN = {
    Kind.DROP: 0.7,
    Kind.DELAY: 2.0,
    Kind.DUPLICATE: 0.7,
    Kind.REORDER: 0.7,
    Kind.FORGE: 0.7,
    Kind.TOO_MANY: 0.6,
    Kind.ERROR_BEFORE: 0.6,
    Kind.ERROR_AFTER: 0.4,
    Kind.HANG: 0.4,
    Kind.STUCK: 0.15,
    Kind.FAIL: 0.3,
}
NETWORK = (Kind.LATENCY, Kind.CUT, Kind.HALF_OPEN, Kind.RESET, Kind.SLOW)
# Each runs alone: nothing else may lose what it is the proof of.
DISASTERS = (Kind.DELETE_CRD, Kind.WIPE_ETCD, Kind.RESTORE_DUMP)


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
    stand_in: tuple[Fault, ...]
    network: tuple[Fault, ...]
    processes: tuple[Fault, ...]
    clients: tuple[ClientPlan, ...]

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Return all faults."""
        return self.stand_in + self.network + self.processes

    @property
    def kinds(self) -> list[str]:
        """Return the kinds of fault that occur."""
        return sorted({fault.kind.value for fault in self.faults})


def schedule(seed: int, uploads: int) -> Schedule:
    """Return the schedule of a seed."""
    draw = random.Random(f"chaos {seed} {uploads}")
    disasters = DISASTERS if uploads >= _WHOLE_RUN else (DISASTERS[seed % len(DISASTERS)],)
    processes = tuple(_in_turn(_shuffled(draw, list(_process_faults(draw, disasters))), first=2.0, pause=1.0))
    seconds = max(processes[-1].at + processes[-1].seconds + 2, uploads * 0.6)
    return Schedule(
        seconds=seconds,
        stand_in=_spread(_shuffled(draw, [(kind, COCONUT) for kind in STAND_IN]), seconds),
        network=_spread(_shuffled(draw, [(kind, where) for kind in NETWORK for where in UPSTREAMS]), seconds),
        processes=processes,
        clients=tuple(_clients(draw, uploads, seconds)),
    )


def _process_faults(draw: random.Random, disasters: Sequence[Kind]) -> Iterator[tuple[Kind, str, float]]:
    """Yield each fault of processes and resources with its length."""
    for name in PROCESSES:
        yield Kind.KILL, name, draw.uniform(0.2, 2)
        yield Kind.FREEZE, name, draw.uniform(0.5, 6)
    yield Kind.SECOND_OPERATOR, "operator-2", draw.uniform(3, 6)
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


def _spread(faults: Sequence[tuple[Kind, str]], seconds: float) -> tuple[Fault, ...]:
    """Give each fault an equal share of the time, two thirds of which it lasts."""
    share = seconds / len(faults)
    return tuple(Fault(index * share, share * 2 / 3, kind, target) for index, (kind, target) in enumerate(faults))


def _clients(draw: random.Random, uploads: int, seconds: float) -> Iterator[ClientPlan]:
    # Each behaviour occurs, as far as there are clients.
    chosen = list(Behaviour)[:uploads]
    weights = [_WEIGHTS.get(behaviour, 1) for behaviour in Behaviour]
    chosen += draw.choices(list(Behaviour), weights, k=uploads - len(chosen))
    for number, behaviour in enumerate(_shuffled(draw, chosen)):
        yield ClientPlan(number, draw.uniform(0, seconds * 0.9), behaviour, draw.getrandbits(32))


def _shuffled(draw: random.Random, items: Sequence[_Item]) -> list[_Item]:
    return draw.sample(items, len(items))
