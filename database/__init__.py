"""Postgres: the desired and the observed state of videos, paid attempts, claims, history and notifications.

psycopg and SQL live here and nowhere else. What a row means for the cluster is made in crds/spec.py.
"""
