"""Doing things in the order of what needs what, and at the same time what does not."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from graphlib import TopologicalSorter


def in_order(needs: Mapping[str, Sequence[str]], do: Callable[[str], None]) -> None:
    """Call ``do`` for every name, after it has returned for all that the name needs.

    What needs something that failed is not tried. Raises the first failure once everything begun has ended.
    """
    order = list(TopologicalSorter(needs).static_order())
    futures: dict[str, Future[None]] = {}

    def after_needs(name: str) -> None:
        for needed in needs.get(name, ()):
            futures[needed].result()
        do(name)

    with ThreadPoolExecutor(max_workers=max(1, len(order))) as threads:
        # In topological order, so that whoever waits finds the future it waits for.
        for name in order:
            futures[name] = threads.submit(after_needs, name)
    for name in order:
        futures[name].result()


def reversed_needs(needs: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return the order of taking down: each after everything that needs it."""
    turned: dict[str, list[str]] = {name: [] for name in needs}
    for name, needed_by_name in needs.items():
        for needed in needed_by_name:
            turned.setdefault(needed, []).append(name)
    return turned
