"""The operator: it looks at the world again and again and brings each upload one step nearer to rest.

Read machine.py for the rules and reconcile.py for one pass.
"""
