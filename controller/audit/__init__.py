"""The audit: rows, bucket and claims compared both ways, long after a pass has any reason to look.

judging.py has the rules, compare.py the walk, repair.py the effects, turns.py the operator's own schedule, __main__.py
the command. Rows and resources are compared by controller/loop/resync.py.
"""
