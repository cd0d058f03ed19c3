"""Judges a run by what it left in the ledger, S3, Postgres and Kubernetes.

It shares no code with the service: what it must know of the schema and of the keys in the bucket it states itself, from
the pages in docs/. `reading` fetches a `World`, `checks` are pure functions over it, and `report` writes what they say.
"""
