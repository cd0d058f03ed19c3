"""Effects: what a step does, one effect for each."""
