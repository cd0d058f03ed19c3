"""The operator's Prometheus metrics."""
