"""Functions run in dependency order."""

import threading

import pytest

from devstack.dependency_order import in_order, reversed_needs
from devstack.plan import NEEDS


def test_each_name_runs_after_its_needs() -> None:
    done: list[str] = []
    in_order(NEEDS, done.append)
    assert sorted(done) == sorted(NEEDS)
    for name, needed in NEEDS.items():
        assert all(done.index(other) < done.index(name) for other in needed)


def test_independent_names_run_at_the_same_time() -> None:
    both = threading.Barrier(2, timeout=10)

    def meet(_name: str) -> None:
        both.wait()

    in_order({"a": (), "b": ()}, meet)


def test_a_name_whose_need_failed_is_skipped_and_the_first_failure_is_raised() -> None:
    tried: list[str] = []

    def do(name: str) -> None:
        tried.append(name)
        if name == "a":
            raise ValueError("a failed")

    with pytest.raises(ValueError, match="a failed"):
        in_order({"a": (), "b": ("a",), "c": ()}, do)
    assert sorted(tried) == ["a", "c"]


def test_reversed_needs_put_a_part_after_all_that_need_it() -> None:
    done: list[str] = []
    in_order(reversed_needs(NEEDS), done.append)
    assert done.index("postgres") > max(done.index("api"), done.index("operator"))
    assert done.index("etcd") > done.index("kube-apiserver")
