"""Leader election: one operator works, the others wait."""
