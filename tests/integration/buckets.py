"""Buckets for one test each on the session's real S3 server."""

import secrets
from dataclasses import replace

from devstack import s3 as s3_server
from devstack.s3 import S3Access


def with_fresh_bucket(s3_access: S3Access) -> S3Access:
    """Make a bucket, with the same policy and CORS rules as everywhere."""
    bucket = f"test-{secrets.token_hex(6)}"
    reach = replace(s3_access, raw_bucket=bucket, processed_bucket=bucket)
    s3_server.create_bucket(reach, allowed_origins=["http://127.0.0.1:8080"])
    return reach
