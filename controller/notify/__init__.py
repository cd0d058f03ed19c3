"""Notifications leave from here: by webhook to endpoints, by mail to owners.

Which are due, and for whom, is in Postgres (database/outbox.py). Only the leading operator sends.
"""
