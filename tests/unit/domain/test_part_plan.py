"""How files are cut into parts."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.objects import StoredPart
from domain.part_plan import PARTS_MAX, PartPlan, plan_for

MIB = 1024**2
PREFERRED = 16 * MIB


def part(number: int, file_bytes: int) -> StoredPart:
    return StoredPart(number, f"etag{number}", file_bytes, datetime(2026, 3, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("file_bytes", "part_count", "part_bytes"),
    [
        pytest.param(1, 1, PREFERRED, id="one-byte"),
        pytest.param(PREFERRED, 1, PREFERRED, id="just-one"),
        pytest.param(PREFERRED + 1, 2, PREFERRED, id="one-byte-more"),
        pytest.param(5 * 1024**3, 320, PREFERRED, id="the-largest-by-default"),
        pytest.param(PARTS_MAX * PREFERRED, 1_000, PREFERRED, id="the-largest-of-16-mib"),
        pytest.param(PARTS_MAX * PREFERRED + 1, 942, 17 * MIB, id="parts-grow"),
    ],
)
def test_parts_have_the_preferred_size_while_they_are_not_too_many(
    file_bytes: int, part_count: int, part_bytes: int
) -> None:
    plan = plan_for(file_bytes, preferred_part_bytes=PREFERRED)
    assert (plan.part_count, plan.part_bytes) == (part_count, part_bytes)


@given(file_bytes=st.integers(1, 5 * 1024**4))
def test_the_parts_are_the_file_and_never_too_many(file_bytes: int) -> None:
    plan = plan_for(file_bytes, preferred_part_bytes=PREFERRED)
    sizes = [plan.bytes_of(number) for number in range(1, plan.part_count + 1)]
    assert sum(sizes) == file_bytes
    assert len(sizes) <= PARTS_MAX
    assert set(sizes[:-1]) <= {plan.part_bytes}
    assert 0 < sizes[-1] <= plan.part_bytes


@pytest.mark.parametrize("number", [0, 4])
def test_a_number_outside_the_plan_is_no_part(number: int) -> None:
    with pytest.raises(ValueError, match="no part"):
        PartPlan(25, 10).bytes_of(number)


def test_a_part_of_another_size_is_missing_and_a_foreign_one_is_none() -> None:
    plan = PartPlan(25, 10)
    parts = [part(3, 5), part(1, 10), part(2, 9), part(4, 10)]
    assert [one.number for one in plan.valid(parts)] == [1, 3]
    assert plan.missing(parts) == (2,)
    assert plan.missing([]) == (1, 2, 3)
