"""The local mail sink: takes every letter and sends none on. `python -m devstack.mail` runs it."""
