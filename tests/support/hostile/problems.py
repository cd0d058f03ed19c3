"""What a refusal has to look like: as docs/api.md says."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.support.hostile.requests import RawResponse
from webapi.http.problems import ProblemCode

PAGE = (Path(__file__).parents[3] / "docs" / "api.md").read_text()
_ROW = re.compile(r"^\| `(\w+)` \| (\d{3}) \| (yes|no) \|", re.MULTILINE)


@dataclass(frozen=True)
class Documented:
    """What the documentation promises of all problems of one code."""

    status: int
    retryable: bool


@cache
def documented() -> dict[str, Documented]:
    """Return the table of problems, by code."""
    return {code: Documented(int(status), retryable == "yes") for code, status, retryable in _ROW.findall(PAGE)}


def assert_problem(
    answer: RawResponse, code: ProblemCode, fields: Sequence[str] = (), *, is_head: bool = False
) -> None:
    """Check the answer's form against the documentation, and that it names the fields."""
    promised = documented()[code]
    assert answer.status == promised.status, answer.body[:500]
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    if is_head:
        assert answer.body == b""
        return
    problem = answer.json()
    assert (problem["code"], problem["status"]) == (code, promised.status), problem
    assert problem["retryable"] is promised.retryable
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert {"type", "title", "detail", "instance", "what_to_do"} <= set(problem)
    assert [error["field"] for error in problem.get("errors", ())] == list(fields), problem
