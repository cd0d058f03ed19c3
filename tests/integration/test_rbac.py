"""The rights that the chart's ServiceAccounts need, with their own tokens and the rendered Roles.

What they may not do is everything else: test_rbac_matrix.py.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crds.client import Cluster, UploadsClient
from crds.events import ResourceEvent
from crds.spec import desired_state_of
from devstack.cluster import ClusterAdmin
from domain.video import DesiredState, Phase, new_video_id
from tests.support.builders.resources import SIGNATURES, a_status
from tests.support.builders.rows import a_desired_state, an_observation


@dataclass(frozen=True)
class Accounts:
    """Both accounts in the chart's namespace."""

    api: Cluster
    operator: Cluster


@pytest.fixture(scope="module")
def accounts(api_server: ClusterAdmin, api_kubeconfig: Path, operator_kubeconfig: Path) -> Accounts:
    namespace = api_server.namespace
    return Accounts(
        api=Cluster.from_environment(namespace=namespace, kubeconfig=api_kubeconfig),
        operator=Cluster.from_environment(namespace=namespace, kubeconfig=operator_kubeconfig),
    )


def own_wish() -> DesiredState:
    video_id = new_video_id()
    return a_desired_state(video_id=video_id, storage_key=f"uploads/{video_id}/original.mp4")


def test_the_apis_account_may_create_change_and_read_resources(accounts: Accounts) -> None:
    uploads, desired = UploadsClient(accounts.api, SIGNATURES), own_wish()
    assert uploads.apply(desired) is not None
    assert uploads.apply(desired) is not None
    assert uploads.get(desired.video_id) is not None


def test_the_operators_account_may_do_all_that_a_pass_and_the_resync_need(accounts: Accounts) -> None:
    uploads, desired = UploadsClient(accounts.operator, SIGNATURES), own_wish()
    assert uploads.apply(desired) is not None
    resource = uploads.get(desired.video_id)
    assert resource is not None
    status = a_status(desired_state_of(resource), an_observation(Phase.READY), resource=resource)
    written = uploads.write_status(resource, status)
    uploads.post_event(
        ResourceEvent.about(written, type="Normal", reason="Published", message="Playable.", at=datetime.now(UTC))
    )
    assert any(written in page for page in uploads.pages())
    uploads.delete(written.name, uid=written.uid, resource_version=written.resource_version)
