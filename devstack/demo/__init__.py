"""`make demo`: uploads one real video and shows each step until its stream plays.

follow.py waits, player.py plays the result, report.py prints it. Only history.py (the causes of transitions) and
provider.py (the progress of the job) look behind the API.
"""
