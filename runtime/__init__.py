"""How each process starts and behaves: logs, settings, secret files, outbound calls, probes, bulkheads."""
