"""How each process starts and behaves: logs, settings, secret files, SSRF guard, probes, bulkheads."""
