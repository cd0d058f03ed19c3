"""Reads a `World`: the run's own files, Postgres, the bucket, the cluster and the ledger. Nothing here judges."""
