"""Notifications leave from here: by webhook to endpoints, by mail to owners.

Which are due, and for whom, is in Postgres (desired/outbox.py). Only the leading operator sends.
"""
