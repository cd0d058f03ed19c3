"""`python -m devstack.bucket`: create the S3 keys and the bucket of the demo in a cluster; safe to repeat.

It reads the service's own S3_… variables. The local stack does the same without a process (devstack/plan.py).
"""

import os
import shutil
import sys

from devstack import s3
from devstack.s3 import S3Access


def main() -> int:
    """Create them and return the exit status."""
    bucket = os.environ["S3_RAW_BUCKET"]
    access = S3Access(
        endpoint=os.environ["S3_ENDPOINT"],
        region=os.environ["S3_REGION"],
        access_key=os.environ["S3_ACCESS_KEY"],
        secret_key=os.environ["S3_SECRET_KEY"],
        raw_reader_access_key=os.environ["S3_RAW_READER_ACCESS_KEY"],
        raw_reader_secret_key=os.environ["S3_RAW_READER_SECRET_KEY"],
        raw_writer_access_key=os.environ["S3_RAW_WRITER_ACCESS_KEY"],
        raw_writer_secret_key=os.environ["S3_RAW_WRITER_SECRET_KEY"],
        processed_writer_access_key=os.environ["S3_PROCESSED_WRITER_ACCESS_KEY"],
        processed_writer_secret_key=os.environ["S3_PROCESSED_WRITER_SECRET_KEY"],
        private_reader_access_key=os.environ["S3_PRIVATE_READER_ACCESS_KEY"],
        private_reader_secret_key=os.environ["S3_PRIVATE_READER_SECRET_KEY"],
        raw_bucket=bucket,
        processed_bucket=bucket,
    )
    s3.create_accounts(access, program=shutil.which("versitygw"))
    s3.create_bucket(access, allowed_origins=os.environ["ALLOWED_ORIGINS"].split(","))
    sys.stdout.write(f"the bucket {bucket} is ready\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
