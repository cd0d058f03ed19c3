"""How a side of the bench is emptied: some resources with one request, however many there are."""

import json

import pytest

from bench.sides import delete_some


class ManyThings:
    """A cluster with so many objects of one kind, as `kubectl --raw` shows it."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.deletions = 0

    def kubectl(self, verb: str, _raw: str, path: str) -> str:
        """Answer one request."""
        limit = int(path.rpartition("=")[2])
        if verb == "delete":
            self.deletions += 1
            self.count = max(0, self.count - limit)
            return "{}"
        rest = {"remainingItemCount": self.count - limit} if self.count > limit else {}
        return json.dumps({"metadata": rest, "items": [{}] * min(limit, self.count)})


@pytest.mark.parametrize(("count", "found"), [(0, []), (1, [1]), (2_000, [2_000]), (4_500, [4_500, 2_500, 500])])
def test_thousands_of_resources_are_deleted_with_a_few_requests(count: int, found: list[int]) -> None:
    cluster, there = ManyThings(count), []
    while some := delete_some(cluster.kubectl, "/apis/group/v1/things"):
        there.append(some)
    assert there == found
    assert cluster.deletions == len(found)
