"""The audit: rows, bucket and claims compared both ways, long after a pass has any reason to look.

checks.py has the rules, runner.py the walk, repair.py the effects, scheduler.py the operator's own schedule; the
command is controller/audit_cli.py. Rows and resources are compared by controller/loop/resync.py.
"""
