"""`make demo`: one real video from the question at the API to a stream that plays, watched all the way.

client.py talks to the API and to storage, follow.py waits, player.py judges the result by playing it,
report.py shows it. Only history.py (why something happened) and provider.py (how far the job is) look behind the API.
"""
