"""The provider Coconut: client.py calls it, job_request.py is the body of a job, limiter.py and breaker.py decide
whether a submission may leave now.

When a submission is wanted is decided in controller/rules/submission.py; how it is recorded is in
controller/actions/submission.py.
"""
