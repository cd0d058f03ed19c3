"""Which attempt in the bucket the row does not know: it was restored from a dump older than that attempt."""

import pytest

from controller.rules.steps import RestoreAttempt
from controller.rules.submission import used_attempt
from domain.video import Phase
from tests.support.builders.rows import a_row

JOBS = {2: "job2", 3: "job3"}


@pytest.mark.parametrize(
    ("attempt", "folder", "folders", "found"),
    [
        pytest.param(0, None, {}, None, id="nothing-was-bought"),
        pytest.param(1, "1-abc", {1: "1-abc"}, None, id="the-row-knows-all"),
        pytest.param(2, "2-abc", {1: "1-abc", 2: "2-abc"}, None, id="older-ones-are-settled"),
        pytest.param(0, None, {1: "1-abc"}, RestoreAttempt(1, "1-abc", None), id="its-job-is-not-known"),
        pytest.param(0, None, {3: "3-abc", 2: "2-abc"}, RestoreAttempt(2, "2-abc", "job2"), id="the-first-of-two"),
        pytest.param(2, "2-abc", {2: "2-xyz"}, RestoreAttempt(2, "2-xyz", "job2"), id="repeated-after-a-refusal"),
        pytest.param(1, None, {1: "1", 3: "3"}, RestoreAttempt(3, "3", "job3"), id="of-an-earlier-release"),
    ],
)
def test_an_attempt_that_the_row_does_not_know_is_found(
    attempt: int, folder: str | None, folders: dict[int, str], found: RestoreAttempt | None
) -> None:
    row = a_row(Phase.UPLOADED, attempt=attempt, folder=folder)
    assert used_attempt(row, folders, JOBS) == found
