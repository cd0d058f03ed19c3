"""The audit compares rows, bucket and claims in both directions, long after the last pass over an upload.

checks.py has the rules, runner.py the iteration, repair.py the effects, scheduler.py the operator's threads; the
command is controller/audit_cli.py. controller/loop/resync.py compares rows and resources.
"""
