"""`make demo`: one real video from the question at the API to a stream that plays, watched all the way.

client.py talks to the API and to storage, history.py reads the transitions, follow.py waits, player.py judges
the result by playing it, screen.py and report.py show it. None of it knows the service from inside but history.py.
"""
