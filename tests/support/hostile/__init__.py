"""Bad input as a table: every call of the API times every way to get it wrong.

calls.py has a row for each route, requests.py what is sent, the other modules the faults. The table runs over the
application in tests/integration/webapi/test_bad_input.py
and over a real process in tests/integration/test_bad_input.py. A route without a row fails a test.
"""
