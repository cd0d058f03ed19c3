"""Models of request and response bodies and of queries."""
