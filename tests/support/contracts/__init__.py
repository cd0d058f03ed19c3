"""What an adapter and its fake have in common, as classes of tests that both run."""
