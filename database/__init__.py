"""Postgres: the wish and the catalogue, the observed state, the paid attempts, the claims, the history.

psycopg and SQL live here and nowhere else. What a row means for the cluster is made in crds/spec.py.
"""
