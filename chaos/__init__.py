"""A run of the whole service under faults, and the program that judges how it ended."""
