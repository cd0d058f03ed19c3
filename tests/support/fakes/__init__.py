"""Upstreams in memory. Each passes the contract test of its adapter (tests/support/contracts/)."""
