"""What anybody can read of a deleted video, in every layout of buckets and with every way of publishing.

This S3 server ignores the ACLs of objects, so that layout is shown by the requests: a copy without an ACL is private.
"""

from dataclasses import replace

import pytest
import requests

from devstack.s3 import S3Access, client_for
from domain import object_keys
from domain.objects import VerifiedOutputs
from storage.client import make_clients
from storage.object_store import Storage
from storage.settings import StorageSettings
from tests.integration.buckets import with_fresh_bucket
from tests.integration.storage.reach import acls_of_copies, settings_for
from tests.support.fakes.videos import stream

VIDEO = "withdrawnwithdrawnwithdraw"
FOLDER = "2-mfrggzdfmztwq2lk"


@pytest.fixture(params=["one-bucket", "two-buckets"])
def reach(request: pytest.FixtureRequest, s3_access: S3Access) -> S3Access:
    """Return access to one bucket for everything, or to one for originals and one for outputs."""
    outputs = with_fresh_bucket(s3_access)
    if request.param == "one-bucket":
        return outputs
    return replace(outputs, raw_bucket=with_fresh_bucket(s3_access).raw_bucket)


@pytest.fixture
def settings(reach: S3Access) -> StorageSettings:
    return settings_for(reach)


def put(reach: S3Access, key: str, body: bytes) -> None:
    client_for(reach).put_object(
        Bucket=reach.processed_bucket, Key=key, Body=body, ContentType="video/mp2t", CacheControl="max-age=60"
    )


def statuses(settings: StorageSettings, keys: list[str]) -> set[int]:
    return {requests.get(f"{settings.public_base_url}/{key}", timeout=10).status_code for key in keys}


def test_a_withdrawal_closes_every_url_handed_out_and_a_restore_opens_all_again(
    reach: S3Access, settings: StorageSettings
) -> None:
    storage = Storage(settings)
    keys = [object_keys.outputs_prefix(VIDEO, folder) + path for folder in ("1", FOLDER) for path in stream()]
    for folder in ("1", FOLDER):
        for path, body in stream().items():
            put(reach, object_keys.outputs_prefix(VIDEO, folder) + path, body)
    assert statuses(settings, keys) == {200}

    while not storage.withdraw(VIDEO, at_most=10):
        pass
    moved = [object_keys.withdrawn_prefix(VIDEO) + key.removeprefix(object_keys.video_prefix(VIDEO)) for key in keys]
    assert statuses(settings, keys) <= {403, 404}
    assert statuses(settings, moved) <= {403, 404}

    while not storage.bring_back(VIDEO, at_most=10, is_private=False):
        pass
    assert statuses(settings, keys) == {200}
    assert statuses(settings, moved) <= {403, 404}
    answer = requests.get(f"{settings.public_base_url}/{keys[0]}", timeout=10)
    assert (answer.headers["Content-Type"], answer.headers["Cache-Control"]) == ("video/mp2t", "max-age=60")
    assert isinstance(storage.verify_outputs(VIDEO, FOLDER, input_seconds=None), VerifiedOutputs)


def test_where_acls_publish_a_withdrawn_copy_is_private_and_a_restored_one_public(
    reach: S3Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_for(reach, acl="public-read")
    clients = make_clients(settings)
    sent = acls_of_copies(clients, monkeypatch)
    storage = Storage(settings, clients)
    put(reach, object_keys.master_key(VIDEO, FOLDER), b"#EXTM3U")
    storage.withdraw(VIDEO, at_most=10)
    storage.bring_back(VIDEO, at_most=10, is_private=False)
    assert sent == [("withdrawn", None), ("processed", "public-read")]
