"""Reads everything, rows and resources twice, with the bucket between: so what still changes shows."""

from pathlib import Path

from chaos.checker import keys
from chaos.checker.reading.bucket import BucketReader
from chaos.checker.reading.cluster import ClusterReader
from chaos.checker.reading.ledger import read_ledger
from chaos.checker.reading.postgres import read_tables, read_videos
from chaos.checker.reading.run_files import RunFiles
from chaos.checker.world import World


def read_world(directory: Path) -> World:
    """Read what a run did and left. Raises what the libraries raise: a source that is away proves nothing."""
    files = RunFiles.of(directory)
    postgres_url = files.settings["postgres_url"]
    cluster = ClusterReader(files.settings["kubeconfig"], files.settings["namespace"])
    bucket = BucketReader(files.settings["s3"])

    earlier_videos, earlier_resources = read_videos(postgres_url), cluster.resources()
    objects = bucket.objects()
    open_uploads = bucket.open_uploads()
    fetched = bucket.fetch(key for key in objects if key != keys.PROBE)
    ledger = read_ledger(files.settings["coconut_control_url"])
    events, resources = cluster.events(), cluster.resources()
    tables = read_tables(postgres_url)

    return World(
        run=files.run(),
        answers=files.answers(),
        faults=files.faults(),
        actions=files.actions(),
        receipts=files.receipts(),
        **vars(tables),
        earlier_videos=earlier_videos,
        ledger=ledger,
        objects=objects,
        open_uploads=open_uploads,
        fetched=fetched,
        resources=resources,
        earlier_resources=earlier_resources,
        events=events,
        logs=files.logs(),
    )
