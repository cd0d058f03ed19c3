"""The paid neighbour: client.py asks it, jobbody.py says what is ordered, gate.py and breaker.py whether an order may
leave now.

When an order is wanted is decided in controller/paid.py; how it is put on record is in controller/submission.py.
"""
