"""The API: Falcon resources over the stores. It records desired state and shows observed state; it never transcodes.

Start at app.py for the routes, http/problems.py for every response that is not a success.
"""
