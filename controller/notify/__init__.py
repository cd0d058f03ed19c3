"""Sends notifications: webhooks to endpoints, mail to owners.

Postgres holds which are due, and for whom (database/outbox.py). Only the leading operator sends.
"""
