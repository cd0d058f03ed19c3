"""The control loop: events become keys, keys become passes."""
