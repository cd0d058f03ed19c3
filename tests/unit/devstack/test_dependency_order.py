"""What waits for what."""

import threading

import pytest

from devstack.dependency_order import in_order, reversed_needs
from devstack.plan import NEEDS


def test_everything_comes_after_what_it_needs() -> None:
    done: list[str] = []
    in_order(NEEDS, done.append)
    assert sorted(done) == sorted(NEEDS)
    for name, needed in NEEDS.items():
        assert all(done.index(other) < done.index(name) for other in needed)


def test_what_needs_nothing_of_each_other_runs_at_the_same_time() -> None:
    both = threading.Barrier(2, timeout=10)

    def meet(_name: str) -> None:
        both.wait()

    in_order({"a": (), "b": ()}, meet)


def test_what_needs_a_failed_part_is_not_tried_and_the_first_failure_is_told() -> None:
    tried: list[str] = []

    def do(name: str) -> None:
        tried.append(name)
        if name == "a":
            raise ValueError("a failed")

    with pytest.raises(ValueError, match="a failed"):
        in_order({"a": (), "b": ("a",), "c": ()}, do)
    assert sorted(tried) == ["a", "c"]


def test_taking_down_ends_a_part_after_all_that_need_it() -> None:
    done: list[str] = []
    in_order(reversed_needs(NEEDS), done.append)
    assert done.index("postgres") > max(done.index("api"), done.index("operator"))
    assert done.index("etcd") > done.index("kube-apiserver")
