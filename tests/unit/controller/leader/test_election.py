"""Who may lead, and when: one candidate's view of a Lease, with a clock that the test moves."""

from copy import deepcopy
from typing import Any

import pytest

from controller.leader.election import Election, Holder, LeaseTiming
from domain.errors import ConflictError, UnavailableError

TIMING = LeaseTiming(duration_seconds=15, renew_deadline_seconds=10, retry_seconds=2)


class FakeLease:
    """A Lease in memory that keeps the API server's promise about versions."""

    def __init__(self) -> None:
        self.lease: dict[str, Any] | None = None
        self.is_reachable = True

    def read(self) -> dict[str, Any] | None:
        if not self.is_reachable:
            raise UnavailableError("GET lease: no answer")
        return deepcopy(self.lease)

    def create(self, spec: dict[str, Any]) -> None:
        if self.lease is not None:
            raise ConflictError("there is one")
        self.lease = {"metadata": {"resourceVersion": "1"}, "spec": spec}

    def replace(self, lease: dict[str, Any]) -> None:
        assert self.lease is not None
        version = self.lease["metadata"]["resourceVersion"]
        if lease["metadata"]["resourceVersion"] != version:
            raise ConflictError("changed since")
        self.lease = {**lease, "metadata": {"resourceVersion": str(int(version) + 1)}}

    @property
    def spec(self) -> dict[str, Any]:
        assert self.lease is not None
        spec: dict[str, Any] = self.lease["spec"]
        return spec


class OneMoreWriter(FakeLease):
    """Another process writes between every read and the write that follows it."""

    def read(self) -> dict[str, Any] | None:
        lease = super().read()
        if lease is not None:
            super().replace(lease)
        return lease


def candidate(store: FakeLease, identity: str) -> Election:
    return Election(store, identity=identity, timing=TIMING)


def test_the_first_candidate_leads() -> None:
    store = FakeLease()
    assert candidate(store, "a").acquire_or_renew(now=0) is Holder.SELF
    assert (store.spec["holderIdentity"], store.spec["leaseTransitions"]) == ("a", 0)


def test_a_second_candidate_waits_while_the_first_renews() -> None:
    store = FakeLease()
    first, second = candidate(store, "a"), candidate(store, "b")
    first.acquire_or_renew(now=0)
    for now in range(0, 60, 2):
        assert first.acquire_or_renew(now=now) is Holder.SELF
        assert second.acquire_or_renew(now=now) is Holder.OTHER


def test_a_second_candidate_leads_once_it_saw_no_renewal_for_a_whole_lease() -> None:
    store = FakeLease()
    candidate(store, "a").acquire_or_renew(now=0)
    second = candidate(store, "b")
    assert second.acquire_or_renew(now=100) is Holder.OTHER  # how old the record was before is not known
    assert second.acquire_or_renew(now=114.9) is Holder.OTHER
    assert second.acquire_or_renew(now=115) is Holder.SELF
    assert (store.spec["holderIdentity"], store.spec["leaseTransitions"]) == ("b", 1)


def test_a_process_that_is_started_again_under_its_own_name_leads_at_once() -> None:
    store = FakeLease()
    candidate(store, "a").acquire_or_renew(now=0)
    assert candidate(store, "a").acquire_or_renew(now=1) is Holder.SELF
    assert (store.spec["holderIdentity"], store.spec["leaseTransitions"]) == ("a", 0)


def test_a_released_lease_is_free_at_once() -> None:
    store = FakeLease()
    first, second = candidate(store, "a"), candidate(store, "b")
    first.acquire_or_renew(now=0)
    assert second.acquire_or_renew(now=1) is Holder.OTHER
    first.release()
    assert second.acquire_or_renew(now=1) is Holder.SELF


def test_a_candidate_cannot_release_anothers_lease() -> None:
    store = FakeLease()
    first, second = candidate(store, "a"), candidate(store, "b")
    first.acquire_or_renew(now=0)
    second.release()
    assert store.spec["holderIdentity"] == "a"


def test_a_leader_that_was_overtaken_stops_leading() -> None:
    store = FakeLease()
    first, second = candidate(store, "a"), candidate(store, "b")
    first.acquire_or_renew(now=0)
    second.acquire_or_renew(now=1)
    assert second.acquire_or_renew(now=16) is Holder.SELF
    assert first.acquire_or_renew(now=17) is Holder.OTHER


def test_of_two_concurrent_writers_only_one_leads() -> None:
    store = OneMoreWriter()
    store.create({})
    assert candidate(store, "a").acquire_or_renew(now=0) is Holder.UNKNOWN


def test_a_write_without_a_response_is_no_renewal() -> None:
    store = FakeLease()
    leader = candidate(store, "a")
    leader.acquire_or_renew(now=0)
    store.is_reachable = False
    assert leader.acquire_or_renew(now=2) is Holder.UNKNOWN


def test_releasing_to_a_silent_server_does_no_harm() -> None:
    store = FakeLease()
    leader = candidate(store, "a")
    leader.acquire_or_renew(now=0)
    store.is_reachable = False
    leader.release()


def test_renewing_keeps_other_fields_of_the_lease() -> None:
    store = FakeLease()
    leader = candidate(store, "a")
    leader.acquire_or_renew(now=0)
    taken = store.spec["acquireTime"]
    store.spec["preferredHolder"] = "c"
    leader.acquire_or_renew(now=2)
    assert (store.spec["preferredHolder"], store.spec["acquireTime"]) == ("c", taken)


@pytest.mark.parametrize(
    ("duration", "deadline", "retry"), [(15, 15, 2), (10, 15, 2), (15, 2, 2), (15, 10, 0)]
)  # fmt: skip
def test_durations_that_allow_two_leaders_are_refused(duration: float, deadline: float, retry: float) -> None:
    with pytest.raises(ValueError, match="retry < renew deadline < duration"):
        LeaseTiming(duration_seconds=duration, renew_deadline_seconds=deadline, retry_seconds=retry)


def test_a_request_begun_at_the_last_moment_ends_before_another_may_lead() -> None:
    two_calls = 2 * TIMING.request_timeout_seconds
    assert TIMING.renew_deadline_seconds + two_calls <= TIMING.duration_seconds
