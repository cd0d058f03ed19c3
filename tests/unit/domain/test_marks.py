"""What the names of marks say, whatever else lies beside them."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain import object_keys
from domain.marks import Marks, marks_of
from domain.objects import StoredFile

VIDEO = "v1"
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


def stored(*keys: str) -> list[StoredFile]:
    """Return files in the order in which they were written."""
    return [StoredFile(key, 0, NOON + timedelta(seconds=number)) for number, key in enumerate(keys)]


def test_of_two_orders_under_one_number_the_newer_counts() -> None:
    keys = [object_keys.attempt_mark_key(VIDEO, folder) for folder in ("1-zzz", "1-aaa", "2-bbb")]
    assert marks_of(VIDEO, stored(*keys)).folders == {1: "1-aaa", 2: "2-bbb"}
    assert marks_of(VIDEO, reversed(stored(*keys))).folders == {1: "1-aaa", 2: "2-bbb"}


def test_the_newest_deletion_counts_not_the_last_name() -> None:
    keys = [object_keys.deletion_mark_key(VIDEO, revision) for revision in (10, 9)]
    assert marks_of(VIDEO, stored(*keys)).deleted_revision == 10


@given(st.text(min_size=1))
def test_any_job_reads_back(job_id: str) -> None:
    key = object_keys.job_mark_key(VIDEO, 3, job_id.encode(errors="replace").decode())
    assert marks_of(VIDEO, stored(key)).jobs == {3: job_id.encode(errors="replace").decode()}


@given(st.text())
def test_any_other_name_says_nothing_or_a_number(name: str) -> None:
    marks = marks_of(VIDEO, stored(object_keys.marks_prefix(VIDEO) + name))
    assert marks == Marks({}, {}, None) or name.startswith(("attempt-", "job-", "deleted-"))
