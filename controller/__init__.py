"""The operator: in each pass it brings one upload a step nearer to rest.

Read rules/machine.py for the rules and loop/reconcile.py for one pass.
"""
