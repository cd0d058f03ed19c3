"""How a file is divided into parts: a pure function of its size.

All parts but the last have the same size, so a client that resumes an upload finds the same boundaries.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from domain.objects import StoredPart

# One page of ListParts: some clients read only the first page, and would send the other parts again.
PARTS_MAX = 1_000
# S3 accepts no smaller part except the last.
PART_BYTES_MIN = 5 * 1024**2
_MIB = 1024**2


@dataclass(frozen=True)
class PartPlan:
    """The parts of one file, numbered from 1."""

    file_bytes: int
    part_bytes: int

    @property
    def part_count(self) -> int:
        """Return the number of parts."""
        return -(-self.file_bytes // self.part_bytes)

    def bytes_of(self, number: int) -> int:
        """Return the size of a part. Raises ValueError if there is no part of this number."""
        if not 1 <= number <= self.part_count:
            raise ValueError(f"there is no part {number}")
        return min(self.part_bytes, self.file_bytes - (number - 1) * self.part_bytes)

    def valid(self, parts: Iterable[StoredPart]) -> tuple[StoredPart, ...]:
        """Return the parts that belong to the plan and have the right size, by number."""
        by_number = {part.number: part for part in parts if 1 <= part.number <= self.part_count}
        return tuple(part for number, part in sorted(by_number.items()) if part.file_bytes == self.bytes_of(number))

    def missing(self, parts: Iterable[StoredPart]) -> tuple[int, ...]:
        """Return the numbers of the parts that must still be sent, including those of a wrong size."""
        valid = {part.number for part in self.valid(parts)}
        return tuple(number for number in range(1, self.part_count + 1) if number not in valid)


def plan_for(file_bytes: int, *, preferred_part_bytes: int) -> PartPlan:
    """Plan parts of the preferred size, or larger ones, in whole MiB, if there would be more than `PARTS_MAX`."""
    smallest = -(-file_bytes // PARTS_MAX)
    if smallest <= preferred_part_bytes:
        return PartPlan(file_bytes, preferred_part_bytes)
    return PartPlan(file_bytes, -(-smallest // _MIB) * _MIB)
