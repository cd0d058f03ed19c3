"""The requests of every pass to the object store: on the signed session, and through boto3."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING

from bench.report import Turn
from bench.sides import Bench
from storage.client import make_clients
from storage.settings import StorageSettings
from storage.signed_session import SignedSession

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CopySourceTypeDef

SESSION, BOTO3 = "signed session", "boto3"
_FOLDER = "uploads/bench-storage"
_KEY = f"{_FOLDER}/original.mp4"
_FILE_BYTES, _WINDOW_BYTES, _LISTED = 70_000, 65_536, 20
_ROUND = 10

Calls = dict[str, Callable[[], object]]


def calls(bench: Bench, *, turns: int, seconds: float) -> Iterator[tuple[str, Turn]]:
    """Make each kind of request by both in turn, in this thread, on a connection that is kept if the store keeps it."""
    described = bench.ours.stack.description.s3
    settings = {
        "endpoint": described.endpoint,
        "region": described.region,
        "access_key": described.access_key,
        "secret_key": described.secret_key,
        "raw_bucket": described.bucket,
        "processed_bucket": described.bucket,
        "public_base_url": described.public_base_url,
        "addressing_style": "path",
    }
    clients = make_clients(StorageSettings.model_validate(settings))
    session, boto3, bucket = clients.session, clients.own, described.bucket
    with closing(boto3):
        for number in range(_LISTED):
            session.put(bucket, f"{_FOLDER}/listed/{number}", b"", {})
        session.put(bucket, _KEY, bytes(_FILE_BYTES), {})
        sides = {SESSION: _of_session(session, bucket), BOTO3: _of_boto3(boto3, bucket)}
        for number in range(turns):
            for side in sides if number % 2 == 0 else reversed(sides):
                yield side, _turn(sides[side], seconds)


def _of_session(session: SignedSession, bucket: str) -> Calls:
    etag = session.head(bucket, _KEY).etag
    return {
        "HEAD": lambda: session.head(bucket, _KEY),
        "GET of 64 KiB": lambda: session.read_range(bucket, _KEY, offset=0, length=_WINDOW_BYTES, etag=etag),
        "PUT of 1 kB": lambda: session.put(bucket, f"{_FOLDER}/small", bytes(1000), {}),
        "LIST of 20": lambda: session.page(bucket, f"{_FOLDER}/listed/"),
        "COPY": lambda: session.copy(bucket, _KEY, f"{_FOLDER}/copy", {}),
        "DELETE": lambda: session.delete(bucket, f"{_FOLDER}/none"),
    }


def _of_boto3(client: "S3Client", bucket: str) -> Calls:
    def get() -> bytes:
        return client.get_object(Bucket=bucket, Key=_KEY, Range=f"bytes=0-{_WINDOW_BYTES - 1}")["Body"].read()

    source: CopySourceTypeDef = {"Bucket": bucket, "Key": _KEY}
    return {
        "HEAD": lambda: client.head_object(Bucket=bucket, Key=_KEY),
        "GET of 64 KiB": get,
        "PUT of 1 kB": lambda: client.put_object(Bucket=bucket, Key=f"{_FOLDER}/small", Body=bytes(1000)),
        "LIST of 20": lambda: client.list_objects_v2(Bucket=bucket, Prefix=f"{_FOLDER}/listed/"),
        "COPY": lambda: client.copy_object(Bucket=bucket, Key=f"{_FOLDER}/copy", CopySource=source),
        "DELETE": lambda: client.delete_object(Bucket=bucket, Key=f"{_FOLDER}/none"),
    }


def _turn(side: Calls, seconds: float) -> Turn:
    turn: dict[str, float] = {}
    made, wall, used = 0, 0.0, 0.0
    for name, call in side.items():
        call()
        began, cpu_began, count = time.monotonic(), time.thread_time(), 0
        while time.monotonic() - began < seconds / len(side):
            for _ in range(_ROUND):
                call()
            count += _ROUND
        cpu = time.thread_time() - cpu_began
        turn[f"CPU of a {name}, ms"] = cpu * 1000 / count
        made, wall, used = made + count, wall + time.monotonic() - began, used + cpu
    return {"calls per second": made / wall, "CPU a call, ms": used * 1000 / made, **turn}
