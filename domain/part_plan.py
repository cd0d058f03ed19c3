"""How a file is cut into parts: a pure function of its size, the same for whoever asks and however often.

All parts but the last have the same size, so a client that comes back finds the boundaries where it left them.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from domain.objects import StoredPart

# What one page of ListParts holds: some clients read no further, and would send the rest again.
PARTS_MAX = 1_000
# S3 takes no smaller part, but for the last.
PART_BYTES_MIN = 5 * 1024**2
_MIB = 1024**2


@dataclass(frozen=True)
class PartPlan:
    """The parts of one file. Numbers begin at 1."""

    file_bytes: int
    part_bytes: int

    @property
    def part_count(self) -> int:
        """Return how many parts there are."""
        return -(-self.file_bytes // self.part_bytes)

    def bytes_of(self, number: int) -> int:
        """Return the size of one part."""
        if not 1 <= number <= self.part_count:
            raise ValueError(f"there is no part {number}")
        return min(self.part_bytes, self.file_bytes - (number - 1) * self.part_bytes)

    def valid(self, parts: Iterable[StoredPart]) -> tuple[StoredPart, ...]:
        """Return those parts that belong to the plan and have the right size, by number."""
        known = {part.number: part for part in parts if 1 <= part.number <= self.part_count}
        return tuple(known[number] for number in sorted(known) if known[number].file_bytes == self.bytes_of(number))

    def missing(self, parts: Iterable[StoredPart]) -> tuple[int, ...]:
        """Return the numbers of the parts that have to be sent, again where the size is wrong."""
        valid = {part.number for part in self.valid(parts)}
        return tuple(number for number in range(1, self.part_count + 1) if number not in valid)


def plan_for(file_bytes: int, *, preferred_part_bytes: int) -> PartPlan:
    """Cut a file: parts of the preferred size, larger ones in whole MiB when there would be too many."""
    smallest = -(-file_bytes // PARTS_MAX)
    if smallest <= preferred_part_bytes:
        return PartPlan(file_bytes, preferred_part_bytes)
    return PartPlan(file_bytes, -(-smallest // _MIB) * _MIB)
