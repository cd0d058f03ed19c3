"""The API: Falcon resources over the stores. It records wishes and shows observations; it never transcodes.

Start at app.py for the routes, http/problems.py for every answer that is not a success.
"""
