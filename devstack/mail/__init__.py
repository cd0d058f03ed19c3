"""The local mail server: it stores every mail and delivers none. `python -m devstack.mail` runs it."""
