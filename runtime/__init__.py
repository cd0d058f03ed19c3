"""How a process of ours starts and behaves: logs, settings, secret files, outbound calls, probes, bulkheads."""
