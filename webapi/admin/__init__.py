"""The calls about webhooks that we send: endpoints and deliveries.

Sending is in controller/outbox/. What Coconut sends to us is in webapi/coconut_callback.py.
"""
