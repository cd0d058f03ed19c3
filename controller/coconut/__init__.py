"""The transcoding provider Coconut.

client.py calls it, job_request.py builds the body of a job, limiter.py and breaker.py decide whether a submission may
leave now.

controller/rules/submission.py decides when one is due, controller/actions/submission.py records it.
"""
