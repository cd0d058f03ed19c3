"""Runs a function for each name in dependency order, and for independent names at the same time."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from graphlib import TopologicalSorter


def in_order(needs: Mapping[str, Sequence[str]], do: Callable[[str], None]) -> None:
    """Call ``do`` for every name, after it has returned for everything the name needs.

    A name whose needs failed is skipped. Raises the first failure once all running calls have ended.
    """
    order = list(TopologicalSorter(needs).static_order())
    futures: dict[str, Future[None]] = {}

    def after_needs(name: str) -> None:
        for needed in needs.get(name, ()):
            futures[needed].result()
        do(name)

    with ThreadPoolExecutor(max_workers=max(1, len(order))) as threads:
        # In topological order, so that the futures of the needs exist already.
        for name in order:
            futures[name] = threads.submit(after_needs, name)
    for name in order:
        futures[name].result()


def reversed_needs(needs: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return the needs for shutting down: each name after everything that needs it."""
    reversed_: dict[str, list[str]] = {name: [] for name in needs}
    for name, needed_by_name in needs.items():
        for needed in needed_by_name:
            reversed_.setdefault(needed, []).append(name)
    return reversed_
