"""The effects of steps: one function carries out each step."""
